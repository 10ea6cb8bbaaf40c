/** @file The constraint that keeps a model well-posed by the rows of A. */

import { l1BallVertex, rowsOnL1Ball } from "../projections.js";
import { rowNorm } from "../well-posed/infinity-norm.js";
import { type BoundedSet, ON_EDGE, requireWeight, zero } from "./penalty.js";

/**
 * 0 where ‖A‖_∞ ≤ κ, ∞ elsewhere; its prox is `rowsOnL1Ball`, its vertices have one entry ±κ in each row.
 *
 * @param kappa  ≥ 0; below 1 for well-posedness
 * @throws parameter
 * @source El Ghaoui et al., eq. (5), its set; (13)
 */
export function stateNormBall(kappa: number): BoundedSet {
  requireWeight("stateNormBall: κ", kappa);
  return {
    name: `‖A‖_∞ ≤ ${kappa}`,
    parts: ["A"],
    value: ({ A }) => (rowNorm(A) <= kappa * (1 + ON_EDGE) ? 0 : Infinity),
    gradient: zero,
    prox: (at) => ({ ...at, A: rowsOnL1Ball(at.A, kappa) }),
    vertex: (g) => ({ ...zero(g), A: l1BallVertex(g.A, kappa) }),
  };
}
