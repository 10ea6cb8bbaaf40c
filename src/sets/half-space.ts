/** @file The half-space: one linear inequality. */

import { div, max, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { along, heightOver } from "./hyperplane.js";
import { type ConvexSet, norm } from "./set.js";

/**
 * { v : ⟨a, v⟩ ≤ b }.
 *
 *     P(v) = v − max(⟨a, v⟩ − b, 0)/‖a‖² a
 *
 * No support function; what is to be proven states { prox: indicator(box(-Infinity, b)), of: matrix(A) } instead.
 *
 * @param a  outward normal ≠ 0, of the shape of v, with or without its sample axis
 * @param b  a number or [N], units of ⟨a, v⟩
 * @source Beck 2017, First-Order Methods in Optimization, Lemma 6.26
 */
export function halfSpace(a: Tensor, b: TensorLike): ConvexSet {
  const above = heightOver("halfSpace", a, b);
  return {
    name: "half-space",
    project: (v) => sub(v, along(a, max(above(v), 0), v)),
    distance: (v) => div(max(above(v), 0), norm(a)),
    excess: above,
  };
}
