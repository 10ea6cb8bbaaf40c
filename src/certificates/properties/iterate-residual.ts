/** @file Iterate residual: how far one more step would move. */

import { type LengthOptions, type LengthProperty, lengthProperty } from "../../functions/length.js";
import { distanceBetween } from "../../sets/set.js";
import type { Tensor } from "../../tensor/tensor.js";

/**
 * ‖xᵏ − xᵏ⁻¹‖ with xᵏ⁻¹ = v and xᵏ = step(v): 0 exactly at fixed points of the step.
 *
 * For iterations on x itself. Small steps make it small anywhere, so the `convergence` certificate uses KKT residuals
 * divided by the step instead.
 *
 * @throws parameter if the tolerance is outside [0, 1)
 * @source Heaton & Wu Fung 2023, Table 2, "Convergence"
 */
export function iterateResidual(step: (v: Tensor) => Tensor, options: LengthOptions = {}): LengthProperty {
  return lengthProperty("iterateResidual", "iterate residual", (v) => distanceBetween(step(v), v), options);
}
