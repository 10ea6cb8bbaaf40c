/** @file The knapsack layer: values of items from a context, and the share of each that is taken. */

import type { Model } from "../../../model.js";
import { affine } from "../../../sets/affine.js";
import { box } from "../../../sets/box.js";
import { zeros } from "../../../tensor/primitives/broadcast.js";
import { neg } from "../../../tensor/primitives/elementwise.js";
import { concat } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { type DecisionOptions, decisionModel } from "../layer.js";
import { type CostNetwork, twoLayers } from "../network.js";
import { type Knapsack, requireKnapsack } from "./exact.js";

export interface KnapsackModelOptions extends DecisionOptions {
  /** Numbers of a context. Default 5. */
  readonly context?: number;
  /** Neurons of the value network. Default 10. */
  readonly hidden?: number;
  /** Seed of the network's start. Default 1. */
  readonly seed?: number;
}

/** Costs of taking an item: its predicted value with a minus. */
export function itemCosts(
  items: number,
  { context = 5, hidden = 10, seed = 1 }: KnapsackModelOptions = {},
): CostNetwork {
  const values = twoLayers([context, hidden, items], seed);
  return { ...values, cost: (params, d) => neg(values.cost(params, d)) };
}

/**
 * max ⟨ŵ(d), x⟩ − γ/2 ‖(x, s)‖²  s.t.  Wx ≤ c, 0 ≤ x ≤ 1, as a box and equations in x and slacks:
 *
 *     (x, s) ∈ [0, 1]ⁿ⁺ᵐ,    diag(c)⁻¹Wx + s = 1
 *
 * The answer is [N, n + m], items first; s is the share of each capacity that is left. Shares are fractional where items tie.
 *
 * deviates from slacks in units of capacity, because: shares have bounds of their own, so that one box bounds all
 *
 * @throws data naming the constraint or item that makes no sense, or a capacity of 0; as `decisionModel`
 * @source McKenzie, Heaton & Wu Fung 2024, §5 (knapsack); Dantzig 1963, Linear Programming and Extensions, §4.5 (slacks)
 */
export function knapsackModel(knapsack: Knapsack, options: KnapsackModelOptions = {}): Model {
  const { weights, capacities } = knapsack;
  const items = weights[0]?.length ?? 0;
  requireKnapsack("knapsackModel", knapsack, new Float64Array(items), { open: true });
  const slacks = weights.length;
  const network = itemCosts(items, options);
  const A = weights.flatMap((row, r) => [
    ...row.map((weight) => weight / capacities[r]!),
    ...Array.from({ length: slacks }, (_, k) => (k === r ? 1 : 0)),
  ]);
  const full = new Float32Array(slacks).fill(1);
  return decisionModel(
    "knapsack",
    {
      ...network,
      costs: items + slacks,
      cost: (params, d) => concat([network.cost(params, d), zeros(["N", slacks])], 1),
    },
    affine({ shape: [slacks, items + slacks], data: A }, constant(full, [slacks])),
    options,
    box(0, 1),
  );
}
