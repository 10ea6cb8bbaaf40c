/** @file Well-posed by a triangular form, in some order of the states. */

import { blockTriangular } from "../components.js";
import { notComponentwise, type WellPosedCondition } from "./condition.js";

/**
 * P A Pᵀ triangular and γᵢA_ii < 1: each state is the one solution of an equation in one unknown, x − φ(A_ii x + b) being
 * increasing. For the ReLU it is an equivalence; A_ii < −1 is allowed.
 *
 * @source El Ghaoui et al., §3.1 "Conditions involving the structure of A", Theorem 1
 */
export const triangular: WellPosedCondition = {
  name: "triangular",
  text: "A triangular, A_ii < 1",
  iteration: "substitution",
  left(subject) {
    const { A, phi } = subject;
    const { components } = blockTriangular(A, phi);
    if (components.every(({ explicit }) => explicit)) return 0;
    const blocked = notComponentwise(subject);
    if (blocked) return blocked;
    const large = components.find(({ units }) => units.length > 1);
    if (large) return { inapplicable: `${large.units.length} states depend on each other` };
    return components.reduce((most, { states, units, explicit }) => {
      if (explicit) return most;
      const value = A.data[states[0]! * A.columns + states[0]!]!;
      return Math.max(most, value * units[0]!.activation.lipschitz.infinity);
    }, 0);
  },
};
