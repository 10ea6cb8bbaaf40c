/** @file Well-posed by the Perron–Frobenius eigenvalue of |A|. */

import { absolute } from "../dense.js";
import { notComponentwise, type WellPosedCondition, withConstants } from "./condition.js";
import { perron } from "./perron.js";

/** λ_pf(Γ|A|) < 1. @source El Ghaoui et al. 2021 (SIAM J. Math. Data Sci.), Theorem 2.2 */
export const perronFrobenius: WellPosedCondition = {
  name: "perron-frobenius",
  text: "λ_pf(|A|) < 1",
  iteration: "picard",
  left: (subject) => notComponentwise(subject) ?? perron(absolute(withConstants(subject, "infinity"))).value,
};
