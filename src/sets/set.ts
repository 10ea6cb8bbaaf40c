/** @file What a closed convex set is: a projection, a distance and a support function. */

import { reshape, sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { add, div, max, min, mul, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Stated } from "../tensor/stated.js";
import { elements, type Shape, type Tensor } from "../tensor/tensor.js";

export interface ConvexSet {
  readonly name: string;
  /** Shape of v, sample axis first, where data inside say it. */
  readonly domain?: Shape;
  /** Nearest point of the set to each sample of v. */
  project(v: Tensor): Tensor;
  /** Distance of each sample of v to the set: [N], in v's units. */
  distance(v: Tensor): Tensor;
  /**
   * sup_{u in the set} ⟨u, y⟩ for each sample: [N]. Absent where it is finite on so thin a set of y that no rounded y is in
   * it: a term of x with such a set has no proof, the same set as a point, ball or box of Sx has.
   */
  readonly support?: (y: Tensor) => Tensor;
  /** A y near, where the support is finite. Absent where it is finite everywhere. */
  readonly admit?: (y: Tensor) => Tensor;
  /** ≤ 0 exactly on the set, without a square root's loss near its boundary: [N]. Default: the distance. */
  readonly excess?: (v: Tensor) => Tensor;
  /** A point well inside, to which an infeasible one can be pulled: broadcasts against v. */
  readonly centre?: Tensor;
  /** sup over the set of |v| is finite, so that its support function is. */
  readonly bounded?: boolean;
  /** The set of points no further than ε from this one. */
  readonly widen?: (epsilon: number) => ConvexSet;
  /** What a receipt says of it; absent where receipts cannot. */
  readonly stated?: Stated;
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

/** The shape of data as that of v, where they have one entry for each element of each sample. */
export function domainOfData({ shape }: Tensor): { readonly domain?: Shape } {
  return shape[0] === "N" ? { domain: shape } : {};
}

/** The elements of each sample in one row: [N, n], or [n] where there are no samples. */
export function flat(v: Tensor): Tensor {
  return reshape(v, v.shape[0] === "N" ? ["N", elements(v.shape)] : [elements(v.shape)]);
}

/** Least ‖v − P(v)‖² divided by: value and gradient stay finite in the set. */
const TINY = 1e-30;

/**
 * C + B(0, ε): the points no further than ε ≥ 0 from C.
 *
 *     P(v) = P_C(v) + min(1, ε/d_C(v)) (v − P_C(v))          support(y) = support_C(y) + ε‖y‖
 *
 * @source Rockafellar 1970, Convex Analysis, Corollary 16.4.1 (support of a sum of sets)
 */
export function enlarged(set: ConvexSet, epsilon: number): ConvexSet {
  const { name, support, bounded, centre } = set;
  const excess = (v: Tensor) => sub(set.distance(v), epsilon);
  return {
    name: `${name} widened by ${epsilon}`,
    project: (v) => {
      const p = set.project(v);
      const apart = sub(v, p);
      const share = min(1, div(epsilon, sqrt(max(inner(apart, apart), TINY))));
      return add(p, mul(perSample(share, v), apart));
    },
    distance: (v) => max(excess(v), 0),
    ...(support ? { support: (y: Tensor) => add(support(y), mul(epsilon, norm(y))) } : {}),
    excess,
    ...(bounded === undefined ? {} : { bounded }),
    ...(centre ? { centre } : {}),
    widen: (more) => enlarged(set, epsilon + more),
  };
}
