/** @file The proof that a set of items is the best: a dual bound, and a search below it, in whole numbers. */

import { type Dyadic, dyadics, relativeGap } from "../dyadic.js";
import { allowed, type Knapsack, requireKnapsack } from "./exact.js";

/** What is to be proven: a set of items, and dual vectors from anywhere. */
export interface KnapsackWitness {
  readonly items: readonly number[];
  /** λ ≥ 0, one a constraint; any give a bound, those near the dual optimum a short search. */
  readonly multipliers: ArrayLike<number>;
}

export type KnapsackVerdict =
  | {
      readonly verdict: "VERIFIED";
      /** No set that fits is worth more than this above the given one; 0 where the search went through. */
      readonly gap: Dyadic;
      /** gap/|value of the set|; 0 exactly where the set is proven to be a best one. */
      readonly relativeGap: number;
      /** Sets that were looked at. */
      readonly searched: number;
    }
  | { readonly verdict: "REFUTED" | "UNVERIFIABLE"; readonly detail: string };

/** Sets looked at before the dual bound has to do. */
const LIMIT = 200_000;

/**
 * Check that the set fits, and bound how much more any other can be worth. For every λ ≥ 0 and every set S of the first items,
 *
 *     v(x) ≤ v(S) + λᵀ(c − w(S)) + Σ_{i later} max(0, vᵢ − λᵀwᵢ)    for all x that extend S
 *
 * S = ∅ is the dual bound; sets whose bound is not above the value of the given one are not extended. Numbers are floats, so multiples of
 * a power of two: sums, products and comparisons are of whole numbers. Capacities are those of `packKnapsack`, 1e-9 wider than given.
 *
 * @throws data naming the item or constraint that makes no sense
 * @source Martello & Toth 1990, Knapsack Problems, §2.5 and §9.2 (surrogate and Lagrangian bounds, depth-first search)
 */
export function proveKnapsack(
  knapsack: Knapsack,
  values: ArrayLike<number>,
  { items, multipliers }: KnapsackWitness,
  limit = LIMIT,
): KnapsackVerdict {
  requireKnapsack("proveKnapsack", knapsack, values);
  const [count, rows] = [values.length, knapsack.weights.length];
  const wrong = items.find((i, at) => !(Number.isInteger(i) && i >= 0 && i < count) || items.indexOf(i) !== at);
  if (wrong !== undefined) return { verdict: "REFUTED", detail: `item ${wrong} is no item, or comes twice` };
  const bad = Array.from(multipliers).findIndex((value) => !(value >= 0 && Number.isFinite(value)));
  if (multipliers.length !== rows || bad >= 0) {
    const detail =
      bad >= 0 ? `multiplier ${multipliers[bad]} of constraint ${bad}` : `${multipliers.length} multipliers`;
    return { verdict: "UNVERIFIABLE", detail: `${detail} for ${rows} constraints` };
  }
  const exact = wholeNumbers(knapsack, values, multipliers);
  const { worth, weights, room, profit, price, shift } = exact;
  const sum = (of: readonly bigint[]) => items.reduce((total, i) => total + of[i]!, 0n);
  const over = weights.findIndex((row, r) => sum(row) > room[r]!);
  if (over >= 0) return { verdict: "REFUTED", detail: `the set is too heavy for constraint ${over}` };
  const value = sum(worth);

  const order = Array.from(values, (_, i) => i).sort((a, b) => (profit[a]! < profit[b]! ? 1 : -1));
  const later = new Array<bigint>(count + 1).fill(0n);
  for (let at = count - 1; at >= 0; at--) later[at] = later[at + 1]! + positive(profit[order[at]!]!);
  const root = price.reduce((total, p, r) => total + p * room[r]!, later[0]!);
  let [searched, better] = [0, false];
  /** Whether no set that extends what is taken is worth more; `bound` = v(S) + λᵀ(c − w(S)). */
  const search = (from: number, taken: bigint, bound: bigint, left: readonly bigint[]): void => {
    if (++searched > limit || better) return;
    if (taken > value) better = true;
    for (let at = from; at < count && bound + later[at]! > value; at++) {
      const i = order[at]!;
      const rest = left.map((space, r) => space - weights[r]![i]!);
      if (rest.every((space) => space >= 0n)) search(at + 1, taken + worth[i]!, bound + profit[i]!, rest);
    }
  };
  search(0, 0n, root - later[0]!, room);
  const gap = { units: !better && searched <= limit ? 0n : positive(root - value), shift };
  return { verdict: "VERIFIED", gap, relativeGap: relativeGap(gap, { units: value, shift }), searched };
}

/** Values, v − λᵀw and prices λ in such units that λᵀ(capacity) is one of values. */
function wholeNumbers({ weights, capacities }: Knapsack, values: ArrayLike<number>, multipliers: ArrayLike<number>) {
  const name = "proveKnapsack";
  const [v, w, lambda] = [
    dyadics(name, values),
    dyadics(name, [...weights.flat(), ...capacities.map(allowed)]),
    dyadics(name, multipliers),
  ];
  const shift = Math.max(v.shift, w.shift + lambda.shift);
  const worth = v.units.map((units) => units << BigInt(shift - v.shift));
  const price = lambda.units.map((units) => units << BigInt(shift - w.shift - lambda.shift));
  const count = values.length;
  const rows = weights.map((_, r) => w.units.slice(r * count, (r + 1) * count));
  const profit = worth.map((units, i) => rows.reduce((left, row, r) => left - price[r]! * row[i]!, units));
  return { worth, weights: rows, room: w.units.slice(weights.length * count), profit, price, shift };
}

const positive = (units: bigint) => (units > 0n ? units : 0n);

/** Steps of the multipliers' descent. */
const STEPS = 300;

/**
 * Multipliers λ ≥ 0 near the least dual bound D(λ) = λᵀc + Σ max(0, vᵢ − λᵀwᵢ), by subgradients with Polyak's step towards the value
 * of a set.
 *
 * @source Held, Wolfe & Crowder 1974, Validation of subgradient optimization
 */
export function knapsackMultipliers(
  { weights, capacities }: Knapsack,
  values: ArrayLike<number>,
  value: number,
): Float64Array {
  let lambda = new Float64Array(capacities.length);
  let best = { bound: Number.POSITIVE_INFINITY, lambda };
  let [relaxation, since] = [1, 0];
  for (let step = 0; step < STEPS; step++) {
    const slope = Float64Array.from(capacities);
    let bound = lambda.reduce((sum, price, r) => sum + price * capacities[r]!, 0);
    for (let i = 0; i < values.length; i++) {
      const profit = weights.reduce((left, row, r) => left - lambda[r]! * row[i]!, values[i]!);
      if (profit <= 0) continue;
      bound += profit;
      for (const [r, row] of weights.entries()) slope[r]! -= row[i]!;
    }
    since = bound < best.bound ? 0 : since + 1;
    if (bound < best.bound) best = { bound, lambda };
    if (since > 10) [relaxation, since, lambda] = [relaxation / 2, 0, best.lambda];
    const square = slope.reduce((sum, g) => sum + g * g, 0);
    if (square === 0) break;
    const length = (relaxation * (bound - value)) / square;
    lambda = lambda.map((price, r) => Math.max(0, price - length * slope[r]!));
  }
  return best.lambda;
}
