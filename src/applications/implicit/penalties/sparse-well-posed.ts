/** @file Penalty (5): sparse inputs and outputs of a model that stays well-posed. */

import { oneNorm } from "./one-norm.js";
import { type Penalty, sumOfPenalties } from "./penalty.js";
import { stateNormBall } from "./state-norm-ball.js";

/**
 * weight (‖B‖₁ + ‖(C, D)‖₁) where ‖A‖_∞ ≤ κ, ∞ elsewhere.
 *
 * @param kappa   ≥ 0; below 1 for well-posedness
 * @param weight  ≥ 0; 1 in the source
 * @throws parameter
 * @source El Ghaoui et al., eq. (5)
 */
export function sparseWellPosed(kappa: number, weight: number): Penalty {
  return sumOfPenalties([stateNormBall(kappa), oneNorm(["B", "C", "D"], weight)]);
}
