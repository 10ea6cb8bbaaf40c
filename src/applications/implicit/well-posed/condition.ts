/** @file What a condition for well-posedness is: a number of A below a limit, from which x = φ(Ax + b) has one solution for every b. */

import type { Placed } from "../activations/phi.js";
import type { Dense } from "../dense.js";

/** A with the maps of its states. */
export interface Subject {
  readonly A: Dense;
  readonly phi: readonly Placed[];
  /** A = L Rᵀ where it is so given. */
  readonly factors?: { readonly L: Dense; readonly R: Dense };
}

/** How the equation is solved where a condition holds. */
export type Iteration = "picard" | "substitution" | "forward-backward";

export interface WellPosedCondition {
  readonly name: string;
  /** The inequality in symbols. */
  readonly text: string;
  /** Its iteration converges linearly at worst, or ends. */
  readonly iteration: Iteration;
  /** The left side, with the constants of φ inside, an upper bound where it is computed by iteration; or why it does not apply. */
  left(subject: Subject): number | { readonly inapplicable: string };
}

/** All conditions have the limit 1 on the right, and hold by more than what rounding may take from the left. */
export const LIMIT = 1;
export const ROUNDING = 1e-12;

/** Γ A: rows times the constants of their maps, in the norm given. */
export function withConstants({ A, phi }: Subject, norm: "infinity" | "two"): Dense {
  const data = A.data.slice();
  for (const { activation, from, to } of phi) {
    const gamma = activation.lipschitz[norm];
    if (gamma === 1) continue;
    for (let e = from * A.columns; e < to * A.columns; e++) data[e] = gamma * data[e]!;
  }
  return { ...A, data };
}

/** Whether every map acts on each state alone; if not, the first that does not. */
export function notComponentwise({ phi }: Subject): { readonly inapplicable: string } | undefined {
  const found = phi.find(({ activation }) => !activation.componentwise);
  return found && { inapplicable: `${found.block.map} takes several states at once` };
}
