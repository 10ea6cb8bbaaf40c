/** @file Laws of penalties and losses of training, and what training with a penalty comes to. */

import { describe, expect, it } from "vitest";
import { type Dense, dense, denseOf, identityDense } from "../../../src/applications/implicit/dense.js";
import * as implicit from "../../../src/applications/implicit/index.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { featureNorms } from "../../../src/applications/implicit/sparsity.js";
import { type OutputLoss, softmaxLoss, squaredLoss } from "../../../src/applications/implicit/train/losses.js";
import {
  axpy,
  inner,
  mapParts,
  PARTS,
  type Parameters,
  parametersOf,
} from "../../../src/applications/implicit/train/parameters.js";
import { proximalDescent } from "../../../src/applications/implicit/train/proximal-descent.js";
import { trainProjected } from "../../../src/applications/implicit/train/train-projected.js";
import { lossOf, trainProximal } from "../../../src/applications/implicit/train/train-proximal.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { penaltyCases } from "../../cases/penalties.js";
import { thrown } from "../../failure.js";

type Stream = ReturnType<typeof random>;

const drawn = (stream: Stream, scale = 1): Parameters => ({
  A: randomDense(stream, 2, 2, scale),
  B: randomDense(stream, 2, 3, scale),
  C: randomDense(stream, 1, 2, scale),
  D: randomDense(stream, 1, 3, scale),
  stateBias: randomDense(stream, 2, 1, scale),
  outputBias: randomDense(stream, 1, 1, scale),
});

const shifted = (at: Parameters, part: keyof Parameters, e: number, by: number): Parameters => ({
  ...at,
  [part]: { ...at[part], data: at[part].data.map((value, i) => (i === e ? value + by : value)) },
});

describe.each(penaltyCases.map((row) => [`${row.factory} ${row.title}`, row] as const))(
  "%s",
  (title, { penalty, byHand }) => {
    const stream = random(11).fork(title);
    const fill = (rows: number, columns: number, value: number) => denseOf(rows, columns, () => value);

    it("has its value", () => {
      const at: Parameters = {
        A: { ...identityDense(2), data: identityDense(2).data.map((value) => value / 2) },
        ...{ B: fill(2, 3, 1), C: fill(1, 2, -1), D: fill(1, 3, 2) },
        ...{ stateBias: fill(2, 1, 9), outputBias: fill(1, 1, 9) },
      };
      const value = penalty.value(at);
      if (byHand === Infinity) expect(value).toBe(Infinity);
      else expect(value).toBeCloseTo(byHand, 12);
    });

    it("has the gradient of central differences inside its set", () => {
      // A shrunk projection is inside, but for what must be 0 and has no room.
      for (let k = 0; k < 20; k++) {
        const inside = penalty.prox(drawn(stream), 0);
        const at = mapParts((part) => ({ ...inside[part], data: inside[part].data.map((v) => 0.9 * v) }));
        const found = penalty.gradient(at);
        for (const part of PARTS) {
          at[part].data.forEach((_, e) => {
            const [up, down] = [1e-6, -1e-6].map((h) => penalty.value(shifted(at, part, e, h)));
            if (up === Infinity || at[part].data[e] === 0) expect(found[part].data[e]).toBe(0);
            else expect(found[part].data[e]).toBeCloseTo((up! - down!) / 2e-6, 6);
          });
        }
      }
    });

    it("has a prox: (Θ − Q)/step is a subgradient at Q, and what it does not speak of stays", () => {
      for (let k = 0; k < 20; k++) {
        const [at, step] = [drawn(stream, 1 + 2 * stream.uniform()), 0.05 + 2 * stream.uniform()];
        const Q = penalty.prox(at, step);
        const value = penalty.value(Q);
        expect(value).toBeLessThan(Infinity);
        for (const part of PARTS) if (!penalty.parts.includes(part)) expect(Q[part]).toEqual(at[part]);
        for (let other = 0; other < 30; other++) {
          const near = other % 2 === 0 ? drawn(stream, 2) : axpy(1e-3, drawn(stream), Q);
          const to = penalty.prox(near, 0);
          const pull = inner(axpy(-1, Q, at), axpy(-1, Q, to)) / step;
          expect(penalty.value(to)).toBeGreaterThanOrEqual(value + pull - 1e-9 * (1 + value + Math.abs(pull)));
        }
      }
    });

    it("projects where the step is 0", () => {
      const Q = penalty.prox(drawn(stream, 3), 0);
      const again = penalty.prox(Q, 0);
      expect(inner(axpy(-1, Q, again), axpy(-1, Q, again))).toBeLessThan(1e-24);
    });
  },
);

