/** @file Well-posed by the l1 norms of the rows of A. */

import type { Dense } from "../dense.js";
import { type WellPosedCondition, withConstants } from "./condition.js";

/** max_i γᵢ Σ_j |A_ij| < 1. @source El Ghaoui et al., eq. (2) */
export const infinityNorm: WellPosedCondition = {
  name: "infinity-norm",
  text: "‖A‖_∞ < 1",
  iteration: "picard",
  left: (subject) => rowNorm(withConstants(subject, "infinity")),
};

/** ‖A‖_∞ = max_i Σ_j |A_ij|. */
export function rowNorm({ rows, columns, data }: Dense): number {
  let most = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += Math.abs(data[i * columns + j]!);
    most = Math.max(most, sum);
  }
  return most;
}
