/** @file Updates of A, B, C, D and the constants in relaxed training, where states are held. */

import { type BoundedSet, type Penalty, sumOfPenalties } from "../penalties/penalty.js";
import { type ConditionalGradientLimits, conditionalGradient } from "../train/conditional-gradient.js";
import type { Parameters } from "../train/parameters.js";
import { proximalDescent, type SmoothLoss } from "../train/proximal-descent.js";

/** Lowers f + 𝒫 from a point of 𝒫's set, to one. */
export interface ModelUpdate {
  readonly penalty: Penalty;
  lower(f: SmoothLoss, at: Parameters): Parameters;
}

/** By `proximalDescent`: any penalty, all parts. */
export function proximalUpdate(penalty: Penalty, { steps = 50 }: { readonly steps?: number } = {}): ModelUpdate {
  return { penalty, lower: (f, at) => proximalDescent(f, penalty, at, { steps, tolerance: 1e-8 }).at };
}

/** Relative gap at which an update by conditional gradients ends. */
const GAP = 1e-6;

/**
 * By `conditionalGradient`, the sets one after the other: (C, D) in `oneBall(["C", "D"], κ_C)` and then A, B in `stateNormBall(κ_A)` and
 * `oneBall(["B"], κ_B)`. Parts that no set speaks of stay.
 *
 * @param groups  sets that are minimised over together: f is a sum of functions of the groups
 * @source El Ghaoui et al., eq. (12), (13)
 */
export function conditionalUpdate(
  groups: readonly (readonly BoundedSet[])[],
  { steps = 50 }: Partial<Pick<ConditionalGradientLimits, "steps">> = {},
): ModelUpdate {
  return {
    penalty: sumOfPenalties(groups.flat()),
    lower: (f, at) =>
      groups.reduce(
        (from, sets) => conditionalGradient(f, sets, from, { steps, gap: GAP * Math.abs(f.value(from)) }).at,
        at,
      ),
  };
}
