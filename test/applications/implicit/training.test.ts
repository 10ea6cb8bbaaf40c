/** @file Training of implicit models: closed-form gradients, projected gradient, Fenchel divergences and their descent. */

import { describe, expect, it } from "vitest";
import { rootMeanSquare, SIZES, samplesOf, sparseWeights } from "../../../bench/fenchel-data.js";
import { fitCurve, teachStudent } from "../../../bench/functions.js";
import { type Dense, dense, denseOf } from "../../../src/applications/implicit/dense.js";
import {
  type Divergence,
  reluDivergence,
  tanhDivergence,
} from "../../../src/applications/implicit/fenchel/divergence.js";
import { liftedDescent } from "../../../src/applications/implicit/fenchel/lifted-network.js";
import { newton } from "../../../src/applications/implicit/fenchel/newton.js";
import type { ImplicitModel } from "../../../src/applications/implicit/model.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { rowsOnL1Ball } from "../../../src/applications/implicit/projections.js";
import { equilibrium, gradients } from "../../../src/applications/implicit/train/adjoint.js";
import { leastSquares, refitOutputs } from "../../../src/applications/implicit/train/least-squares.js";
import { newtonStates } from "../../../src/applications/implicit/train/newton-states.js";
import { trainProjected } from "../../../src/applications/implicit/train/train-projected.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { random } from "../../../src/random.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const gap = (A: Dense, B: Dense) => Math.max(...A.data.map((value, e) => Math.abs(value - B.data[e]!)));

