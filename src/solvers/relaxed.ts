/** @file Krasnoselskii–Mann iteration with over-relaxation. */

import { VouchError } from "../errors.js";
import { add, mul, sub } from "../tensor/primitives/elementwise.js";
import { tensorLeaves, unflatten } from "../tensor/tree.js";
import { picard } from "./picard.js";
import type { Solver } from "./solver.js";

/**
 * z⁺ = z + ω(T(z) − z), and z⁺ = T(z) in the step before a look.
 *
 * Converges to a fixed point for 0 < ω < 1/θ, T θ-averaged: ω < 2 for firmly nonexpansive T such as linearized
 * ADMM. The plain last step leaves the state where T maps to: in the box, for one.
 *
 * @param omega  ω > 0; 1 is Picard iteration, 1.9 about halves the steps of linearized ADMM
 * @throws parameter if ω is not below 1/θ
 * @source Bauschke & Combettes 2017, 2nd ed., Corollary 5.17 (Proposition 5.16 allows ω to vary)
 */
export function relaxed(omega: number): Solver {
  const plain = picard();
  return {
    name: `relaxed ${omega}`,
    init: plain.init,
    step: (T, z) => {
      if (!(omega > 0 && omega < 1 / T.averagedness)) {
        throw new VouchError("parameter", {
          name: "relaxed",
          expected: `0 < ω < ${1 / T.averagedness}, for ${T.name} is ${T.averagedness}-averaged`,
          got: `${omega}`,
          remedy: "Take 1.9 for firmly nonexpansive operators, 1 for Picard iteration.",
        });
      }
      const Tz = T.apply(z);
      const ends = tensorLeaves(Tz).map(([, leaf]) => leaf);
      const next = tensorLeaves(z).map(([, leaf], i) => add(leaf, mul(omega, sub(ends[i]!, leaf))));
      return { next: unflatten(z, next), z, Tz };
    },
    last: plain.step,
    point: plain.point,
  };
}
