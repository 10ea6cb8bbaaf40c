/** @file Smaller models: exact reductions, rank, the bound on what compression moves, and models fitted to a network's states. */

import { describe, expect, it } from "vitest";
import {
  absolute,
  addScaled,
  applyRows,
  type Dense,
  times,
  transposed,
} from "../../../src/applications/implicit/dense.js";
import { implicitModel } from "../../../src/applications/implicit/model.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import {
  compressionBound,
  featureNorms,
  reducedStates,
  truncatedRank,
} from "../../../src/applications/implicit/sparsity.js";
import { denseA } from "../../../src/applications/implicit/state-matrix.js";
import { stateDriven } from "../../../src/applications/implicit/train/state-driven.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const gap = (A: Dense, B: Dense) => Math.max(...A.data.map((value, e) => Math.abs(value - B.data[e]!)));

describe("exact reduction", () => {
  it.each([1, 2, 3])("keeps every prediction and leaves out what does not count, seed %i", (seed) => {
    const stream = random(seed);
    // States 0 and 3 depend on nothing but themselves and on each other; 5, 6 are a loop that only itself reads.
    const A = contraction(stream, 8, 0.7);
    const B = randomDense(stream, 8, 3);
    const C = randomDense(stream, 2, 8);
    for (let j = 0; j < 8; j++) {
      A.data[0 * 8 + j] = 0;
      A.data[3 * 8 + j] = j === 0 ? 0.5 : 0;
      if (j < 3) [B.data[0 * 3 + j], B.data[3 * 3 + j]] = [0, 0];
      if (j !== 5 && j !== 6) [A.data[j * 8 + 5], A.data[j * 8 + 6]] = [0, 0];
    }
    for (const i of [0, 1]) [C.data[i * 8 + 5], C.data[i * 8 + 6]] = [0, 0];
    const whole = randomModel(stream, A, [
      { map: "tanh", size: 4 },
      { map: "relu", size: 4 },
    ]);
    const model = implicitModel({ ...whole, B, C });
    const { model: small, kept } = reducedStates(model);
    const U = randomDense(stream, 6, 3);
    expect([...kept]).toEqual([1, 2, 4, 7]);
    expect(gap(predict(small, U).Y, predict(model, U).Y)).toBeLessThan(1e-11);
    expect(reducedStates(small).kept).toHaveLength(4);
  });

  it("tells features that count from those that do not", () => {
    const model = randomModel(random(4), contraction(random(4), 3, 0.5), [{ map: "relu", size: 3 }]);
    const zeroed = (M: Dense) => ({ ...M, data: M.data.map((value, e) => (e % 3 === 1 ? 0 : value)) });
    const norms = featureNorms({ B: zeroed(model.B), D: zeroed(model.D) });
    expect(norms[1]).toBe(0);
    expect(norms[0]).toBeCloseTo(
      Math.hypot(...[0, 3, 6].map((e) => model.B.data[e]!), model.D.data[0]!, model.D.data[3]!),
      12,
    );
  });
});

describe("compression", () => {
  it.each([1, 2, 3, 4])("moves states by no more than the bound, and a rank of n by nothing, seed %i", (seed) => {
    const stream = random(seed);
    const model = randomModel(stream, contraction(stream, 8, 0.8), [{ map: "relu", size: 8 }]);
    const U = randomDense(stream, 10, 3);
    const { X } = predict(model, U);
    for (const rank of [2, 5, 8]) {
      const { model: small, E } = truncatedRank(model, rank);
      const bound = compressionBound(small, E, X);
      const moved = predict(small, U).X;
      let worst = -Infinity;
      moved.data.forEach((value, e) => {
        worst = Math.max(worst, Math.abs(value - X.data[e]!) - bound.data[e]!);
      });
      expect(worst).toBeLessThan(1e-10);
      if (rank === 8) expect(Math.max(...bound.data)).toBeLessThan(1e-10);
      else expect(gap(moved, X)).toBeGreaterThan(1e-4);
    }
    const printed = (E: Dense, x: Dense) => times(absolute(x), transposed(E));
    expect(printed(truncatedRank(model, 2).E, X).data.some((value) => value < 0)).toBe(true);
  });

  it.each([1, 2, 3])("moves states by no more than the bound where B and b change too, seed %i", (seed) => {
    const stream = random(seed).fork("drive");
    const model = randomModel(stream, contraction(stream, 6, 0.7), [
      { map: "relu", size: 3 },
      { map: "tanh", size: 3 },
    ]);
    const A = contraction(stream, 6, 0.6);
    const other = implicitModel({
      ...model,
      A,
      B: randomDense(stream, 6, 3),
      stateBias: randomDense(stream, 6, 1).data,
    });
    const U = randomDense(stream, 20, 3);
    const driveOf = ({ B, stateBias }: typeof model) => {
      const driven = applyRows(U, B);
      return { ...driven, data: driven.data.map((value, e) => value + stateBias[e % 6]!) };
    };
    const E = addScaled(-1, A, denseA(model.A));
    const [x0, moved] = [predict(model, U).X, predict(other, U).X];
    const excess = (bound: Dense) =>
      Math.max(...moved.data.map((value, e) => Math.abs(value - x0.data[e]!) - bound.data[e]!));
    expect(excess(compressionBound(other, E, x0, addScaled(-1, driveOf(other), driveOf(model))))).toBeLessThan(1e-10);
    expect(excess(compressionBound(other, E, x0))).toBeGreaterThan(0.1);
  });

  it("refuses a rank or a bound that is none", () => {
    const model = randomModel(random(5), contraction(random(5), 3, 3), [{ map: "relu", size: 3 }]);
    expect(thrown(() => truncatedRank(model, 0)).code).toBe("parameter");
    expect(thrown(() => compressionBound(model, denseA(model.A), randomDense(random(1), 1, 3))).message).toContain(
      "λ_pf(|A|) < 1",
    );
  });
});

describe("state-driven training", () => {
  const stream = random(6);
  const teacher = randomModel(stream, contraction(stream, 6, 0.6), [{ map: "relu", size: 6 }]);
  const U = randomDense(stream, 200, 3);
  const { X, Y } = predict(teacher, U);
  const Z = applyRows(X, denseA(teacher.A));
  const drive = applyRows(U, teacher.B);
  const before = { ...Z, data: Z.data.map((value, e) => value + drive.data[e]! + teacher.stateBias[e % 6]!) };

  it("recovers the outputs of what made the states, within its bound on A", () => {
    const model = stateDriven({ U, Z: before, X, Y }, teacher.phi, { kappa: 0.9, steps: 3000 });
    const V = randomDense(stream, 50, 3);
    const expected = predict(teacher, V).Y;
    expect(gap(predict(model, V).Y, expected)).toBeLessThan(1e-3 * Math.max(...expected.data.map(Math.abs)));
    expect(rowNorm(model.A as Dense)).toBeLessThanOrEqual(0.9 + 1e-12);
  });

  it("keeps the bound where the states ask for more, and a penalty makes it sparser", () => {
    const tight = stateDriven({ U, Z: before, X, Y }, teacher.phi, { kappa: 0.3 });
    expect(rowNorm(tight.A as Dense)).toBeCloseTo(0.3, 10);
    const zeros = (sparsity: number) => {
      const { A, B } = stateDriven({ U, Z: before, X, Y }, teacher.phi, { kappa: 0.9, sparsity });
      return [A as Dense, B].reduce((count, { data }) => count + data.filter((value) => value === 0).length, 0);
    };
    expect(zeros(40)).toBeGreaterThan(zeros(0) + 5);
  });
});
