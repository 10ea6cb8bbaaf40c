/** @file The larger and the smaller of two channels: an activation that keeps norms. */

import { numberBound } from "../linear/linear.js";
import { max, min } from "../tensor/primitives/elementwise.js";
import { concat, slice } from "../tensor/primitives/layout.js";
import { shapeError, showShape } from "../tensor/tensor.js";
import type { Layer } from "./layer.js";

/**
 * (a, b) ↦ (max(a, b), min(a, b)), a the first half of the channels and b the second: x [N, C, …] with C even.
 *
 * 1-Lipschitz, as it sorts; no gradient of a convex function, as its Jacobian is not monotone.
 *
 * @throws shape, when applied, unless C is even
 * @source Anil, Lucas & Grosse 2019, Sorting out Lipschitz function approximation, §4 (GroupSort of groups of two)
 */
export function maxMin(): Layer {
  return {
    name: "maxMin",
    apply: (x) => {
      const channels = x.shape[1];
      if (typeof channels !== "number" || channels % 2 !== 0) {
        throw shapeError("maxMin", "[N, C, …] with C even", showShape(x.shape));
      }
      const [a, b] = [slice(x, 1, 0, channels / 2), slice(x, 1, channels / 2, channels)];
      return concat([max(a, b), min(a, b)], 1);
    },
    lipschitz: numberBound(1, "sorting pairs"),
  };
}
