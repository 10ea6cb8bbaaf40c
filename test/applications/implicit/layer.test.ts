/** @file Implicit models in the shared core: the float64 model's predictions and gradients, projections after each step, training by every rule. */

import { describe, expect, it } from "vitest";
import { type Dense, dense, denseOf } from "../../../src/applications/implicit/dense.js";
import { implicitLayer, layerModel } from "../../../src/applications/implicit/layer/implicit-layer.js";
import { softmaxCrossEntropy, trainLayer } from "../../../src/applications/implicit/layer/train-layer.js";
import {
  rowsWithin,
  strictlyUpper,
  twoNormWithin,
  type WellPosedSet,
} from "../../../src/applications/implicit/layer/well-posed-set.js";
import type { ImplicitModel } from "../../../src/applications/implicit/model.js";
import { predict } from "../../../src/applications/implicit/predict.js";
import { onSpectralBall, onStrictlyUpper, rowsOnL1Ball } from "../../../src/applications/implicit/projections.js";
import { equilibrium, gradients } from "../../../src/applications/implicit/train/adjoint.js";
import { softmaxLoss } from "../../../src/applications/implicit/train/losses.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { spectralNorm } from "../../../src/applications/implicit/well-posed/spectral.js";
import { requireWellPosed } from "../../../src/applications/implicit/well-posed/well-posedness.js";
import { adjointIteration } from "../../../src/backward/adjoint-iteration.js";
import { implicit } from "../../../src/backward/implicit.js";
import { jfb } from "../../../src/backward/jfb.js";
import { neumann } from "../../../src/backward/neumann.js";
import { phantom } from "../../../src/backward/phantom.js";
import type { BackwardRule } from "../../../src/backward/rule.js";
import { unrolled } from "../../../src/backward/unrolled.js";
import { compileModel, violatedConditions } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { sum } from "../../../src/tensor/primitives/broadcast.js";
import { mul } from "../../../src/tensor/primitives/elementwise.js";
import { input } from "../../../src/tensor/primitives/leaf.js";
import { mapTensors } from "../../../src/tensor/tree.js";
import { gradient } from "../../../src/tensor/vjp.js";
import { contraction, randomDense, randomModel } from "../../cases/implicit.js";
import { running } from "../../points.js";

/** Numbers that float32 holds, so that the record and the layer are one model. */
const single = (model: ImplicitModel): ImplicitModel => {
  const rounded = ({ rows, columns, data }: Dense) => dense(rows, columns, Float64Array.from(Float32Array.from(data)));
  const vector = (data: Float64Array) => Float64Array.from(Float32Array.from(data));
  const { A, B, C, D, stateBias, outputBias } = model;
  return {
    ...model,
    ...{ A: rounded(A as Dense), B: rounded(B), C: rounded(C), D: rounded(D) },
    ...{ stateBias: vector(stateBias), outputBias: vector(outputBias) },
  };
};

const maps = ["relu", "leaky-relu", "tanh", "sigmoid", "linear", "softmax", "max-pool", "product"] as const;

