/** @file Group ℓ21 norm: isotropic total variation when composed with differences. */

import { VouchError } from "../errors.js";
import { sampleAxes, sum, sumKeep } from "../tensor/primitives/broadcast.js";
import {
  asTensor,
  div,
  lessEqual,
  max,
  mul,
  select,
  sqrt,
  sub,
  type TensorLike,
} from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/** A share of τ that float32 represents and whose rounding stays within τ. */
const INSIDE = 1 - 2 ** -20;

/**
 * f(v) = τ Σ_g ‖v_g‖₂, groups along one axis.
 *
 *     prox_{λf}(v)_g = v_g − v_g / max(1, ‖v_g‖/(λτ))          f*(y) = 0 if ‖y_g‖ ≤ τ for all g, else ∞
 *
 * @param axis  axis of v that a group runs along: 1 for the two differences of a pixel
 * @param tau   weight > 0
 * @source Beck 2017, First-Order Methods in Optimization, Example 6.19, group by group
 */
export function groupL21(axis: number, tau: TensorLike = 1): Proximable {
  if (typeof tau === "number" && !(tau > 0)) {
    throw new VouchError("parameter", {
      name: "groupL21",
      expected: "a weight > 0",
      got: `${tau}`,
      remedy: "Leave the term out for weight 0.",
    });
  }
  const weight = asTensor(tau);
  const square = (v: Tensor) => sumKeep(mul(v, v), [axis]);
  const length = (v: Tensor) => sqrt(square(v));
  // max(1, ‖v‖/limit) under the root, whose gradient is finite at v = 0.
  const clip = (v: Tensor, limit: Tensor) => div(v, sqrt(max(1, div(square(v), mul(limit, limit)))));
  const value = (v: Tensor) => {
    const lengths = mul(weight, length(v));
    return sum(lengths, sampleAxes(lengths));
  };
  return {
    name: "groupL21",
    prox: (v, lambda) => sub(v, clip(v, mul(lambda, weight))),
    value,
    conjugate: (y) => {
      const out = select(lessEqual(length(y), weight), 0, Number.POSITIVE_INFINITY);
      return maximum(out, sampleAxes(out));
    },
    proxConjugate: (u) => clip(u, weight),
    admit: (y) => clip(y, mul(weight, INSIDE)),
    property: { kind: "value", measure: value },
    stated: { kind: "groupL21", numbers: { axis }, tensors: { tau: weight } },
  };
}