it.each([
  [
    "a sum of terms that share a part",
    () => implicit.sumOfPenalties([implicit.oneNorm(["B"], 1), implicit.columnNorms(1, 2)]),
  ],
  ["a negative weight", () => implicit.oneNorm(["B"], -1)],
  ["a bound that is no number", () => implicit.stateNormBall(Number.NaN)],
  ["α = 1", () => implicit.columnNorms(1, 1)],
])("refuses %s", (_, make) => {
  expect(thrown(make).code).toBe("parameter");
});

describe.each<[string, OutputLoss]>([
  ["squared", squaredLoss],
  ["softmax", softmaxLoss],
])("the loss %s", (name, loss) => {
  it("has the slope of central differences, and is convex in predictions", () => {
    const stream = random(12).fork(name);
    const Y = denseOf(4, 3, (s, k) => (s % 3 === k ? 1 : 0));
    const [at, to] = [randomDense(stream, 4, 3, 2), randomDense(stream, 4, 3, 2)];
    const slope = loss.slope(Y, at);
    const moved = (e: number, by: number): Dense => ({ ...at, data: at.data.map((v, i) => (i === e ? v + by : v)) });
    at.data.forEach((_, e) => {
      const found = (loss.value(Y, moved(e, 1e-6)) - loss.value(Y, moved(e, -1e-6))) / 2e-6;
      expect(slope.data[e]).toBeCloseTo(found, 6);
    });
    const along = slope.data.reduce((sum, g, e) => sum + g * (to.data[e]! - at.data[e]!), 0);
    expect(loss.value(Y, to)).toBeGreaterThan(loss.value(Y, at) + along);
    expect(thrown(() => loss.value(Y, dense(4, 2))).code).toBe("shape");
  });
});

it("the softmax loss is log Σ e^ŷ − ŷ_y, whatever the size of ŷ", () => {
  const [Y, predicted] = [dense(1, 3, [0, 1, 0]), [1, -2, 0.5]];
  const expected = Math.log(predicted.reduce((sum, v) => sum + Math.exp(v), 0)) + 2;
  expect(softmaxLoss.value(Y, dense(1, 3, predicted))).toBeCloseTo(expected, 12);
  expect(softmaxLoss.value(Y, dense(1, 3, [1e4, 0, 0]))).toBeCloseTo(1e4, 8);
});

describe("proximal descent", () => {
  it("solves the lasso to its optimality conditions, never rising", () => {
    const stream = random(13);
    const [F, y] = [randomDense(stream, 40, 6), randomDense(stream, 40, 1)];
    const fit = (at: Parameters) =>
      Float64Array.from({ length: 40 }, (_, s) =>
        at.B.data.reduce((sum, b, j) => sum + b * F.data[s * 6 + j]!, -y.data[s]!),
      );
    const f = {
      value: (at: Parameters) => 0.5 * fit(at).reduce((sum, r) => sum + r * r, 0),
      gradient: (at: Parameters) => {
        const r = fit(at);
        const data = Float64Array.from({ length: 6 }, (_, j) =>
          r.reduce((sum, v, s) => sum + v * F.data[s * 6 + j]!, 0),
        );
        return mapParts((part) => (part === "B" ? { ...at.B, data } : dense(at[part].rows, at[part].columns)));
      },
    };
    const start = { ...drawn(stream), B: randomDense(stream, 2, 3) };
    const weight = 4;
    const { at, residual, status } = proximalDescent(f, implicit.oneNorm(["B"], weight), start, {
      steps: 500,
      tolerance: 1e-9,
    });
    expect(status).toBe("converged");
    expect(residual).toBeLessThan(1e-5);
    const g = f.gradient(at).B.data;
    expect(at.B.data.some((b) => b === 0)).toBe(true);
    expect(at.B.data.some((b) => b !== 0)).toBe(true);
    at.B.data.forEach((b, j) => {
      if (b === 0) expect(Math.abs(g[j]!)).toBeLessThanOrEqual(weight + 1e-6);
      else expect(g[j]!).toBeCloseTo(-weight * Math.sign(b), 5);
    });
    const objectives = Array.from(
      { length: 8 },
      (_, steps) => proximalDescent(f, implicit.oneNorm(["B"], weight), start, { steps, tolerance: 0 }).objective,
    );
    expect(objectives[7]).toBeLessThan(objectives[0]! - 1);
    objectives.slice(1).forEach((value, k) => {
      expect(value).toBeLessThanOrEqual(objectives[k]!);
    });
  });
});

