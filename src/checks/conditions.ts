/** @file The conditions that the convergence of an operator rests on, at its weights. */

import type { Operator } from "../operator.js";
import { type Feeds, interpret } from "../tensor/interpret.js";
import { type Check, compared } from "./check.js";

/** Each condition of T with its two sides. */
export function conditionChecks(T: Operator, feeds: Feeds): Check[] {
  const conditions = T.conditions();
  const sides = interpret(
    conditions.flatMap(({ left, right }) => [left, right]),
    feeds,
  ).map(({ data }) => data[0]!);
  return conditions.map(({ text }, i) => compared("condition", `${i + 1}`, text, sides[2 * i]!, sides[2 * i + 1]!));
}
