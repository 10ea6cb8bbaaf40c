/** @file The box. */

import { VouchError } from "../errors.js";
import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { less, max, min, mul, select } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { type ConvexSet, distanceBetween } from "./set.js";

/**
 * { v : low ≤ v ≤ high }, elementwise.
 *
 *     P(v) = min(max(v, low), high)
 *
 * @param low   lower bound, v's units; not above `high`
 * @throws parameter if low > high or either is NaN
 * @source Heaton & Wu Fung 2023, eq. (17): x in [0, 1]ⁿ
 */
export function box(low: number, high: number): ConvexSet {
  if (!(low <= high)) {
    throw new VouchError("parameter", {
      name: "box",
      expected: "low ≤ high",
      got: `${low}, ${high}`,
      remedy: "Swap the bounds.",
    });
  }
  const finite = Number.isFinite(low) && Number.isFinite(high);
  // Zeros of y add 0 where a bound is infinite.
  const bySign = (y: Tensor) => select(less(0, y), mul(y, high), select(less(y, 0), mul(y, low), 0));
  const admit = (y: Tensor) => {
    const below = high === Number.POSITIVE_INFINITY ? min(y, 0) : y;
    return low === Number.NEGATIVE_INFINITY ? max(below, 0) : below;
  };
  const project: ConvexSet["project"] = (v) => min(max(v, low), high);
  return {
    name: `box [${low}, ${high}]`,
    project,
    ...(finite ? { stated: { kind: "box", numbers: { low, high } } } : {}),
    bounded: finite,
    distance: (v) => distanceBetween(v, project(v)),
    ...(finite ? {} : { admit }),
    support: (y) => sum(finite ? max(mul(y, low), mul(y, high)) : bySign(y), sampleAxes(y)),
  };
}
