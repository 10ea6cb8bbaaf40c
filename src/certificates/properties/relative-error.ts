/** @file Relative error: how far v is from the measurements. */

import type { Property } from "../../functions/function.js";
import { type LengthOptions, requireTolerance, zeroBelow } from "../../functions/length.js";
import { distanceBetween, norm } from "../../sets/set.js";
import { div, max } from "../../tensor/primitives/elementwise.js";
import type { Tensor } from "../../tensor/tensor.js";

/** Keeps the division finite at d = 0; far below any datum. */
const TINY = 1e-30;

/**
 * ‖v − d‖ / ‖d‖ with v = Ax; 0 where ‖v − d‖ ≤ t(‖d‖ + ‖v − d‖).
 *
 * @param d  measurements, [N, m], data units
 * @throws parameter if the tolerance t is outside [0, 1)
 * @source Heaton & Wu Fung 2023, Table 2, "Measurements"
 */
export function relativeError(d: Tensor, { tolerance = 1e-4 }: LengthOptions = {}): Property {
  requireTolerance("relativeError", tolerance);
  return {
    kind: "relative error",
    measure: (v) => div(zeroBelow(distanceBetween(v, d), norm(d), tolerance), max(norm(d), TINY)),
  };
}
