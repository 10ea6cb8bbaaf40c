/** @file Well-posed by the largest singular value of A. */

import { type WellPosedCondition, withConstants } from "./condition.js";
import { spectralNorm } from "./spectral.js";

/** σ_max(ΓA) < 1. @source El Ghaoui et al., eq. (2) */
export const twoNorm: WellPosedCondition = {
  name: "two-norm",
  text: "‖A‖₂ < 1",
  iteration: "picard",
  left: (subject) => spectralNorm(withConstants(subject, "two")),
};
