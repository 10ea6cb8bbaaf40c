/** @file What a set of items may lose where values are known to intervals. */

import { VouchError } from "../../../errors.js";
import { type Knapsack, packKnapsack, type SolveMip } from "./exact.js";

/**
 * The largest regret of a set over all values within an error of the predicted ones:
 *
 *     max_{|v − v̂| ≤ ε} max_x v(x) − v(set) = max_x v'(x) − (v̂ − ε)(set),    v' = v̂ − ε on the set's items, v̂ + ε elsewhere
 *
 * 0 where the set is a best one whatever the error: the bound is attained, not merely valid.
 *
 * @param error  ε ≥ 0 of each item, units of the values
 * @throws parameter if an error is negative; as `packKnapsack`
 * @source Yaman, Karaşan & Pınar 2001, The robust spanning tree problem with interval data, Proposition 1, whose proof asks for nothing of trees
 */
export function largestKnapsackRegret(
  knapsack: Knapsack,
  items: readonly number[],
  values: ArrayLike<number>,
  error: ArrayLike<number>,
  solve: SolveMip,
): number {
  const wrong = Array.prototype.findIndex.call(error, (epsilon: number) => !(epsilon >= 0));
  if (wrong >= 0) {
    const [name, got] = ["largestKnapsackRegret", `${error[wrong]} for item ${wrong}`];
    throw new VouchError("parameter", { name, expected: "errors ≥ 0", got, remedy: "Give |v − v̂|." });
  }
  const taken = new Set(items);
  const worst = Float64Array.from(values, (value, i) => value + (taken.has(i) ? -1 : 1) * error[i]!);
  return packKnapsack(knapsack, worst, solve).value - items.reduce((sum, i) => sum + worst[i]!, 0);
}
