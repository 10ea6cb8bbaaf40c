/** @file Total variation: how rough an image is. */

import type { Property } from "../../functions/function.js";
import type { LinearOperator } from "../../linear/linear.js";
import { sampleAxes, sum } from "../../tensor/primitives/broadcast.js";
import { abs } from "../../tensor/primitives/elementwise.js";

/**
 * ‖∇v‖₁: anisotropic, the sum of |differences| along both axes. (The isotropic one is groupL21's own value.)
 *
 * @param gradient  ∇ on v; absent where the term's own operator is ∇, so that v = ∇x already
 * @source Heaton & Wu Fung 2023, Table 2, "Smooth images"
 */
export function totalVariation(gradient?: LinearOperator): Property {
  return {
    kind: "total variation",
    measure: (v) => {
      const size = abs(gradient ? gradient.apply(v) : v);
      return sum(size, sampleAxes(size));
    },
  };
}
