/** @file The table of exported models: one of each way a file is made, with honest, failing and unusable data. */

import { simulate } from "../../src/applications/ct/examples.js";
import { ctSolver, l2oMethod, solverData } from "../../src/applications/ct/methods.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { type Calibration, calibrate, digest } from "../../src/certificates/calibration.js";
import { measureProperties, valuesByTerm } from "../../src/certificates/measure.js";
import { sparsity } from "../../src/certificates/properties/sparsity.js";
import type { Float32 } from "../../src/engine/session.js";
import { parseBundle } from "../../src/files/bundle.js";
import { indicator } from "../../src/functions/indicator.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { identity } from "../../src/linear/identity.js";
import { matrix } from "../../src/linear/matrix.js";
import { compileModel, define, type Model, type Weights } from "../../src/model.js";
import { random } from "../../src/random.js";
import { box } from "../../src/sets/box.js";
import { point } from "../../src/sets/point.js";
import { inner } from "../../src/sets/set.js";
import { anderson } from "../../src/solvers/anderson.js";
import { picard } from "../../src/solvers/picard.js";
import type { Solver } from "../../src/solvers/solver.js";
import type { Limits } from "../../src/solvers/whole.js";
import { mul, sub } from "../../src/tensor/primitives/elementwise.js";
import { constant } from "../../src/tensor/primitives/leaf.js";
import { SIZE, tinyBundle, tinyCt } from "../cli/tiny.js";
import { leastSquares } from "./splittings.js";

type Data = Readonly<Record<string, Float32>>;

export interface ExportedCase {
  readonly title: string;
  readonly model: Model;
  readonly weights: Weights;
  readonly solver: Solver;
  readonly stop: Limits;
  /** Held-out data of `count` samples. */
  readonly held: (count: number) => Data;
  /** What is solved, and what becomes of each sample: its status, and whether it is trustworthy. */
  readonly data: Data;
  readonly expected: readonly (readonly [status: string, trustworthy: boolean])[];
}

/** Calibrate on the model's inferences of held-out samples. */
export async function calibrationFor(
  { model, weights, solver, stop, held }: ExportedCase,
  count = 39,
): Promise<Calibration> {
  await using compiled = await compileModel(model, weights, { solver });
  const data = held(count);
  const { x, z } = await compiled.solve(data, stop);
  const samples = Array.from({ length: count }, (_, i) => digest(Float32Array.of(i)));
  return calibrate({
    values: valuesByTerm(measureProperties(model, weights, data, x, z, { solver })),
    reference: "inferences",
    samples: await Promise.all(samples),
  });
}

const rows = (list: readonly Float32Array[]): Float32 => ({
  shape: [list.length, list[0]!.length],
  data: Float32Array.from(list.flatMap((row) => [...row])),
});

/** min ‖x‖₁ s.t. Ax = d: derived, so that steps are rebalanced; sparsity counts the zeros of a copy. */
function recovery(): ExportedCase {
  const [m, n] = [20, 40];
  const stream = random(4);
  const A = Float32Array.from({ length: m * n }, () => stream.normal() / Math.sqrt(m));
  const measured = (kind: string, index: number) => {
    const draw = random(5).fork(kind).fork(index);
    const x = new Float32Array(n);
    for (const j of draw.permutation(n).subarray(0, 3)) x[j] = 0.2 + draw.uniform();
    return Float32Array.from({ length: m }, (_, i) => x.reduce((sum, v, j) => sum + A[i * n + j]! * v, 0));
  };
  const dense = Float32Array.from({ length: m }, (_, i) => Math.sin(3 * i));
  return {
    title: "sparse recovery, rebalanced",
    model: define({
      name: "sparse recovery",
      params: {},
      data: { d: ["N", m] },
      problem: (_, { d }) => ({
        sparsity: { prox: l1(), of: identity(["N", n]), property: sparsity() },
        fidelity: { prox: indicator(point(d)), of: matrix(constant(A, [m, n])) },
      }),
    }),
    weights: {},
    solver: picard(),
    stop: { tolerance: 1e-4, maxSteps: 2000 },
    held: (count) => ({ d: rows(Array.from({ length: count }, (_, i) => measured("held", i))) }),
    data: {
      d: rows([measured("test", 0), dense, measured("test", 1), measured("test", 2).map((v) => 1e20 * v)]),
    },
    expected: [
      ["converged", true],
      ["max-steps", false],
      ["converged", true],
      ["non-finite", false],
    ],
  };
}

