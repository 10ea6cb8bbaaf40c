/** @file checkModel: honest models pass every check, and each broken one fails the check it breaks. */

import { describe, expect, it } from "vitest";
import { checkModel } from "../../src/checks/check-model.js";
import { VouchError } from "../../src/errors.js";
import { indicator } from "../../src/functions/indicator.js";
import { quadratic } from "../../src/functions/quadratic.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { leakyRelu, tanh } from "../../src/layers/activation.js";
import { affine } from "../../src/layers/affine.js";
import { complement } from "../../src/layers/complement.js";
import { compose } from "../../src/layers/compose.js";
import { firmlyNonexpansive } from "../../src/layers/firmly-nonexpansive.js";
import type { Layer } from "../../src/layers/layer.js";
import { learnedProx } from "../../src/layers/learned-prox.js";
import { learnedSmooth } from "../../src/layers/learned-smooth.js";
import { pointwise } from "../../src/layers/pointwise.js";
import { ridgeGradient } from "../../src/layers/ridge-gradient.js";
import { conv2d } from "../../src/linear/conv2d.js";
import { identity } from "../../src/linear/identity.js";
import { type LinearOperator, numberBound } from "../../src/linear/linear.js";
import { matrix } from "../../src/linear/matrix.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import { define, type Model, type Param } from "../../src/model.js";
import type { Problem } from "../../src/problem.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { mul, mulPrimitive, tanhPrimitive } from "../../src/tensor/primitives/elementwise.js";
import { constant } from "../../src/tensor/primitives/leaf.js";
import { apply, type Primitive, type Tensor } from "../../src/tensor/tensor.js";
import { normal } from "../arrays.js";
import { leastSquares } from "../cases/splittings.js";

const gaussian = (shape: readonly number[], seed: number, scale = 1): Param => ({
  shape,
  init: () => Float32Array.from(normal(shape, seed, scale).data),
});
const float32 = (shape: readonly number[], seed: number) => ({
  shape,
  data: Float32Array.from(normal(shape, seed).data),
});
const data = { d: float32([2, 4], 701) };
const A = matrix(constant(Float32Array.from(normal([4, 6], 702).data), [4, 6]));

/** min ‖Wx‖₁ s.t. ‖Ax − d‖ ≤ 0.5, x in a box, with parts to be replaced. */
interface Parts {
  readonly measure?: LinearOperator;
  readonly transform?: (W: Tensor) => LinearOperator;
  readonly alpha?: number;
}
const explicit = ({ measure = A, transform = matrix, alpha }: Parts = {}): Model =>
  define({
    name: "explicit",
    params: { W: gaussian([5, 6], 703), tau: { shape: [5], init: () => new Float32Array(5).fill(0.3) } },
    data: { d: ["N", 4] },
    problem: ({ W, tau }, { d }): Problem => ({
      box: { prox: indicator(box(-1, 1)) },
      fidelity: { prox: indicator(ball(d, 0.5)), of: measure },
      sparsity: { prox: weightedL1(tau), of: transform(W) },
    }),
    ...(alpha === undefined
      ? {}
      : { split: (problem) => linearizedAdmm(problem, { alpha: { fidelity: alpha, sparsity: alpha }, beta: 1 }) }),
  });

const denoiser = (W: Tensor, b: Tensor): Layer => complement(ridgeGradient(spectrallyNormalized(W, matrix), tanh, b));
const learnedParams = { W: gaussian([8, 6], 711), b: gaussian([8], 712, 0.2) };

/** Data fidelity, a box and a learned prox, by Davis–Yin. */
const learned = (layer: (W: Tensor, b: Tensor) => Layer, alpha?: number): Model =>
  define({
    name: "learned",
    params: learnedParams,
    data: { d: ["N", 4] },
    problem: ({ W, b }, { d }): Problem => ({
      data: { smooth: leastSquares(d), of: A },
      box: { prox: indicator(box(-1, 1)) },
      prior: { prox: learnedProx(layer(W, b)) },
    }),
    ...(alpha === undefined ? {} : { split: (problem) => davisYin(problem, { alpha }) }),
  });

/** A learned prox of convolutions on images, by linearized ADMM. */
const convolutional = define({
  name: "convolutional",
  params: { K1: gaussian([4, 1, 3, 3], 721), K2: gaussian([1, 4, 3, 3], 722) },
  data: { d: ["N", 1, 5, 4] },
  problem: ({ K1, K2 }, { d }): Problem => {
    const conv = (K: Tensor) => affine(spectrallyNormalized(K, (W) => conv2d(W, { height: 5, width: 4 })));
    const network = compose([conv(K1), pointwise(leakyRelu(0.1)), conv(K2)]);
    return {
      fidelity: { prox: quadratic(d) },
      prior: { prox: learnedProx(firmlyNonexpansive(network)), of: identity(["N", 1, 5, 4]) },
    };
  },
});

const failing = (model: Model, given = data, weights = model.initialWeights()) =>
  checkModel(model, weights, given)
    .checks.filter(({ holds }) => !holds)
    .map(({ kind, name }) => `${kind} ${name}`);
const kinds = (model: Model, given = data) =>
  checkModel(model, model.initialWeights(), given).checks.map(({ kind, name }) => `${kind} ${name}`);

