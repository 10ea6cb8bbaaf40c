/** @file Rebalancing primal and dual steps between chunks, from the KKT residuals of each sample. */

import type { Balance } from "../operator.js";
import { substitute } from "../tensor/graph.js";
import { div, exp, less, lessEqual, log, max, min, mul, select } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";

const NAME = "solver.balance";

/** The factor a splitting multiplies its step ratio with, where a solve is to choose it: pass it as `balance`. */
export function stepBalance(): Tensor {
  return input(NAME, ["N"]);
}

/** What graphs with a balanced operator are fed: the factor of each sample, 1 by default. */
export function balanceFeed(balance: Balance | undefined, factors: Float32Array) {
  return balance ? { [NAME]: { shape: [factors.length], data: factors } } : {};
}

/** Graphs with a balanced operator, its factor given as a tensor [N]. */
export function balancedBy(
  balance: Balance | undefined,
  factor: Tensor,
  outputs: readonly Tensor[],
): readonly Tensor[] {
  return balance ? substitute(outputs, new Map([[balance.factor, factor]])) : outputs;
}

/** Largest change at once, and how much smaller each further change may be: the factors settle. */
const MOST = 8;
const FADING = 0.8;
/** Residuals within this of each other are balanced. */
const BALANCED = 2;

/**
 * The next factor of a sample after k changes.
 *
 *     s⁺ = s · clip(primal/dual, 1/8, 8)^(0.8ᵏ),  s where primal and dual residual are within a factor of 2
 *
 * Σ|log s⁺ − log s| is finite, so that the iteration ends up with fixed steps and converges as it does with those.
 *
 * @source residual balancing with fading adaptivity: Goldstein, Li & Yuan 2015, Algorithm 1; deviates: relative residuals,
 * and the ratio itself because chunks are long; Applegate et al. 2021 (PDLP) balance distances moved instead
 */
export function rebalanced(factor: number, changes: number, primal: number, dual: number): number {
  const ratio = primal / dual;
  if (!(ratio > 0 && Number.isFinite(ratio)) || (ratio < BALANCED && ratio > 1 / BALANCED)) return factor;
  return factor * Math.min(MOST, Math.max(1 / MOST, ratio)) ** (FADING ** changes);
}

/**
 * `rebalanced` as a graph, sample by sample.
 *
 * @param fade  0.8ᵏ after k changes, 1 to begin with: [N]
 */
export function rebalance(factor: Tensor, fade: Tensor, primal: Tensor, dual: Tensor) {
  const ratio = div(primal, dual);
  const both = (a: Tensor, b: Tensor) => mul(select(a, 1, 0), select(b, 1, 0));
  const high = both(lessEqual(BALANCED, ratio), less(ratio, Number.POSITIVE_INFINITY));
  const low = both(lessEqual(ratio, 1 / BALANCED), less(0, ratio));
  const moves = less(0.5, max(high, low));
  const change = exp(mul(fade, log(min(MOST, max(1 / MOST, ratio)))));
  return { factor: select(moves, mul(factor, change), factor), fade: select(moves, mul(FADING, fade), fade) };
}