/** The learned convex CT model on a tiny scan: weights, sparse tiles, convolutions, two inputs, over-relaxation. */
function ct(): ExportedCase {
  const method = l2oMethod(tinyCt, parseBundle(tinyBundle()));
  const measured = (kind: string, index: number) =>
    simulate(tinyCt, ellipses({ size: SIZE, random: random(7).fork(kind).fork(index) }), 7, `${kind} ${index}`);
  const honest = measured("test", 0);
  const broken = { d: honest.d.map((v, i) => (i % 9 === 0 ? v + 3 : v)), radius: honest.radius };
  return {
    title: "tiny CT, learned convex",
    model: method.model,
    weights: method.weights,
    solver: ctSolver,
    stop: { tolerance: 5e-4, maxSteps: 1500 },
    held: (count) => solverData(Array.from({ length: count }, (_, i) => measured("held", i))),
    data: solverData([honest, broken]),
    expected: [
      ["converged", true],
      ["max-steps", false],
    ],
  };
}

/** A slow valley by Anderson's extrapolation: proposals inside, some of them taken back. */
function valley(): ExportedCase {
  const slopes = [1, 0.3, 0.1, 0.03, 0.01];
  const n = slopes.length;
  const datum = (kind: string, index: number, size = 1) => {
    const draw = random(13).fork(kind).fork(index);
    return Float32Array.from({ length: n }, () => size * draw.normal());
  };
  const diagonal = slopes.flatMap((slope, i) => slopes.map((_, j) => (i === j ? slope : 0)));
  return {
    title: "least squares by Anderson",
    model: define({
      name: "valley",
      params: {},
      data: { d: ["N", n] },
      problem: (_, { d }) => ({
        fit: { smooth: leastSquares(d), of: matrix(constant(diagonal, [n, n])) },
        size: { prox: l1(1e-3) },
      }),
    }),
    weights: {},
    solver: anderson(),
    stop: { tolerance: 1e-4, maxSteps: 3000 },
    held: (count) => ({ d: rows(Array.from({ length: count }, (_, i) => datum("held", i))) }),
    data: { d: rows([datum("test", 1), datum("test", 2, 20)]) },
    expected: [
      ["converged", true],
      ["converged", false],
    ],
  };
}

/** min ½Σ wᵢ(xᵢ − dᵢ)² + 0.1‖x‖₁ over a box: Davis–Yin, whose answer is read through a prox. */
function denoising(): ExportedCase {
  const n = 12;
  const signal = (kind: string, index: number) => {
    const draw = random(9).fork(kind).fork(index);
    return Float32Array.from({ length: n }, () => draw.uniform());
  };
  return {
    title: "denoising by Davis–Yin",
    model: define({
      name: "denoising",
      params: { w: { shape: [n], init: () => Float32Array.from({ length: n }, (_, i) => 0.5 + i / n) } },
      data: { d: ["N", n] },
      problem: ({ w }, { d }) => ({
        fit: {
          smooth: {
            name: "weighted distance",
            value: (x) => mul(0.5, inner(mul(w, sub(x, d)), sub(x, d))),
            grad: (x) => mul(w, sub(x, d)),
            lipschitz: () => constant(2),
          },
          of: identity(["N", n]),
        },
        box: { prox: indicator(box(0, 1)) },
        size: { prox: l1(0.1) },
      }),
    }),
    weights: { w: { shape: [n], data: Float32Array.from({ length: n }, (_, i) => 0.5 + i / n) } },
    solver: picard(),
    stop: { tolerance: 1e-5, maxSteps: 500 },
    held: (count) => ({ d: rows(Array.from({ length: count }, (_, i) => signal("held", i))) }),
    data: { d: rows([signal("test", 2), new Float32Array(n).fill(0.99)]) },
    expected: [
      ["converged", true],
      ["converged", false],
    ],
  };
}

export const exportedCases: readonly ExportedCase[] = [recovery(), ct(), denoising(), valley()];
