/** @file Well-posed by monotonicity: I − A strongly monotone. */

import { addScaled, type Dense, identityDense, times, transposed } from "../dense.js";
import type { WellPosedCondition } from "./condition.js";
import { largestEigenvalue, symmetricPart } from "./spectral.js";

/**
 * λ_max((A + Aᵀ)/2) < 1 where each map is a prox φ = prox_f: then 0 ∈ (I − A)x − b + ∂f(x) has one solution, which
 * forward–backward splitting finds. A may have a norm above one.
 *
 * @source Winston & Kolter 2020, Monotone operator equilibrium networks, Theorem 1
 */
export const monotone: WellPosedCondition = {
  name: "monotone",
  text: "(A + Aᵀ)/2 ≺ I",
  iteration: "forward-backward",
  left({ A, phi }) {
    const other = phi.find(({ activation }) => activation.resolvent === undefined);
    if (other) return { inapplicable: `${other.block.map} has no resolvent in closed form` };
    return largestEigenvalue(symmetricPart(A));
  },
};

/**
 * A = (1 − m)I − PᵀP + Q − Qᵀ: monotone with margin m for every P and Q.
 *
 * @param P  [k, n]
 * @param Q  [n, n]
 * @param m  > 0
 * @source Winston & Kolter 2020, eq. (6)
 */
export function monotoneMatrix(P: Dense, Q: Dense, m: number): Dense {
  const skew = addScaled(-1, transposed(Q), Q);
  return addScaled(1 - m, identityDense(Q.rows), addScaled(-1, times(transposed(P), P), skew));
}