describe("training with a penalty", () => {
  const stream = random(14);
  const phi = [{ map: "relu", size: 4 }] as const;
  const teacher = randomModel(stream, contraction(stream, 4, 0.4), phi, { p: 8 });
  // Inputs 3 … 7 do not count.
  const silent = (M: Dense): Dense => ({ ...M, data: M.data.map((v, e) => (e % 8 < 3 ? v : 0)) });
  const truth = { ...teacher, B: silent(teacher.B), D: silent(teacher.D) };
  const U = randomDense(stream, 150, 8);
  const samples = { U, Y: predict(truth, U).Y };
  const start = randomModel(stream, contraction(stream, 4, 0.4), phi, { p: 8 });

  it("of columns finds the inputs that count, and empties the others exactly", () => {
    const of = (weight: number) =>
      trainProximal(start, samples, {
        penalty: implicit.sumOfPenalties([
          implicit.stateNormBall(0.5),
          implicit.columnNorms(weight, 2),
          // Without it columns shrink, and C grows in return.
          implicit.oneNorm(["C"], weight),
        ]),
        steps: 150,
      });
    const [plain, sparse] = [of(0), of(0.2)];
    const norms = featureNorms(sparse.model);
    expect([...norms.slice(0, 3)].every((norm) => norm > 0.1)).toBe(true);
    expect([...norms.slice(3)]).toEqual([0, 0, 0, 0, 0]);
    expect([...featureNorms(plain.model)].every((norm) => norm > 0)).toBe(true);
    expect(rowNorm(sparse.model.A as Dense)).toBeLessThanOrEqual(0.5 * (1 + 1e-12));
  });

  it("has the loss's gradient by parts, and lowers the objective that it states", () => {
    const f = lossOf(start, samples, squaredLoss);
    const at = parametersOf(start);
    const found = f.gradient(at);
    for (const part of PARTS) {
      const [up, down] = [1e-6, -1e-6].map((h) => f.value(shifted(at, part, 1, h)));
      if (at[part].data.length > 1) expect(found[part].data[1]).toBeCloseTo((up! - down!) / 2e-6, 3);
    }
    const penalty = implicit.sparseWellPosed(0.5, 0.01);
    const { objective, model } = trainProximal(start, samples, { penalty, steps: 30 });
    expect(objective).toBeCloseTo(f.value(parametersOf(model)) + penalty.value(parametersOf(model)), 8);
    expect(objective).toBeLessThan(0.2 * (f.value(at) + 0.01 * 50));
  });

  it("(6) keeps a network a network", () => {
    const { model } = trainProximal(start, samples, { penalty: implicit.sparseFeedForward(20, 10), steps: 50 });
    const A = model.A as Dense;
    expect(A.data.every((value, e) => e % 4 > Math.floor(e / 4) || value === 0)).toBe(true);
    expect(A.data.some((value) => value !== 0)).toBe(true);
    expect(model.D.data.every((value) => value === 0)).toBe(true);
    expect(model.B.data.reduce((sum, value) => sum + Math.abs(value), 0)).toBeLessThanOrEqual(20 * (1 + 1e-12));
  });

  it("by Adam refuses a penalty on a part that is fixed", () => {
    const options = { project: (A: Dense) => A, steps: 1, learningRate: () => 0.02, fixed: ["D"] as const };
    const refused = thrown(() => trainProjected(start, samples, { ...options, penalty: implicit.columnNorms(1, 2) }));
    expect(refused.code).toBe("parameter");
    expect(refused.details.got).toContain("D");
  });

  it("by Adam draws the same columns to 0 without reaching it", () => {
    const options = { project: (A: Dense) => A, steps: 300, learningRate: () => 0.02 };
    const of = (weight: number) =>
      featureNorms(
        trainProjected(start, samples, {
          ...options,
          penalty: implicit.sumOfPenalties([implicit.stateNormBall(0.5), implicit.columnNorms(weight, 2)]),
        }),
      );
    const [plain, sparse] = [of(0), of(0.1)];
    const silentSum = (norms: Float64Array) => norms.slice(3).reduce((a, b) => a + b, 0);
    expect(silentSum(sparse)).toBeLessThan(0.3 * silentSum(plain));
  });
});
