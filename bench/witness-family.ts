/** @file Small problems whose bounds are also known exactly: what a checker of witnesses is held against. */

import { dualBounds, hasBounds } from "../src/dual.js";
import { indicator } from "../src/functions/indicator.js";
import { l1, weightedL1 } from "../src/functions/weighted-l1.js";
import { matrix } from "../src/linear/matrix.js";
import type { Problem } from "../src/problem.js";
import type { Random } from "../src/random.js";
import { ball } from "../src/sets/ball.js";
import { box } from "../src/sets/box.js";
import { point } from "../src/sets/point.js";
import { constant, input } from "../src/tensor/primitives/leaf.js";
import type { Tensor, Value } from "../src/tensor/tensor.js";
import type { Bounds } from "../src/verify/bounds.js";
import { atMost, type Dyadic, dot, exact, larger, magnitude, minus, plus, root, times, ZERO } from "./exact.js";

export const [N, ROWS, CODES] = [6, 4, 8] as const;

/** Arrays of one problem, float32. */
export interface Instance {
  readonly A: Float32Array;
  readonly K: Float32Array;
  readonly tau: Float32Array;
  readonly d: Float32Array;
  readonly delta: number;
  /** [0, 1] boxes x, or ‖x‖∞ ≤ M is given. */
  readonly prior?: number;
  readonly problem: (d: Tensor, delta: Tensor) => Problem;
  readonly bounds: Bounds;
  readonly data: ReadonlyMap<Tensor, Value>;
}

/** min Σ τ|Kx| s.t. ‖Ax − d‖ ≤ δ, x in [0, 1]ⁿ; or with ‖x‖∞ ≤ M given, and Ax = d to δ. */
export function instance(rng: Random, kind: "box" | "prior"): Instance {
  const normal = (count: number, scale: number) => Float32Array.from({ length: count }, () => scale * rng.normal());
  const A = normal(ROWS * N, 0.5);
  const K = normal(CODES * N, 0.5);
  const tau =
    kind === "box" ? Float32Array.from({ length: CODES }, () => 0.2 + rng.uniform()) : new Float32Array(CODES).fill(1);
  const x = Float32Array.from({ length: N }, () => rng.uniform());
  const d = Float32Array.from({ length: ROWS }, (_, r) => x.reduce((sum, v, j) => sum + A[r * N + j]! * v, 0));
  const delta = kind === "box" ? Math.fround(0.05 + 0.2 * rng.uniform()) : 2 ** -10;
  const operators = { A: matrix(constant(A, [ROWS, N])), K: matrix(constant(K, [CODES, N])) };
  const problem = (dT: Tensor, deltaT: Tensor): Problem =>
    kind === "box"
      ? {
          box: { prox: indicator(box(0, 1)) },
          fidelity: { prox: indicator(ball(dT, deltaT)), of: operators.A },
          sparsity: { prox: weightedL1(constant(tau)), of: operators.K },
        }
      : {
          fidelity: { prox: indicator(point(dT)), of: operators.A },
          sparsity: { prox: l1(), of: operators.K },
        };
  const dT = input("d", ["N", ROWS]);
  const deltaT = input("delta", ["N"]);
  const bounds = dualBounds(problem(dT, deltaT), kind === "box" ? {} : { prior: PRIOR, slack: { fidelity: delta } });
  if (!hasBounds(bounds)) throw new Error(bounds.detail);
  const data = new Map<Tensor, Value>([
    [dT, { shape: [1, ROWS], data: Float64Array.from(d) }],
    [deltaT, { shape: [1], data: Float64Array.of(delta) }],
  ]);
  return { A, K, tau, d, delta, ...(kind === "prior" ? { prior: PRIOR } : {}), problem, bounds, data };
}

const PRIOR = 2;

/** P(x), whether x is feasible, all in exact arithmetic. */
export function exactPrimal({ A, K, tau, d, delta, prior }: Instance, x: ArrayLike<number>) {
  const X = Array.from(x, exact);
  const rowsOf = (M: Float32Array, count: number) =>
    Array.from({ length: count }, (_, r) => dot(Array.from(M.subarray(r * N, (r + 1) * N), exact), X));
  const value = rowsOf(K, CODES).reduce((sum, v, c) => plus(sum, times(exact(tau[c]!), magnitude(v))), ZERO);
  const residual = rowsOf(A, ROWS).map((v, r) => plus(v, minus(exact(d[r]!))));
  const [low, high] = prior === undefined ? [ZERO, exact(1)] : [exact(-prior), exact(prior)];
  const inside = X.every((v) => atMost(low, v) && atMost(v, high));
  const near = atMost(dot(residual, residual), times(exact(delta), exact(delta)));
  return { value, feasible: inside && near };
}

/** A number no less than D(y) and within 2⁻¹⁴⁰ of it, for dual vectors in the domain; undefined outside. */
export function exactDual(
  { A, K, tau, d, delta, prior }: Instance,
  fidelity: ArrayLike<number>,
  sparsity: ArrayLike<number>,
) {
  const f = Array.from(fidelity, exact);
  const s = Array.from(sparsity, exact);
  if (!s.every((v, c) => atMost(magnitude(v), exact(tau[c]!)))) return undefined;
  const column = (M: Float32Array, j: number, count: number) =>
    Array.from({ length: count }, (_, r) => exact(M[r * N + j]!));
  let bound = plus(minus(dot(Array.from(d, exact), f)), minus(times(exact(delta), root(dot(f, f)).low)));
  for (let j = 0; j < N; j++) {
    const r = plus(dot(column(A, j, ROWS), f), dot(column(K, j, CODES), s));
    const worst = prior === undefined ? larger(minus(r), ZERO) : times(exact(prior), magnitude(r));
    bound = plus(bound, minus(worst));
  }
  return bound;
}

export type { Dyadic };