describe("honest models pass", () => {
  it("with explicit terms, and are provable", () => {
    const { checks, provable } = checkModel(explicit(), explicit().initialWeights(), data);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(checks.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "condition 1",
      "adjoint fidelity",
      "norm fidelity",
      "adjoint sparsity",
      "norm sparsity",
      "gradient W",
      "gradient tau",
    ]);
    expect(provable).toEqual({ provable: true });
    for (const { left } of checks.filter(({ kind }) => kind === "norm")) expect(left).toBeGreaterThan(1);
  });

  it("with a learned prox, and say by term why nothing can be proven", () => {
    const model = learned(denoiser);
    expect(failing(model)).toEqual([]);
    expect(kinds(model)).toEqual(
      expect.arrayContaining(["condition 1", "adjoint data", "layer prior", "firm prior", "gradient W", "gradient b"]),
    );
    expect(checkModel(model, model.initialWeights(), data).provable).toMatchObject({ reason: "no-objective" });
    const images = { d: float32([2, 1, 5, 4], 723) };
    expect(failing(convolutional, images)).toEqual([]);
    expect(kinds(convolutional, images)).toEqual(expect.arrayContaining(["layer prior", "firm prior", "gradient K2"]));
  });

  it("with a convex network of free weights, whose constant is checked and which need not be firmly nonexpansive", () => {
    const network = define({
      name: "network",
      params: learnedParams,
      data: { d: ["N", 6] },
      problem: ({ W, b }, { d }): Problem => ({
        prior: { smooth: learnedSmooth(ridgeGradient(matrix(W), tanh, b)), of: identity(["N", 6]) },
        fidelity: { prox: quadratic(d) },
      }),
    });
    const given = { d: float32([2, 6], 731) };
    expect(failing(network, given)).toEqual([]);
    expect(kinds(network, given)).toEqual(expect.arrayContaining(["condition 1", "layer prior", "gradient W"]));
    expect(kinds(network, given)).not.toContain("firm prior");
  });

  it("whatever the seed, which decides the points that are tried", () => {
    const lefts = [1, 2].map((seed) => {
      const { checks } = checkModel(explicit(), explicit().initialWeights(), data, { seed });
      expect(checks.every(({ holds }) => holds)).toBe(true);
      return checks.map(({ left }) => left);
    });
    expect(lefts[0]).not.toEqual(lefts[1]);
    const again = checkModel(explicit(), explicit().initialWeights(), data, { seed: 1 });
    expect(again.checks.map(({ left }) => left)).toEqual(lefts[0]);
  });
});

/** tanh whose derivative forgets the square. */
const wrongTanh: Primitive<Record<string, never>> = {
  ...tanhPrimitive,
  name: "wrongTanh",
  vjp: ({ outputs: [y] }, [g]) => [g && apply(mulPrimitive, [g, apply(mulPrimitive, [y!, constant(-1)], {})], {})],
};

describe("broken models fail the check they break, and no other", () => {
  it("a step too long", () => {
    expect(failing(explicit({ alpha: 1 }))).toEqual(["condition 1"]);
    expect(failing(learned(denoiser, 1))).toEqual(["condition 1"]);
  });

  it("an adjoint that is none", () => {
    const shifted: LinearOperator = { ...A, adjoint: (y) => mul(1.01, A.adjoint(y)) };
    expect(failing(explicit({ measure: shifted }))).toContain("adjoint fidelity");
    expect(failing(explicit({ measure: shifted }))).not.toContain("adjoint sparsity");
  });

  it("a bound below the norm", () => {
    const low: LinearOperator = { ...A, norm: () => numberBound(1, "a guess") };
    expect(failing(explicit({ measure: low }))).toEqual(["norm fidelity"]);
  });

  it("a layer with a constant that is too small, or that is not firmly nonexpansive as it says", () => {
    const stretching = (W: Tensor, b: Tensor): Layer => {
      const layer = denoiser(W, b);
      return { ...layer, apply: (x) => mul(1.2, layer.apply(x)) };
    };
    expect(failing(learned(stretching))).toEqual(["layer prior", "firm prior"]);
    const minus = Float32Array.from({ length: 36 }, (_, k) => (k % 7 === 0 ? -1 : 0));
    const reflecting = (): Layer => ({
      ...affine(spectrallyNormalized(constant(minus, [6, 6]), matrix)),
      firmly: "it says so",
    });
    expect(failing(learned(reflecting))).toEqual(["firm prior"]);
  });

  it("a derivative that is wrong, by the parameter behind it", () => {
    const wrong = (W: Tensor): LinearOperator => matrix(apply(wrongTanh, [W], {}));
    const right = (W: Tensor): LinearOperator => matrix(apply(tanhPrimitive, [W], {}));
    expect(failing(explicit({ transform: wrong }))).toEqual(["gradient W"]);
    expect(failing(explicit({ transform: right }))).toEqual([]);
  });

  it("weights that are not numbers", () => {
    const model = explicit();
    const { W, tau } = model.initialWeights();
    const bad = { W: { shape: W!.shape, data: W!.data.map((v, i) => (i === 3 ? Number.NaN : v)) }, tau: tau! };
    expect(failing(model, data, bad)).toEqual(
      expect.arrayContaining(["condition 1", "adjoint sparsity", "norm sparsity", "gradient W"]),
    );
  });
});

it("weights and data that do not fit are refused", () => {
  const model = explicit();
  expect(() => checkModel(model, {}, data)).toThrow(VouchError);
  expect(() => checkModel(model, {}, data)).toThrow(/^checkModel: weights of "explicit": expected W/);
  expect(() => checkModel(model, model.initialWeights(), {})).toThrow('data "d"');
});
