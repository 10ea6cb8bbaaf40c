/** @file The nonnegative orthant. */

import { sampleAxes } from "../tensor/primitives/broadcast.js";
import { lessEqual, max, min, neg, select } from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { type ConvexSet, norm } from "./set.js";

/**
 * { v : v ≥ 0 }, elementwise.
 *
 *     P(v) = max(v, 0)
 *
 * @source Beck 2017, First-Order Methods in Optimization, Lemma 6.26
 */
export function nonNegative(): ConvexSet {
  return {
    name: "nonnegative",
    project: (v) => max(v, 0),
    distance: (v) => norm(min(v, 0)),
    support: (y) => {
      const out = select(lessEqual(y, 0), 0, Number.POSITIVE_INFINITY);
      return maximum(out, sampleAxes(out));
    },
    admit: (y) => min(y, 0),
    excess: (v) => maximum(neg(v), sampleAxes(v)),
  };
}
