/** @file Answers of contractions: how far from the fixed point, proven from one application. */

import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { abs, mul, sqrt, sub } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor, Value } from "../tensor/tensor.js";
import type { Numbers } from "./check.js";
import { enclose, inexactPrimitive, interval } from "./enclose.js";

/** T with ‖T(a) − T(b)‖₂ ≤ γ‖a − b‖₂, both as graphs of exact primitives. */
export interface Contraction {
  /** Shape of x, sample axis first. */
  readonly x: Tensor["shape"];
  map(x: Tensor): Tensor;
  /** γ: a scalar that the caller has a proof of, such as `schurBound` of the weights of a 1-Lipschitz layer. */
  readonly factor: Tensor;
  /** The proof in words: "ReLU is 1-Lipschitz, ‖W‖₂ ≤ √(‖W‖₁‖W‖∞)". */
  readonly because: string;
}

export type DistanceVerdict =
  | {
      readonly verdict: "VERIFIED";
      /** ‖x − x*‖₂ is at most this. */
      readonly distance: number;
      /** ‖T(x) − x‖₂ and γ, rounded up. */
      readonly residual: number;
      readonly factor: number;
      readonly because: string;
    }
  | {
      readonly verdict: "UNVERIFIABLE";
      readonly reason: "not-contractive" | "inexact-primitive" | "not-finite";
      readonly detail: string;
    };

/**
 * Bound the distance of x to the fixed point x* of one sample (N = 1).
 *
 *     ‖x − x*‖ ≤ ‖T(x) − x‖/(1 − γ)
 *
 * A residual alone says nothing where T is only nonexpansive: there is no γ < 1.
 *
 * @source Banach's fixed-point theorem, a-posteriori estimate
 */
export function distanceToFixedPoint(
  { x: shape, map, factor, because }: Contraction,
  data: ReadonlyMap<Tensor, Value>,
  given: Numbers,
): DistanceVerdict {
  const x = input("contraction.x", shape);
  const difference = sub(map(x), x);
  const length = sqrt(sum(mul(difference, difference), sampleAxes(difference)));
  const values = new Map<Tensor, Value>([...data, [x, { shape: given.shape, data: Float64Array.from(given.data) }]]);
  const inexact = inexactPrimitive([length, factor], values);
  if (inexact !== undefined) {
    return { verdict: "UNVERIFIABLE", reason: "inexact-primitive", detail: `the figures need ${inexact}` };
  }
  const [residual, gamma] = enclose([length, factor], values, 1).map((e) => interval(e).high);
  if (!(gamma! < 1)) return { verdict: "UNVERIFIABLE", reason: "not-contractive", detail: `γ ≤ ${gamma}, not below 1` };
  if (!Number.isFinite(residual)) {
    return { verdict: "UNVERIFIABLE", reason: "not-finite", detail: `the residual is ${residual}` };
  }
  // Three roundings, each at most 2⁻⁵³ relative.
  const distance = (residual! / (1 - gamma!)) * (1 + 2 ** -50) + 2 ** -1000;
  return { verdict: "VERIFIED", distance, residual: residual!, factor: gamma!, because };
}

/** √(‖W‖₁‖W‖∞) ≥ ‖W‖₂ for a matrix [m, n]: a scalar of exact primitives. @source Schur's test; Horn & Johnson, 2nd ed., 5.6.P21 */
export function schurBound(W: Tensor): Tensor {
  return sqrt(mul(maximum(sum(abs(W), [0])), maximum(sum(abs(W), [1]))));
}
