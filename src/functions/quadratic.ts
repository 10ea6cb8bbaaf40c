/** @file The squared distance to a centre: proximable, and smooth. */

import { VouchError } from "../errors.js";
import { domainOfData, inner } from "../sets/set.js";
import { add, asTensor, div, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable, Smooth } from "./function.js";

/**
 * f(v) = w/2 ‖v − c‖².
 *
 *     prox_{λf}(v) = (v + λwc)/(1 + λw)          f*(y) = ⟨c, y⟩ + ‖y‖²/(2w)          ∇f(v) = w(v − c)
 *
 * As { prox: quadratic(…) } or { smooth: quadratic(…) }: least squares where v = Ax.
 *
 * @param centre  c, of the shape of v
 * @param weight  w > 0, a number or a scalar
 * @throws parameter if a numeric weight is not > 0
 * @source Beck 2017, First-Order Methods in Optimization, §6.2.3 and §4.4.7
 */
export function quadratic(centre: Tensor, weight: TensorLike = 1): Proximable & Smooth {
  if (typeof weight === "number" && !(weight > 0)) {
    throw new VouchError("parameter", {
      name: "quadratic",
      expected: "a weight > 0",
      got: `${weight}`,
      remedy: "Leave the term out for weight 0.",
    });
  }
  const w = asTensor(weight);
  const value = (v: Tensor) => {
    const offset = sub(v, centre);
    return mul(mul(0.5, w), inner(offset, offset));
  };
  return {
    name: "quadratic",
    ...domainOfData(centre),
    prox: (v, lambda) => {
      const step = mul(lambda, w);
      return div(add(v, mul(step, centre)), add(1, step));
    },
    value,
    grad: (v) => mul(w, sub(v, centre)),
    lipschitz: () => w,
    conjugate: (y) => add(inner(centre, y), div(inner(y, y), mul(2, w))),
    property: { kind: "value", measure: value },
    stated: { kind: "quadratic", tensors: { centre, weight: w } },
  };
}
