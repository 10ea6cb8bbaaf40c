/** @file Weighted ℓ1 norm; ℓ1 with one weight is its special case. */

import { VouchError } from "../errors.js";
import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import {
  abs,
  asTensor,
  lessEqual,
  max,
  min,
  mul,
  neg,
  select,
  sub,
  type TensorLike,
} from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/**
 * f(v) = Σ τᵢ|vᵢ|.
 *
 *     prox_{λf}(v) = v − clip(v, ±λτ)          f*(y) = 0 if |yᵢ| ≤ τᵢ for all i, else ∞
 *
 * @param tau  weights ≥ 0, broadcast against v: [C, 1, 1] for one per filter, [N, C, H, W] for one per pixel
 * @source Heaton & Wu Fung 2023, eq. (7), with one threshold per element
 */
export function weightedL1(tau: Tensor): Proximable {
  const clip = (v: Tensor, limit: Tensor) => max(min(v, limit), neg(limit));
  return {
    name: "weightedL1",
    prox: (v, lambda) => sub(v, clip(v, mul(lambda, tau))),
    value: (v) => perSampleSum(mul(tau, abs(v))),
    conjugate: (y) => {
      // Compared, not subtracted: a clipped y lies on the edge, and comparison does not round.
      const out = select(lessEqual(abs(y), tau), 0, Number.POSITIVE_INFINITY);
      return maximum(out, sampleAxes(out));
    },
    proxConjugate: (u) => clip(u, tau),
    admit: (y) => clip(y, tau),
    stated: { kind: "weightedL1", tensors: { tau } },
    property: { kind: "value", measure: (v) => perSampleSum(mul(tau, abs(v))) },
  };
}

/** f(v) = τ‖v‖₁; see weightedL1. @throws parameter if a numeric τ is negative or NaN */
export function l1(tau: TensorLike = 1): Proximable {
  if (typeof tau === "number" && !(tau >= 0)) {
    throw new VouchError("parameter", {
      name: "l1",
      expected: "a weight ≥ 0",
      got: `${tau}`,
      remedy: "A negative weight is not convex.",
    });
  }
  return { ...weightedL1(asTensor(tau)), name: "l1" };
}

function perSampleSum(v: Tensor): Tensor {
  return sum(v, sampleAxes(v));
}
