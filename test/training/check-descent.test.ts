/** @file checkDescent: both readings of JFB's theorem, and what it says of rules and models. */

import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { implicit } from "../../src/backward/implicit.js";
import { jfb } from "../../src/backward/jfb.js";
import { neumann } from "../../src/backward/neumann.js";
import type { Float32 } from "../../src/engine/session.js";
import { indicator } from "../../src/functions/indicator.js";
import { weightedL1 } from "../../src/functions/weighted-l1.js";
import { identity } from "../../src/linear/identity.js";
import { matrix } from "../../src/linear/matrix.js";
import { define, type Model } from "../../src/model.js";
import { box } from "../../src/sets/box.js";
import { inner, norm as lengths } from "../../src/sets/set.js";
import { davisYin } from "../../src/splitting/davis-yin.js";
import { proximalGradient } from "../../src/splitting/proximal-gradient.js";
import { reshape, zeros } from "../../src/tensor/primitives/broadcast.js";
import { add, div, max, sub } from "../../src/tensor/primitives/elementwise.js";
import { constant } from "../../src/tensor/primitives/leaf.js";
import { matmul } from "../../src/tensor/primitives/matmul.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { checkDescent } from "../../src/training/check-descent.js";
import { normal, rows } from "../arrays.js";
import { leastSquares } from "../cases/splittings.js";
import { running } from "../points.js";

/** T(z) = Jz + NΘ, with J and N of each example given. */
function linear(states: number, parameters: number): Model {
  const only = (z: unknown) => (z as { z: Tensor }).z;
  return define({
    name: "linear",
    params: { Theta: { shape: [parameters], init: () => new Float32Array(parameters) } },
    data: { J: ["N", states, states], N: ["N", parameters, states] },
    problem: () => ({}),
    split: (_, { Theta }, { J, N }) => {
      const row = (v: Tensor, M: Tensor) => reshape(matmul(v, M), ["N", states]);
      const shift = row(reshape(Theta, [1, parameters]), N);
      return {
        name: "linear",
        averagedness: 1,
        init: () => ({ z: zeros(["N", states]) }),
        apply: (z) => ({ z: add(row(reshape(only(z), ["N", 1, states]), J), shift) }),
        read: only,
        residuals: (z, z1) => ({ z: div(lengths(sub(only(z), only(z1))), max(lengths(only(z1)), 1e-12)) }),
        conditions: () => [],
        metric: (z) => inner(only(z), only(z)),
      };
    },
  });
}

interface Draw {
  /** [n, n] */
  readonly J: Matrix;
  /** [n, p] */
  readonly N: Matrix;
  /** Direction of ∂ℓ/∂z at Θ = 0, where z* = 0. */
  readonly g: readonly number[];
}

/** The record of each draw; T multiplies rows from the left, hence the transposes. */
function check(draws: readonly Draw[]) {
  const { J, N } = draws[0]!;
  const stacked = (shape: readonly number[], of: (draw: Draw) => readonly number[]): Float32 => ({
    shape: [draws.length, ...shape],
    data: Float32Array.from(draws.flatMap(of)),
  });
  const model = linear(J.rows, N.columns);
  return checkDescent(model, model.initialWeights(), {
    data: {
      J: stacked([J.rows, J.rows], (draw) => draw.J.transpose().to1DArray()),
      N: stacked([N.columns, N.rows], (draw) => draw.N.transpose().to1DArray()),
    },
    target: stacked([J.rows], ({ g }) => g.map((a) => -a)),
  });
}

const gaussian = (n: number, m: number, seed: number) => new Matrix(rows(normal([n, m], seed)).map((row) => [...row]));
const orthogonal = (n: number, seed: number) => new QrDecomposition(gaussian(n, n, seed)).orthogonalMatrix;
const holding = (record: { conditions: readonly { holds: boolean }[] }) => record.conditions.map(({ holds }) => holds);

describe("the hypothesis of JFB's theorem", () => {
  const GAMMA = 0.9;

  it("read as full column rank and κ(NᵀN) ≤ 1/γ it is false: the cosine can be −1", () => {
    const J = new Matrix([
      [0, -GAMMA],
      [GAMMA, 0],
    ]);
    const N = new Matrix([[1], [0]]);
    const columns = new SingularValueDecomposition(N);
    expect(columns.rank).toBe(N.columns);
    expect(columns.condition).toBe(1);
    // v₁ = (g₁ + γg₂)/(1 + γ²) < 0 < g₁.
    const [record] = check([{ J, N, g: [1, -5] }]);
    expect(record!.cosine).toBeCloseTo(-1, 12);
    expect(record!.gamma).toBeCloseTo(GAMMA, 6);
    expect(record!.kappa).toBe(Number.POSITIVE_INFINITY);
    expect(holding(record!)).toEqual([true, false, false]);
    expect(record!.conditions[1]).toMatchObject({ left: 2, right: 1 });
  });

  /** J = γ times an orthogonal matrix and N [3, 4] with κ(NNᵀ) = kappa, at random. */
  const draws = (kappa: number) =>
    Array.from({ length: 300 }, (_, i): Draw => {
      const sigma = Matrix.zeros(3, 4);
      [1, kappa ** -0.25, kappa ** -0.5].forEach((value, k) => {
        sigma.set(k, k, value);
      });
      return {
        J: orthogonal(3, 10 * i + 1).mul(GAMMA),
        N: orthogonal(3, 10 * i + 2)
          .mmul(sigma)
          .mmul(orthogonal(4, 10 * i + 3)),
        g: [...normal([3], 10 * i + 4).data],
      };
    });

  it("read as full row rank and κ(NNᵀ) ≤ 1/γ it holds: the cosine is positive", () => {
    const records = check(draws(1.1));
    for (const record of records) {
      expect(holding(record)).toEqual([true, true, true]);
      expect(record.kappa).toBeCloseTo(1.1, 5);
      expect(record.cosine).toBeGreaterThan(0);
    }
    expect(Math.min(...records.map(({ cosine }) => cosine))).toBeLessThan(0.7);
  });

  it("beyond it the cosine can be negative, and the condition says so", () => {
    const records = check(draws(20));
    for (const record of records) expect(holding(record)).toEqual([true, true, false]);
    expect(Math.min(...records.map(({ cosine }) => cosine))).toBeLessThan(-0.1);
  });
});

