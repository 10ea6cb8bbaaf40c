/** @file Knapsacks of several constraints: exact by a MIP solver that the caller brings, bad instances refused by name. */

import { VouchError } from "../../../errors.js";

/** max ⟨values, x⟩ s.t. weights x ≤ capacities, x ∈ {0, 1}. */
export interface Knapsack {
  /** One row a constraint, one number an item, ≥ 0. */
  readonly weights: readonly (readonly number[])[];
  /** One a constraint. */
  readonly capacities: readonly number[];
}

/** Text of a problem in CPLEX LP format → values of its columns by name: `highs`, for one. */
export type SolveMip = (lp: string) => { readonly status: string; readonly columns: Readonly<Record<string, number>> };

export interface Packed {
  /** Items taken, in order. */
  readonly items: readonly number[];
  readonly value: number;
}

/**
 * The best set of items; feasibility is checked here, in float64, whatever the solver says.
 *
 * @throws data naming the constraint or item that makes no sense; convergence if the solver finds no optimum, or its answer is too heavy
 */
export function packKnapsack({ weights, capacities }: Knapsack, values: ArrayLike<number>, solve: SolveMip): Packed {
  requireKnapsack("packKnapsack", { weights, capacities }, values);
  const row = (numbers: ArrayLike<number>) =>
    Array.from(numbers, (value, i) => `${value < 0 ? "-" : "+"} ${Math.abs(value)} x${i}`).join(" ");
  const names = Array.from(values, (_, i) => `x${i}`).join(" ");
  const constraints = weights.map((line, r) => ` c${r}: ${row(line)} <= ${capacities[r]}`).join("\n");
  const { status, columns } = solve(
    `Maximize\n obj: ${row(values)}\nSubject To\n${constraints}\nBinary\n ${names}\nEnd\n`,
  );
  if (status !== "Optimal") throw unsolved("an optimum", status);
  const items = Array.from(values, (_, i) => i).filter((i) => columns[`x${i}`]! > 0.5);
  weights.forEach((line, r) => {
    const load = items.reduce((sum, i) => sum + line[i]!, 0);
    if (load > allowed(capacities[r]!)) throw unsolved(`at most ${capacities[r]} in constraint ${r}`, `${load}`);
  });
  return { items, value: items.reduce((sum, i) => sum + values[i]!, 0) };
}

/** Capacity with room for rounding: what sums of decimals may exceed it by. */
export function allowed(capacity: number): number {
  return capacity * (1 + 1e-9);
}

function unsolved(expected: string, got: string): VouchError {
  const remedy = "Look at the instance, or use another solver.";
  return new VouchError("convergence", { name: "packKnapsack", expected, got, remedy });
}

/**
 * Fails unless weights, capacities and values make sense together.
 *
 * @param open  whether capacities must be > 0
 * @throws data naming the constraint or item
 */
export function requireKnapsack(
  name: string,
  { weights, capacities }: Knapsack,
  values: ArrayLike<number>,
  { open = false } = {},
): void {
  const refuse = (expected: string, got: string, remedy: string) =>
    new VouchError("data", { name, expected, got, remedy });
  if (weights.length !== capacities.length) {
    throw refuse(`${weights.length} capacities, one a constraint`, `${capacities.length}`, "Give each row its own.");
  }
  const item = Array.prototype.findIndex.call(values, (value: number) => !Number.isFinite(value));
  if (item >= 0) throw refuse("finite values", `${values[item]} for item ${item}`, "Leave the item out.");
  weights.forEach((line, r) => {
    if (line.length !== values.length) {
      throw refuse(`${values.length} weights in constraint ${r}`, `${line.length}`, "Give every item a weight.");
    }
    const heavy = line.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
    if (heavy >= 0) throw refuse("weights ≥ 0", `${line[heavy]} for item ${heavy} in constraint ${r}`, "Repair it.");
    if (!(capacities[r]! >= 0)) {
      const remedy = "Not even the empty knapsack fits: no set of items is feasible.";
      throw refuse("capacities ≥ 0", `${capacities[r]} for constraint ${r}`, remedy);
    }
    if (open && !(capacities[r]! > 0 && Number.isFinite(capacities[r]))) {
      const remedy = "Leave out what it forbids, or the constraint.";
      throw refuse("finite capacities > 0", `${capacities[r]} for constraint ${r}`, remedy);
    }
  });
}