describe("the closed-form gradient", () => {
  const maps = ["relu", "leaky-relu", "tanh", "sigmoid", "softmax", "max-pool", "product"] as const;
  it.each(maps)("is that of central differences, for every part and the inputs, %s", (map) => {
    const stream = random(1).fork(map);
    const size = 6;
    const block = map === "leaky-relu" ? ({ map, size, slope: 0.3 } as const) : ({ map, size } as const);
    // A product is not Lipschitz: nothing may depend on itself through it.
    const A =
      map === "product"
        ? denseOf(12, 12, (i, j) => (i < 6 && j >= 6 ? stream.normal() : 0))
        : contraction(stream, 12, 0.8);
    const model = randomModel(stream, A, [block, { map: "tanh", size: 6 }]);
    const U = randomDense(stream, 3, 3);
    const weight = randomDense(stream, 3, 2);
    const loss = (changed: ImplicitModel, at = U) =>
      predict(changed, at).Y.data.reduce((sum, y, e) => sum + weight.data[e]! * y, 0);
    const found = gradients(model, U, equilibrium(model, U), weight);
    const h = 1e-6;
    const slope = (change: (by: number) => number) => (change(h) - change(-h)) / (2 * h);
    const shifted = (data: Float64Array, e: number, by: number) =>
      data.map((value, i) => (i === e ? value + by : value));
    for (const part of ["A", "B", "C", "D"] as const) {
      const whole = model[part] as Dense;
      for (const e of [0, 1, whole.data.length - 1]) {
        if (part === "A" && map === "product" && whole.data[e] === 0) continue;
        const expected = slope((by) => loss({ ...model, [part]: { ...whole, data: shifted(whole.data, e, by) } }));
        expect(found[part].data[e]).toBeCloseTo(expected, 5);
      }
    }
    for (const part of ["stateBias", "outputBias"] as const) {
      const expected = slope((by) => loss({ ...model, [part]: shifted(model[part], 1, by) }));
      expect(found[part][1]).toBeCloseTo(expected, 5);
    }
    const input = slope((by) => loss(model, { ...U, data: shifted(U.data, 4, by) }));
    expect(found.U.data[4]).toBeCloseTo(input, 5);
    expect(Math.max(...found.A.data.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it.each(["relu", "leaky-relu", "tanh", "sigmoid", "linear"] as const)(
    "and the states are found by Newton's method as by Picard's, from any start, %s",
    (map) => {
      const stream = random(1).fork(map);
      const block = map === "leaky-relu" ? ({ map, size: 7, slope: 0.3 } as const) : ({ map, size: 7 } as const);
      const model = randomModel(stream, contraction(stream, 10, 0.95), [block, { map: "relu", size: 3 }]);
      const [U, L] = [randomDense(stream, 30, 3), randomDense(stream, 30, 2)];
      const expected = equilibrium(model, U);
      const solver = newtonStates();
      for (const start of [undefined, randomDense(stream, 30, 10, 5)]) {
        const found = solver.equilibrium(model, U, start);
        expect(gap(found.X, expected.X)).toBeLessThan(1e-7);
        expect(gap(found.Z, expected.Z)).toBeLessThan(1e-7);
        const [slopes, others] = [solver.gradients(model, U, found, L), gradients(model, U, expected, L)];
        for (const part of ["A", "B", "C", "D", "U"] as const)
          expect(gap(slopes[part], others[part])).toBeLessThan(1e-6);
        expect(Math.max(...slopes.stateBias.map((value, i) => Math.abs(value - others.stateBias[i]!)))).toBeLessThan(
          1e-6,
        );
      }
      expect(gap(dense(30, 10), expected.X)).toBeGreaterThan(0.1);
    },
  );

  it("is refused by Newton's method for maps of blocks, and where A is not well-posed", () => {
    const blockwise = randomModel(random(2), contraction(random(2), 3, 0.5), [{ map: "softmax", size: 3 }]);
    const U = randomDense(random(3), 20, 3);
    expect(thrown(() => newtonStates().equilibrium(blockwise, U)).code).toBe("parameter");
    const loose = randomModel(random(2), contraction(random(2), 3, 40), [{ map: "relu", size: 3 }]);
    expect(thrown(() => newtonStates().equilibrium(loose, U)).code).toBe("convergence");
  });

  it("is not given where the iteration does not converge", () => {
    const model = randomModel(random(2), contraction(random(2), 3, 40), [{ map: "relu", size: 3 }]);
    expect(thrown(() => equilibrium(model, randomDense(random(3), 20, 3))).code).toBe("convergence");
  });
});

describe("projected gradient", () => {
  const stream = random(4);
  const teacher = randomModel(stream, contraction(stream, 4, 0.6), [{ map: "relu", size: 4 }]);
  const U = randomDense(stream, 80, 3);
  const samples = { U, Y: predict(teacher, U).Y };
  const start = randomModel(stream, contraction(stream, 4, 0.6), [{ map: "relu", size: 4 }]);

  it("lowers the loss with A on its set after every step, the same way for the same seed", () => {
    const losses: number[] = [];
    const options = { project: (A: Dense) => rowsOnL1Ball(A, 0.7), steps: 200, batch: 40, learningRate: () => 0.03 };
    const model = trainProjected(start, samples, { ...options, onStep: (_, loss) => losses.push(loss) });
    expect(losses.at(-1)).toBeLessThan(0.05 * losses[0]!);
    expect(rowNorm(model.A as Dense)).toBeLessThanOrEqual(0.7 + 1e-12);
    expect(trainProjected(start, samples, options)).toEqual(model);
    expect(trainProjected(start, samples, { ...options, seed: 1 })).not.toEqual(model);
  });

  it("leaves what is fixed, and a refit of the outputs never raises the loss", () => {
    const options = {
      project: (A: Dense) => rowsOnL1Ball(A, 0.7),
      steps: 20,
      learningRate: () => 0.03,
      fixed: ["D", "A"],
    } as const;
    const model = trainProjected(start, samples, options);
    expect(model.D).toEqual(start.D);
    expect(model.B).not.toEqual(start.B);
    const error = (of: ImplicitModel) =>
      predict(of, U).Y.data.reduce((sum, y, e) => sum + (y - samples.Y.data[e]!) ** 2, 0);
    expect(error(refitOutputs(model, samples, 1e-9))).toBeLessThan(error(model));
    expect(error(refitOutputs(teacher, samples, 1e-9))).toBeLessThan(1e-9);
  });
});

describe("what the bench of functions measures", () => {
  it("is small for a student of five states and one for a student that learns nothing", () => {
    const small = { level: 1, samples: 400, test: 100, kappa: 0.9, room: 0.95 };
    const recipe = { ...small, rounds: 3, batch: 100, learningRate: 0.05 };
    const [idle, taught] = [0, 600].map((steps) => teachStudent(random(8), { ...recipe, steps }));
    expect(idle).toBeGreaterThan(0.5);
    expect(taught).toBeLessThan(0.1 * idle!);
  });

  it("is above the noise on training data and below the curve's own size between them", () => {
    const recipe = { states: 20, samples: 100, kappa: 0.5, steps: 60, learningRate: 0.03, ridge: 0.1 };
    const { training, clean } = fitCurve(random(9), recipe);
    expect(training).toBeGreaterThan(0.3);
    expect(clean).toBeLessThan(1.6);
    expect(fitCurve(random(9), { ...recipe, steps: 0 }).training).toBeGreaterThan(training);
  });
});

describe.each<[string, Divergence, () => (stream: ReturnType<typeof random>) => number]>([
  ["ReLU", reluDivergence, () => (stream) => Math.abs(stream.normal())],
  ["tanh", tanhDivergence, () => (stream) => Math.tanh(stream.normal())],
])("the Fenchel divergence of %s", (_, divergence, draw) => {
  it("is nonnegative, zero exactly at x = φ(z), and has the slopes that Newton's method takes", () => {
    const stream = random(5);
    for (let k = 0; k < 300; k++) {
      const [z, x] = [2 * stream.normal(), draw()(stream)];
      const at = divergence.value(x, z);
      expect(divergence.value(divergence.phi(z), z)).toBeCloseTo(0, 12);
      if (Math.abs(x - divergence.phi(z)) > 1e-3) expect(at).toBeGreaterThan(0);
      const h = 1e-5;
      if (Math.abs(z) < 2 * h || !divergence.inside(x - h) || !divergence.inside(x + h)) continue;
      const inZ = (divergence.value(x, z + h) - divergence.value(x, z - h)) / (2 * h);
      const inX = (divergence.value(x + h, z) - divergence.value(x - h, z)) / (2 * h);
      expect(divergence.inZ(x, z).slope).toBeCloseTo(inZ, 5);
      expect(Math.abs(divergence.inX(x, z).slope - inX) / divergence.inX(x, z).curvature).toBeLessThan(1e-5);
    }
    expect(divergence.value(-2, 0)).toBe(Infinity);
  });
});

describe("block coordinate descent", () => {
  const stream = random(6);
  const truth = sparseWeights(stream);
  const samples = samplesOf(stream, truth, 120);
  const initial = SIZES.slice(1).map((rows, l) => denseOf(rows, SIZES[l]!, () => 0.1 * stream.normal()));

  it("brings a network near its data in one iteration, and nearer in five", () => {
    const errors: number[] = [];
    const options = { divergence: tanhDivergence, epsilon: 1e-3, iterations: 5 };
    const weights = liftedDescent(initial, samples, {
      ...options,
      onIteration: (_, at) => errors.push(rootMeanSquare(at, samples)),
    });
    expect(errors).toHaveLength(5);
    expect(errors[0]).toBeLessThan(0.5 * rootMeanSquare(initial, samples));
    expect(errors.at(-1)).toBeLessThan(errors[0]!);
    expect(rootMeanSquare(weights, samples)).toBe(errors.at(-1));
  });

  it("finds least squares and the minimum of a convex function", () => {
    const F = randomDense(stream, 30, 4);
    const W = randomDense(stream, 2, 4);
    const Y = dense(
      30,
      2,
      Array.from({ length: 60 }, (_, e) => {
        const [s, i] = [e >> 1, e % 2];
        return [0, 1, 2, 3].reduce((sum, j) => sum + F.data[s * 4 + j]! * W.data[i * 4 + j]!, 0);
      }),
    );
    leastSquares(F, Y, 1e-12).data.forEach((value, e) => {
      expect(value).toBeCloseTo(W.data[e]!, 9);
    });
    const x = Float64Array.of(0.9, -0.9);
    newton(
      (at, g, H) => {
        if (at.some((v) => Math.abs(v) >= 1)) return Infinity;
        g?.set(at.map((v, i) => v / (1 - v * v) - (i === 0 ? 2 : -1)));
        H?.set([(1 + at[0]! ** 2) / (1 - at[0]! ** 2) ** 2, 0, 0, (1 + at[1]! ** 2) / (1 - at[1]! ** 2) ** 2]);
        return at.reduce((sum, v, i) => sum - 0.5 * Math.log(1 - v * v) - (i === 0 ? 2 : -1) * v, 0);
      },
      x,
      { tolerance: 1e-12, limit: 50 },
    );
    expect(x[0]! / (1 - x[0]! ** 2)).toBeCloseTo(2, 9);
    expect(x[1]! / (1 - x[1]! ** 2)).toBeCloseTo(-1, 9);
  });
});
