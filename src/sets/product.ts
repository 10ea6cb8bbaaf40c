/** @file The product of sets: each constrains a block of v. */

import { add, max, mul, sqrt } from "../tensor/primitives/elementwise.js";
import { concat, slice } from "../tensor/primitives/layout.js";
import { shapeError, type Tensor } from "../tensor/tensor.js";
import { type ConvexSet, enlarged } from "./set.js";

export interface Block {
  /** Elements of the block along the axis. */
  readonly length: number;
  readonly set: ConvexSet;
}

/**
 * C₁ × C₂ × …: consecutive blocks of v along one axis, each in its set.
 *
 *     P(v) = (P₁(v₁), P₂(v₂), …)          support(y) = Σ supportᵢ(yᵢ), where all have one
 *
 * @param axis  axis of v that the blocks share, not that of samples; default 1
 * @throws shape if the lengths are not whole numbers > 0, or do not add up to that of v
 * @source Beck 2017, First-Order Methods in Optimization, Theorem 6.6
 */
export function product(blocks: readonly Block[], axis = 1): ConvexSet {
  if (blocks.length === 0 || blocks.some(({ length }) => !(Number.isInteger(length) && length > 0))) {
    throw shapeError("product", "blocks of whole lengths > 0", `[${blocks.map(({ length }) => length).join(", ")}]`);
  }
  const total = blocks.reduce((sum, { length }) => sum + length, 0);
  const each = (v: Tensor, f: (set: ConvexSet, part: Tensor) => Tensor): Tensor[] => {
    if (v.shape[axis] !== total) throw shapeError("product", `${total} along axis ${axis}`, `${v.shape[axis]}`);
    let start = 0;
    return blocks.map(({ length, set }) => {
      start += length;
      return f(set, slice(v, axis, start - length, start));
    });
  };
  const together = (v: Tensor, f: (set: ConvexSet, part: Tensor) => Tensor) => concat(each(v, f), axis);
  const sets = blocks.map(({ set }) => set);
  const square = (d: Tensor) => mul(d, d);
  const set: ConvexSet = {
    name: `product of ${sets.map(({ name }) => name).join(", ")}`,
    project: (v) => together(v, (set, part) => set.project(part)),
    distance: (v) => sqrt(each(v, (set, part) => square(set.distance(part))).reduce((a, b) => add(a, b))),
    ...(sets.every(({ support }) => support)
      ? {
          support: (y: Tensor) => each(y, (set, part) => set.support!(part)).reduce((a, b) => add(a, b)),
          admit: (y: Tensor) => together(y, (set, part) => set.admit?.(part) ?? part),
        }
      : {}),
    excess: (v) => each(v, (set, part) => set.excess?.(part) ?? set.distance(part)).reduce((a, b) => max(a, b)),
    bounded: sets.every(({ bounded }) => bounded),
    widen: (epsilon) => enlarged(set, epsilon),
  };
  return set;
}
