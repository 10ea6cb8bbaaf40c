/** @file Well-posed by the factors of A = L Rᵀ. */

import { absolute, times, transposed } from "../dense.js";
import { notComponentwise, type WellPosedCondition, withConstants } from "./condition.js";
import { perron } from "./perron.js";

/** λ_pf(|R|ᵀΓ|L|) < 1, of order k: never less than λ_pf(|A|), and cheaper. @source El Ghaoui et al. 2021, §2 (factor form z = Rᵀφ(Lz + Bu)) */
export const lowRank: WellPosedCondition = {
  name: "low-rank",
  text: "λ_pf(|R|ᵀ|L|) < 1, A = L Rᵀ",
  iteration: "picard",
  left(subject) {
    const { factors, phi } = subject;
    if (factors === undefined) return { inapplicable: "A is not given as L Rᵀ" };
    const L = withConstants({ A: factors.L, phi }, "infinity");
    return notComponentwise(subject) ?? perron(times(transposed(absolute(factors.R)), absolute(L))).value;
  },
};
