/** @file The hyperplane: one linear equation. */

import { abs, asTensor, div, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { elements, shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { type ConvexSet, inner, norm, perSample } from "./set.js";

/**
 * { v : ⟨a, v⟩ = b }.
 *
 *     P(v) = v − (⟨a, v⟩ − b)/‖a‖² a
 *
 * No support function; what is to be proven states { prox: indicator(point(b)), of: matrix(A) } instead.
 *
 * @param a  normal ≠ 0, of the shape of v, with or without its sample axis
 * @param b  a number or [N], units of ⟨a, v⟩
 * @source Beck 2017, First-Order Methods in Optimization, Lemma 6.26, one equation
 */
export function hyperplane(a: Tensor, b: TensorLike): ConvexSet {
  const above = heightOver("hyperplane", a, b);
  return {
    name: "hyperplane",
    project: (v) => sub(v, along(a, above(v), v)),
    distance: (v) => div(abs(above(v)), norm(a)),
    excess: (v) => abs(above(v)),
  };
}

/** v ↦ ⟨a, v⟩ − b: [N]. @throws shape, as `name`, where a has another number of elements than v */
export function heightOver(name: string, a: Tensor, b: TensorLike): (v: Tensor) => Tensor {
  const level = asTensor(b);
  return (v) => {
    if (elements(a.shape) !== elements(v.shape)) {
      throw shapeError(name, `a normal of ${elements(v.shape)} elements`, showShape(a.shape));
    }
    return sub(inner(a, v), level);
  };
}

/** t a/‖a‖², for a number t a sample. */
export function along(a: Tensor, t: Tensor, v: Tensor): Tensor {
  return mul(perSample(div(t, inner(a, a)), v), a);
}
