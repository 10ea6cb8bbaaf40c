/** @file The record of an implicit model, its file, and its predictions in float64. */

import { describe, expect, it } from "vitest";
import type { Phi } from "../../../src/applications/implicit/activations/phi.js";
import { applyPhi, placed } from "../../../src/applications/implicit/activations/phi.js";
import { applyRows, type Dense, dense, denseOf, identityDense } from "../../../src/applications/implicit/dense.js";
import {
  formatImplicit,
  type ImplicitModel,
  implicitModel,
  parseImplicit,
} from "../../../src/applications/implicit/model.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { applyA, denseA, type StateMatrix, sparseA } from "../../../src/applications/implicit/state-matrix.js";
import { formatSafetensors } from "../../../src/files/safetensors.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const largest = (A: Dense, B: Dense) =>
  A.data.reduce((most, value, i) => Math.max(most, Math.abs(value - B.data[i]!)), 0);

/** max|x − φ(Ax + Bu + b)|, over the samples. */
function residual(model: ImplicitModel, X: Dense, U: Dense): number {
  const [Z, drive] = [applyA(model.A, X), applyRows(U, model.B)];
  const n = X.columns;
  const z = Z.data.map((value, e) => value + drive.data[e]! + model.stateBias[e % n]!);
  const next = dense(X.rows, n);
  applyPhi(placed(model.phi), n, z, next.data);
  return largest(X, next);
}

const mixed: Phi = [
  { map: "relu", size: 2 },
  { map: "leaky-relu", size: 2, slope: 0.2 },
  { map: "tanh", size: 2 },
  { map: "sigmoid", size: 1 },
  { map: "softmax", size: 3 },
  { map: "max-pool", size: 2 },
  { map: "linear", size: 1 },
];

describe("a prediction", () => {
  it.each([1, 2, 3])("is a fixed point, seed %i, for every map at once", (seed) => {
    const stream = random(seed);
    const model = randomModel(stream, contraction(stream, 13, 0.9), mixed);
    const U = randomDense(stream, 5, 3);
    const { X, Y, steps } = predict(model, U);
    expect(residual(model, X, U)).toBeLessThan(1e-12);
    expect(steps).toBeGreaterThan(3);
    const expected = applyRows(X, model.C).data.map(
      (value, e) => value + applyRows(U, model.D).data[e]! + model.outputBias[e % 2]!,
    );
    expect(largest(Y, { ...Y, data: expected })).toBeLessThan(1e-12);
  });

  it("is the same from dense, sparse and low-rank A", () => {
    const stream = random(4);
    const [L, R] = [randomDense(stream, 7, 2, 0.2), randomDense(stream, 7, 2, 0.2)];
    const phi: Phi = [{ map: "tanh", size: 7 }];
    const lowRank: StateMatrix = { kind: "low-rank", L, R };
    const model = randomModel(stream, lowRank, phi);
    const U = randomDense(stream, 4, 3);
    const whole = predict({ ...model, A: denseA(lowRank) }, U);
    expect(largest(predict(model, U).X, whole.X)).toBeLessThan(1e-12);
    expect(largest(predict({ ...model, A: sparseA(denseA(lowRank)) }, U).X, whole.X)).toBeLessThan(1e-12);
    expect(largest(whole.X, dense(4, 7))).toBeGreaterThan(0.1);
  });

  it.each(["relu", "tanh", "sigmoid"] as const)("substitutes in a triangular A of any diagonal below 1, %s", (map) => {
    const stream = random(5);
    const A = denseOf(8, 8, (i, j) => (j > i ? stream.normal() : i === j ? 0.9 - 5 * stream.uniform() : 0));
    const model = randomModel(stream, A, [{ map, size: 8 }]);
    const U = randomDense(stream, 6, 3);
    const { X, steps } = predict(model, U);
    expect(residual(model, X, U)).toBeLessThan(1e-9);
    expect(steps).toBe(1);
  });

  it("solves each diagonal block of a block-triangular A alone, which no norm of A allows", () => {
    const stream = random(6);
    const block = contraction(stream, 3, 0.8);
    const A = denseOf(6, 6, (i, j) =>
      Math.floor(i / 3) === Math.floor(j / 3) ? block.data[(i % 3) * 3 + (j % 3)]! : i < j ? 20 * stream.normal() : 0,
    );
    const model = randomModel(stream, A, [{ map: "relu", size: 6 }]);
    const U = randomDense(stream, 4, 3);
    expect(residual(model, predict(model, U).X, U)).toBeLessThan(1e-9);
  });

  it("is refused for an A that may be ill-posed, with the left sides", () => {
    const model = randomModel(random(7), identityDense(3), [{ map: "relu", size: 3 }]);
    const error = thrown(() => predict(model, dense(1, 3)));
    expect(error.code).toBe("parameter");
    expect(error.message).toMatch(/^predictor: .*‖A‖_∞ < 1: 1\.000.*Project A/);
    const full = randomModel(
      random(7),
      denseOf(3, 3, () => 0.5),
      [{ map: "relu", size: 3 }],
    );
    expect(thrown(() => predict(full, dense(1, 3))).message).toContain("λ_pf(|A|) < 1: 1.5");
  });

  it("is refused for inputs that do not fit or are not finite", () => {
    const model = randomModel(random(8), contraction(random(8), 3, 0.5), [{ map: "relu", size: 3 }]);
    expect(thrown(() => predict(model, dense(2, 4))).message).toContain("inputs [m, 3], got [2, 4]");
    const U = dense(2, 3, [0, 0, 0, 0, Number.NaN, 0]);
    expect(thrown(() => predict(model, U)).message).toContain("NaN in sample 1");
  });
});

