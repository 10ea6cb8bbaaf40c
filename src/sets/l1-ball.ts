/** @file The ℓ1 ball. */

import { reshape, sum } from "../tensor/primitives/broadcast.js";
import { abs, add, asTensor, max, min, mul, neg, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { constant } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvexSet, distanceBetween, enlarged, flat } from "./set.js";
import { largestOf, requireTotal, waterLevel } from "./simplex.js";

/**
 * { v : Σ|vᵢ| ≤ r }, over all elements of a sample.
 *
 *     P(v) = v − clip(v, ±θ),  θ = max(0, max_k (Σ_{i ≤ k} uᵢ − r)/k),  u = |v| sorted downward          support(y) = r max|yᵢ|
 *
 * @param radius  r ≥ 0, v's units: a number or [N]
 * @throws parameter if a numeric radius is negative or NaN
 * @source Beck 2017, First-Order Methods in Optimization, Example 6.33; by the simplex as in Duchi et al. 2008, §4
 */
export function l1Ball(radius: TensorLike): ConvexSet {
  requireTotal("l1Ball", "a radius", radius);
  const r = asTensor(radius);
  const project = (v: Tensor) => {
    const row = flat(v);
    const { top, level } = waterLevel(abs(row), r);
    const theta = max(0, add(top, level));
    return reshape(sub(row, max(min(row, theta), neg(theta))), v.shape);
  };
  const excess = (v: Tensor) => {
    const row = abs(flat(v));
    return sub(sum(row, [row.shape.length - 1]), r);
  };
  const set: ConvexSet = {
    name: "ℓ1 ball",
    project,
    distance: (v) => distanceBetween(v, project(v)),
    support: (y) => mul(r, largestOf(abs(flat(y)))),
    excess,
    centre: constant(0),
    bounded: true,
    widen: (epsilon) => enlarged(set, epsilon),
  };
  return set;
}
