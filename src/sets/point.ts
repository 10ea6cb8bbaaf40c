/** @file A single point: equality constraints Sx = c. */

import { broadcastTo } from "../tensor/primitives/broadcast.js";
import type { Tensor } from "../tensor/tensor.js";
import { ball } from "./ball.js";
import { type ConvexSet, distanceBetween, domainOfData, inner } from "./set.js";

/**
 * { c }, one point per sample.
 *
 *     P(v) = c
 *
 * @param c  [N, m], data units
 * @source Heaton & Wu Fung 2023, eq. (16): Ax = d
 */
export function point(c: Tensor): ConvexSet {
  return {
    name: "point",
    ...domainOfData(c),
    project: (v) => broadcastTo(c, v.shape),
    distance: (v) => distanceBetween(v, c),
    support: (y) => inner(c, y),
    centre: c,
    stated: { kind: "point", tensors: { centre: c } },
    widen: (epsilon) => ball(c, epsilon),
  };
}
