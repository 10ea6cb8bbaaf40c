/** @file Well-posed by the norms of the blocks of A that the maps of φ cut. */

import { denseOf, submatrix } from "../dense.js";
import { type Subject, type WellPosedCondition, withConstants } from "./condition.js";
import { rowNorm } from "./infinity-norm.js";
import { perron } from "./perron.js";
import { spectralNorm } from "./spectral.js";

/**
 * λ_pf(Γ N(A)) < 1 with N_ij = ‖A_ij‖ over the blocks of φ, in ‖·‖_∞ or in ‖·‖₂, whichever is less.
 *
 * @source El Ghaoui et al. 2021, Theorem 2.7
 */
export const blockNorms: WellPosedCondition = {
  name: "block-norms",
  text: "λ_pf(‖A_ij‖) < 1",
  iteration: "picard",
  left(subject) {
    if (subject.phi.length === 1) return { inapplicable: "φ has one block" };
    if (subject.phi.every(({ from, to }) => to - from === 1)) return { inapplicable: "each block is one state" };
    return Math.min(of(subject, "infinity"), of(subject, "two"));
  },
};

function of(subject: Subject, norm: "infinity" | "two"): number {
  const A = withConstants(subject, norm);
  const norms = { infinity: rowNorm, two: spectralNorm };
  const states = subject.phi.map(({ from, to }) => Int32Array.from({ length: to - from }, (_, i) => from + i));
  const k = states.length;
  return perron(denseOf(k, k, (i, j) => norms[norm](submatrix(A, states[i]!, states[j]!)))).value;
}