describe.each(maps)("a layer with %s states", (map) => {
  const stream = random(41).fork(map);
  const block = map === "leaky-relu" ? ({ map, size: 4, slope: 0.25 } as const) : ({ map, size: 4 } as const);
  // A product is not Lipschitz: nothing may depend on itself through it.
  const A =
    map === "product"
      ? denseOf(7, 7, (i, j) => (i < 4 && j >= 4 ? 0.1 * stream.normal() : 0))
      : contraction(stream, 7, 0.75);
  const model = single(randomModel(stream, A, [block, { map: "tanh", size: 3 }]));
  const layer = implicitLayer(model, map === "product" ? strictlyUpper(model.phi) : rowsWithin(0.8));
  const weights = layer.initialWeights();
  const m = 3;
  const U = randomDense(stream, m, 3);
  const weight = randomDense(stream, m, 2);
  const { operator, params } = layer.trace();
  const feeds = {
    ...Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [
        `params.${name}`,
        { shape, data: Float64Array.from(data) },
      ]),
    ),
    "data.u": { shape: [m, 3], data: U.data },
  };
  const run = running(operator, feeds, m);
  const zStar = run.apply(run.zeros(), 150);

  it("is the record of its weights, and predicts what it does", () => {
    const record = layerModel(layer, weights, model.phi);
    expect(record.B).toEqual(model.B);
    predict(record, U).Y.data.forEach((y, e) => {
      expect(run.read(zStar).data[e]).toBeCloseTo(y, 10);
    });
  });

  it("has by `implicit` the closed-form adjoint's gradient, to 1e-8", () => {
    const star = mapTensors(operator.init(), (leaf, path) => input(`star.${path}`, leaf.shape));
    const rule = implicit({ tolerance: 1e-13, limit: 400, solver: adjointIteration });
    const loss = sum(mul(operator.read(rule(operator, star)), input("weight", ["N", 2])));
    const names = Object.keys(params);
    const found = interpret(
      gradient(
        loss,
        names.map((name) => params[name]!),
      ),
      { ...feeds, "star.x": zStar["x"]!, weight: { shape: [m, 2], data: weight.data } },
    );
    const closed = gradients(model, U, equilibrium(model, U, undefined, 1e-14), weight, 1e-14);
    const parts = {
      A: closed.A.data,
      B: closed.B.data,
      C: closed.C.data,
      D: closed.D.data,
      b: closed.stateBias,
      d: closed.outputBias,
    };
    names.forEach((name, k) => {
      const expected = parts[name as keyof typeof parts];
      const size = Math.hypot(...expected);
      expect(size).toBeGreaterThan(1e-3);
      expected.forEach((value, e) => {
        expect(Math.abs(found[k]!.data[e]! - value)).toBeLessThan(1e-8 * (1 + size));
      });
    });
  });
});

const sets: [WellPosedSet, (A: Dense) => Dense, (A: Dense) => number][] = [
  [rowsWithin(0.7), (A) => rowsOnL1Ball(A, 0.7), (A) => rowNorm(A) - 0.7],
  [twoNormWithin(0.7), (A) => onSpectralBall(A, 0.7), (A) => spectralNorm(A) - 0.7],
  [
    strictlyUpper([{ map: "relu", size: 6 }]),
    onStrictlyUpper,
    (A) => Math.max(...onStrictlyUpper(A).data.map((v, e) => Math.abs(v - A.data[e]!))),
  ],
];

describe.each(sets.map((row) => [row[0].name, ...row] as const))("the set %s", (name, set, nearest, excess) => {
  const stream = random(42).fork(name);
  const put = (A: Dense): Dense => ({
    ...A,
    data: interpret([set.project(input("A", [A.rows, A.columns]))], {
      A: { shape: [A.rows, A.columns], data: A.data },
    })[0]!.data,
  });

  it("is reached by its projection, which leaves what is inside and meets the condition", () => {
    for (let k = 0; k < 20; k++) {
      const A = randomDense(stream, 6, 6, k % 2 === 0 ? 1 : 0.02);
      const projected = put(A);
      expect(excess(projected)).toBeLessThan(1e-7);
      put(projected).data.forEach((value, e) => {
        expect(value).toBeCloseTo(projected.data[e]!, 6);
      });
      if (excess(A) < -0.1) expect(projected.data).toEqual(A.data);
      const model = randomModel(stream, projected, [{ map: "relu", size: 6 }]);
      const layer = implicitLayer(model, set);
      expect(violatedConditions(layer.trace().operator, layer.initialWeights())).toEqual([]);
      expect(() => requireWellPosed("test", { ...model, A: projected })).not.toThrow();
    }
  });

  it("is left by the nearest point alone", () => {
    const A = randomDense(stream, 6, 6);
    const [projected, best] = [put(A), nearest(A)];
    const distance = (B: Dense) => Math.hypot(...B.data.map((v, e) => v - A.data[e]!));
    if (name === twoNormWithin(0.7).name) expect(distance(projected)).toBeGreaterThan(distance(best));
    else expect(distance(projected)).toBeCloseTo(distance(best), 7);
  });

  it("says when it is broken", () => {
    const outside = randomModel(stream, randomDense(stream, 6, 6, 3), [{ map: "relu", size: 6 }]);
    const layer = implicitLayer(outside, set);
    const weights = layer.initialWeights();
    const raw = { ...weights, A: { shape: [6, 6], data: Float32Array.from((outside.A as Dense).data) } };
    expect(violatedConditions(layer.trace().operator, raw)).toHaveLength(1);
    expect(violatedConditions(layer.trace().operator, weights)).toEqual([]);
  });
});

