/** @file The simplex: nonnegative numbers of a given sum. */

import { VouchError } from "../errors.js";
import { reshape } from "../tensor/primitives/broadcast.js";
import { cumsum } from "../tensor/primitives/cumsum.js";
import { asTensor, div, max, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { slice } from "../tensor/primitives/layout.js";
import { constant, stopGradient } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { sortDescending } from "../tensor/primitives/sort.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvexSet, distanceBetween, enlarged, flat, perSample } from "./set.js";

/**
 * { v : v ≥ 0, Σ vᵢ = s }, over all elements of a sample.
 *
 *     P(v) = max(v − θ, 0),  θ = max_k (Σ_{i ≤ k} uᵢ − s)/k,  u = v sorted downward          support(y) = s max yᵢ
 *
 * It has no interior: a proof needs a slack.
 *
 * @param total  s ≥ 0, v's units: a number or [N]
 * @throws parameter if a numeric total is negative or NaN
 * @source Beck 2017, First-Order Methods in Optimization, Corollary 6.29; Duchi, Shalev-Shwartz, Singer & Chandra 2008, Figure 1;
 * deviates: θ as a maximum over k, which is attained where theirs stops, because a graph has no search
 */
export function simplex(total: TensorLike = 1): ConvexSet {
  requireTotal("simplex", "a sum", total);
  const s = asTensor(total);
  const project = (v: Tensor) => {
    const row = flat(v);
    const { top, level } = waterLevel(row, s);
    return reshape(max(sub(sub(row, top), level), 0), v.shape);
  };
  const set: ConvexSet = {
    name: "simplex",
    project,
    distance: (v) => distanceBetween(v, project(v)),
    support: (y) => mul(s, largestOf(flat(y))),
    bounded: true,
    widen: (epsilon) => enlarged(set, epsilon),
  };
  return set;
}

/**
 * θ = top + level with Σ max(vᵢ − θ, 0) = s in each row v; the level is measured from the row's largest element, near which
 * float32 is finest, and the gradient is the level's: that of θ, which moves with v.
 */
export function waterLevel(v: Tensor, s: Tensor): { readonly top: Tensor; readonly level: Tensor } {
  const axis = v.shape.length - 1;
  const { values } = sortDescending(v);
  const top = stopGradient(slice(values, axis, 0, 1));
  const counts = constant(Float32Array.from({ length: v.shape[axis] as number }, (_, i) => i + 1));
  const level = largestOf(div(sub(cumsum(sub(values, top)), perSample(s, v)), counts));
  return { top, level: v.shape[0] === "N" ? perSample(level, v) : level };
}

/** Largest element of each row: [N]. */
export function largestOf(v: Tensor): Tensor {
  return maximum(v, [v.shape.length - 1]);
}

/** @throws parameter unless a numeric total is ≥ 0 */
export function requireTotal(name: string, what: string, total: TensorLike): void {
  if (typeof total === "number" && !(total >= 0)) {
    throw new VouchError("parameter", {
      name,
      expected: `${what} ≥ 0`,
      got: `${total}`,
      remedy: "Give it in the units of v.",
    });
  }
}
