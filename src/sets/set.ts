/** @file What a closed convex set is: a projection, a distance and a support function. */

import { reshape, sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { mul, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";

export interface ConvexSet {
  readonly name: string;
  /** Nearest point of the set to each sample of v. */
  project(v: Tensor): Tensor;
  /** Distance of each sample of v to the set: [N], in v's units. */
  distance(v: Tensor): Tensor;
  /** sup_{u in the set} ⟨u, y⟩ for each sample: [N]. */
  support(y: Tensor): Tensor;
  /** ≤ 0 exactly on the set, without a square root's loss near its boundary: [N]. Default: the distance. */
  readonly excess?: (v: Tensor) => Tensor;
  /** A point well inside, to which an infeasible one can be pulled: broadcasts against v. */
  readonly centre?: Tensor;
  /** sup over the set of |v| is finite, so that its support function is. */
  readonly bounded?: boolean;
  /** The set of points no further than ε from this one. */
  readonly widen?: (epsilon: number) => ConvexSet;
}

/** ⟨a, b⟩ within each sample: [N]. */
export function inner(a: Tensor, b: Tensor): Tensor {
  const product = mul(a, b);
  return sum(product, sampleAxes(product));
}

/** ‖v‖₂ of each sample: [N]. */
export function norm(v: Tensor): Tensor {
  return sqrt(inner(v, v));
}

/** ‖a − b‖₂ of each sample: [N]. */
export function distanceBetween(a: Tensor, b: Tensor): Tensor {
  return norm(sub(a, b));
}

/** A value per sample [N] (or a scalar) shaped to multiply v [N, …]. */
export function perSample(value: Tensor, v: Tensor): Tensor {
  return value.shape.length === 0 ? value : reshape(value, ["N", ...v.shape.slice(1).map(() => 1)]);
}