describe("checkDescent", () => {
  const A = normal([5, 4], 401);
  const lasso = define({
    name: "lasso",
    params: { tau: { shape: [4], init: () => Float32Array.of(0.3, 0.6, 0.2, 0.5) } },
    data: { d: ["N", 5] },
    problem: ({ tau }, { d }) => ({
      fidelity: { smooth: leastSquares(d), of: matrix(constant([...A.data], [5, 4])) },
      sparsity: { prox: weightedL1(tau) },
    }),
    split: (problem) => proximalGradient(problem, { alpha: 0.0625 }),
  });
  const float32 = ({ shape, data }: { shape: readonly number[]; data: Float64Array }): Float32 => ({
    shape,
    data: Float32Array.from(data),
  });
  const examples = { data: { d: float32(normal([3, 5], 402, 1.5)) }, target: float32(normal([3, 4], 403)) };
  const weights = lasso.initialWeights();

  it("tells rules apart: implicit is exact, more terms come closer", () => {
    const of = (backward: typeof jfb) => checkDescent(lasso, weights, examples, { backward });
    const exact = of(implicit({ tolerance: 1e-12, limit: 100 }));
    const [none, some, many] = [jfb, neumann(10), neumann(1000)].map(of);
    exact.forEach(({ cosine }, n) => {
      expect(cosine).toBeCloseTo(1, 10);
      expect(many![n]!.cosine).toBeCloseTo(1, 10);
      expect(none![n]!.cosine).toBeLessThan(some![n]!.cosine);
      expect(some![n]!.cosine).toBeLessThan(0.99999);
    });
  });

  it("γ̂ is the largest singular value of ∂T/∂z: of I − αAᵀA in the rows of the support", () => {
    const M = new Matrix(rows(A).map((row) => [...row].map(Math.fround)));
    const step = Matrix.eye(4).sub(M.transpose().mmul(M).mul(0.0625));
    const run = running(lasso.trace().operator, { "data.d": examples.data.d, "params.tau": weights["tau"]! }, 3);
    const x = rows(run.read(run.apply(run.zeros(), 1000)));
    checkDescent(lasso, weights, examples).forEach(({ gamma }, n) => {
      const support = [0, 1, 2, 3].filter((i) => x[n]![i] !== 0);
      expect(gamma).toBeCloseTo(new SingularValueDecomposition(step.subMatrixRow(support).transpose()).norm2, 9);
    });
    expect(x.some((row) => row.includes(0))).toBe(true);
  });

  it("Davis–Yin at an idle node keeps a direction: γ̂ = 1, and the implicit gradient is exact all the same", () => {
    const [along, shift] = [
      constant([0.5, -0.5, 0, 0, -0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5], [4, 4]),
      constant([0.5, 0.5, 0, 0]),
    ];
    const model = define({
      name: "flows",
      params: { w: { shape: [4], init: () => Float32Array.of(0.1, 0.3, 2, 2) } },
      data: { d: ["N", 4] },
      // x₁ + x₂ = 1, and as much into the node of x₃ and x₄ as out of it.
      problem: ({ w }, { d }) => ({
        positive: { prox: indicator(box(0, Number.POSITIVE_INFINITY)) },
        flows: {
          prox: {
            name: "flows",
            prox: (v) => add(matmul(v, along), shift),
            property: { kind: "none", measure: (v) => inner(v, v) },
          },
        },
        cost: { smooth: leastSquares(sub(d, w)), of: identity(["N", 4]) },
      }),
      split: (problem) => davisYin(problem, { alpha: 0.5 }),
    });
    const given = { data: { d: float32(normal([2, 4], 7, 0.1)) }, target: float32(normal([2, 4], 8)) };
    const backward = implicit({ tolerance: 1e-12 });
    for (const { cosine, gamma, conditions } of checkDescent(model, model.initialWeights(), given, { backward })) {
      expect(cosine).toBeCloseTo(1, 10);
      expect(gamma).toBeGreaterThanOrEqual(1 - 1e-9);
      expect(conditions.map(({ holds }) => holds).slice(1)).toEqual([false, false]);
    }
  });

  it("refuses by name what it cannot check", () => {
    expect(() => checkDescent(lasso, weights, examples, { maxSteps: 3 })).toThrow(
      /^checkDescent: expected a residual of at most 1e-10 after 3 steps/,
    );
    const large = linear(1001, 1);
    const data = {
      J: { shape: [1, 1001, 1001], data: new Float32Array(1001 ** 2) },
      N: { shape: [1, 1, 1001], data: new Float32Array(1001) },
    };
    const target = { shape: [1, 1001], data: new Float32Array(1001) };
    expect(() => checkDescent(large, large.initialWeights(), { data, target })).toThrow(
      /^checkDescent: expected a state of at most 1000 numbers, got 1001/,
    );
    expect(() => checkDescent(lasso, {}, examples)).toThrow(/^checkDescent: weights/);
  });
});