it("blocks that one map takes together are one unit of the triangle", () => {
  const phi = [
    { map: "tanh", size: 2 },
    { map: "softmax", size: 2 },
    { map: "relu", size: 1 },
  ] as const;
  const ones = { shape: [5, 5], data: new Float64Array(25).fill(1) };
  const A = dense(5, 5, interpret([strictlyUpper(phi).project(input("A", [5, 5]))], { A: ones })[0]!.data);
  expect([...A.data]).toEqual([0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  expect(() => requireWellPosed("test", { A, phi })).not.toThrow();
});

it.each([rowsWithin(0.5), twoNormWithin(0.5)])("maps that expand are refused", (set) => {
  const model = randomModel(random(44), contraction(random(45), 4, 0.4), [{ map: "product", size: 4 }]);
  expect(() => implicitLayer(model, set)).toThrow(expect.objectContaining({ code: "parameter" }));
  expect(() => implicitLayer(model, strictlyUpper(model.phi))).not.toThrow();
});

describe("training of a layer", () => {
  const stream = random(43);
  const phi = [{ map: "relu", size: 5 }] as const;
  const teacher = randomModel(stream, contraction(stream, 5, 0.6), phi);
  const U = randomDense(stream, 120, 3);
  const samples = { U, Y: predict(teacher, U).Y };
  const start = randomModel(stream, contraction(stream, 5, 3), phi);
  const options = { set: rowsWithin(0.7), epochs: 25, batch: 40, learningRate: 0.06, threads: 1 };
  const error = (model: ImplicitModel) =>
    predict(model, U).Y.data.reduce((total, y, e) => total + (y - samples.Y.data[e]!) ** 2, 0);
  const rules: [string, BackwardRule][] = [
    ["jfb", jfb],
    ["implicit", implicit({ solver: adjointIteration })],
    ["implicit by cgls", implicit()],
    ["neumann", neumann(3)],
    ["phantom", phantom(3, 0.8)],
    ["unrolled", unrolled(12)],
  ];

  it.each(rules)(
    "by %s learns, with A on its set",
    async (_, backward) => {
      const { model } = await trainLayer(start, samples, { ...options, backward });
      const initial = { ...start, A: rowsOnL1Ball(start.A as Dense, 0.7) };
      expect(error(model)).toBeLessThan(0.25 * error(initial));
      expect(rowNorm(model.A as Dense)).toBeLessThan(0.7 * (1 + 1e-6));
      expect(rowNorm(model.A as Dense)).toBeGreaterThan(0.1);
    },
    60_000,
  );

  it("keeps zeros of a network at 0, and predicts in the engine what the record does", async () => {
    const { model } = await trainLayer(start, samples, { ...options, set: strictlyUpper(phi), epochs: 8 });
    const upper = onStrictlyUpper(model.A as Dense);
    expect((model.A as Dense).data.every((value, e) => value === upper.data[e])).toBe(true);
    expect(upper.data.some((value) => value !== 0)).toBe(true);
    const layer = implicitLayer(model, strictlyUpper(phi));
    await using compiled = await compileModel(layer, layer.initialWeights(), { threads: 1 });
    const { x } = await compiled.solve(
      { u: { shape: [120, 3], data: Float32Array.from(U.data) } },
      { tolerance: 1e-6 },
    );
    predict(model, U).Y.data.forEach((y, e) => {
      expect(Math.abs(x.data[e]! - y)).toBeLessThan(1e-4 * (1 + Math.abs(y)));
    });
  });

  it("the loss of logits is eq. (4) per sample", () => {
    const [Y, t] = [randomDense(stream, 4, 3, 3), denseOf(4, 3, (s, k) => (k === s % 3 ? 1 : 0))];
    const losses = interpret([softmaxCrossEntropy(input("Y", ["N", 3]), input("t", ["N", 3]))], {
      Y: { shape: [4, 3], data: Y.data },
      t: { shape: [4, 3], data: t.data },
    })[0]!.data;
    expect(losses).toHaveLength(4);
    expect(losses.reduce((a, b) => a + b, 0)).toBeCloseTo(softmaxLoss.value(t, Y), 10);
  });

  it.each([0, 1, Number.NaN])("refuses κ = %s", (kappa) => {
    expect(() => rowsWithin(kappa)).toThrow(expect.objectContaining({ code: "parameter" }));
    expect(() => twoNormWithin(kappa)).toThrow(expect.objectContaining({ code: "parameter" }));
  });
});
