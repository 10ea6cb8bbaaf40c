/** @file The constraint that keeps a model well-posed by the rows of A. */

import { rowsOnL1Ball } from "../projections.js";
import { rowNorm } from "../well-posed/infinity-norm.js";
import { ON_EDGE, type Penalty, requireWeight, zero } from "./penalty.js";

/**
 * 0 where ‖A‖_∞ ≤ κ, ∞ elsewhere; its prox is `rowsOnL1Ball`.
 *
 * @param kappa  ≥ 0; below 1 for well-posedness
 * @throws parameter
 * @source El Ghaoui et al., eq. (5), its set
 */
export function stateNormBall(kappa: number): Penalty {
  requireWeight("stateNormBall: κ", kappa);
  return {
    name: `‖A‖_∞ ≤ ${kappa}`,
    parts: ["A"],
    value: ({ A }) => (rowNorm(A) <= kappa * (1 + ON_EDGE) ? 0 : Infinity),
    gradient: zero,
    prox: (at) => ({ ...at, A: rowsOnL1Ball(at.A, kappa) }),
  };
}