describe("a model", () => {
  const parts = { A: dense(2, 2), B: dense(2, 3), C: dense(1, 2), phi: [{ map: "relu", size: 2 }] as Phi };

  it.each([
    ["A", { ...parts, A: dense(3, 3) }, "shape"],
    ["C", { ...parts, C: dense(1, 3) }, "shape"],
    ["D", { ...parts, D: dense(2, 2) }, "shape"],
    ["B", { ...parts, B: dense(2, 3, [0, 0, 0, Infinity, 0, 0]) }, "data"],
    ["phi", { ...parts, phi: [{ map: "relu", size: 3 }] as Phi }, "shape"],
    ["phi[0]", { ...parts, phi: [{ map: "silu", size: 2 }] as unknown as Phi }, "parameter"],
    ["phi[0]", { ...parts, phi: [{ map: "leaky-relu", size: 2, slope: 2 }] as Phi }, "parameter"],
  ])("is refused where %s does not fit", (part, wrong, code) => {
    const error = thrown(() => implicitModel(wrong));
    expect(error.code).toBe(code);
    expect(error.details.name).toBe(`implicitModel: ${part}`);
  });

  it("comes back from its file as the float32 widening of itself, whatever A is", () => {
    const stream = random(9);
    const card = { data: "none" };
    const A = contraction(stream, 13, 0.9);
    const low: StateMatrix = { kind: "low-rank", L: randomDense(stream, 13, 2), R: randomDense(stream, 13, 2) };
    for (const kind of [A, low, sparseA(A)]) {
      const model = randomModel(stream, kind, mixed);
      const read = parseImplicit(formatImplicit({ model, card }));
      expect(read.card).toEqual(card);
      expect(read.model.phi).toEqual(mixed);
      expect(Object.keys(read.model.A).sort()).toEqual(Object.keys(kind).sort());
      expect(denseA(read.model.A).data).toHaveLength(169);
      expect(read.model.B.data).toEqual(Float64Array.from(model.B.data, Math.fround));
      const again = parseImplicit(formatImplicit(read)).model;
      expect(again).toEqual(read.model);
    }
  });

  it("is refused from a file that is not one", () => {
    expect(thrown(() => parseImplicit(formatSafetensors({}, {}))).message).toContain("a manifest of an implicit model");
    const model = implicitModel(parts);
    const bytes = formatImplicit({ model, card: {} });
    expect(thrown(() => parseImplicit(bytes.subarray(0, -1))).code).toBe("format");
    const other = formatSafetensors({}, { vouch: JSON.stringify({ model: "implicit", card: {} }), phi: "[]" });
    expect(thrown(() => parseImplicit(other)).message).toMatch(/with B of 2 axes|with A of 2 axes/);
  });
});
