/** @file Penalty (6): a sparse feed-forward network. */

import { type Dense, dense } from "../dense.js";
import { onStrictlyUpper, rowsOnL1Ball } from "../projections.js";
import { ON_EDGE, type Penalty, requireWeight, zero } from "./penalty.js";

/**
 * 0 where ‖B‖₁ ≤ κ_B, ‖C‖₁ ≤ κ_C (sums over all entries), D = 0 and A is strictly upper triangular, ∞ elsewhere; its prox projects
 * each part on its set. Well-posed by the form of A, whatever its size.
 *
 * @throws parameter unless κ_B, κ_C ≥ 0
 * @source El Ghaoui et al., eq. (6)
 */
export function sparseFeedForward(kappaB: number, kappaC: number): Penalty {
  requireWeight("sparseFeedForward: κ_B", kappaB);
  requireWeight("sparseFeedForward: κ_C", kappaC);
  const inside = (M: Dense, kappa: number) =>
    M.data.reduce((sum, value) => sum + Math.abs(value), 0) <= kappa * (1 + ON_EDGE);
  return {
    name: "sparse feed-forward",
    parts: ["A", "B", "C", "D"],
    value: ({ A, B, C, D }) =>
      inside(B, kappaB) &&
      inside(C, kappaC) &&
      D.data.every((value) => value === 0) &&
      onStrictlyUpper(A).data.every((value, e) => value === A.data[e])
        ? 0
        : Infinity,
    gradient: zero,
    prox: (at) => ({
      ...at,
      A: onStrictlyUpper(at.A),
      B: onOneBall(at.B, kappaB),
      C: onOneBall(at.C, kappaC),
      D: dense(at.D.rows, at.D.columns),
    }),
  };
}

/** The nearest matrix whose entries have absolute values of sum at most κ. */
function onOneBall(M: Dense, kappa: number): Dense {
  return { ...M, data: rowsOnL1Ball(dense(1, M.data.length, M.data), kappa).data };
}
