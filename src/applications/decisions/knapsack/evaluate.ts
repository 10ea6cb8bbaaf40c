/** @file Regret and accuracy of a knapsack model on test contexts, against the exact solver. */

import { wilson } from "../../../certificates/wilson.js";
import { compile, type EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { compileModel, feedData, feedParams } from "../../../model.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { KnapsackData } from "./data.js";
import { type Packed, packKnapsack, type SolveMip } from "./exact.js";
import { itemCosts, knapsackModel } from "./model.js";
import { bestSets, chosen } from "./train.js";

export interface KnapsackDecision {
  /** ŵ, one an item. */
  readonly values: Float32Array;
  /** Share of each item that the layer takes, in [0, 1]. */
  readonly shares: Float32Array;
  /** Largest share of a capacity by which these shares exceed it, ≥ 0: the tolerance of the solve. */
  readonly excess: number;
  /** The best set for the predicted values, by the exact solver. */
  readonly packed: Packed;
  /** ‖shares − packed‖₂: near 0 one set is clearly the best. */
  readonly distance: number;
}

export interface KnapsackEvaluation {
  /** Σ (z* − v(x̂)) / Σ |z*| over the test contexts, v the true values. */
  readonly regret: number;
  /** The same of one set for all contexts: the best for the mean values of the training contexts. */
  readonly regretBlind: number;
  /** Share of test contexts whose set is worth less than 1e-3 below a best one. */
  readonly accuracy: number;
  /** Its 95 % interval, by Wilson's score. */
  readonly accuracyInterval: readonly [low: number, high: number];
  readonly unconverged: number;
  readonly decisions: readonly KnapsackDecision[];
}

export interface EvaluateKnapsackOptions extends EngineOptions {
  readonly signal?: AbortSignal;
}

const SOLVE = { tolerance: 1e-4, maxSteps: 5000, strict: false } as const;
/** A set worth this much less than a best one counts as accurate. */
const SAME = 1e-3;

/**
 * Score a model on the test contexts; weights and capacities are those of the data.
 *
 * @throws format if the bundle holds another model; parameter if it is for other items or contexts; as `packKnapsack`
 * @source Tang & Khalil 2024, PyEPO, `metric.regret`
 */
export async function evaluateKnapsack(
  bundle: Bundle,
  data: KnapsackData,
  solve: SolveMip,
  { signal, ...engine }: EvaluateKnapsackOptions = {},
): Promise<KnapsackEvaluation> {
  const options = optionsOf(bundle, data);
  const { knapsack, items, train, test } = data;
  const model = knapsackModel(knapsack, options);
  const network = itemCosts(items, options);
  const d = { shape: [test.count, options.context], data: test.contexts };
  const params = Object.fromEntries(
    Object.entries(network.params).map(([name, { shape }]) => [name, input(`params.${name}`, shape)]),
  );
  await using session = await compile([network.cost(params, input("data.d", ["N", options.context]))], engine);
  const [costs] = await session.run({ ...feedParams(bundle.weights), ...feedData(model, { d }) });
  await using compiled = await compileModel(model, bundle.weights, engine);
  const { x, status } = await compiled.solve({ d }, { ...SOLVE, ...(signal && { signal }) });
  const width = x.data.length / test.count;
  const decisions = status.map((_, n): KnapsackDecision => {
    const values = costs!.data.slice(n * items, (n + 1) * items).map((cost) => -cost);
    const shares = x.data.subarray(n * width, n * width + items);
    const packed = packKnapsack(knapsack, values, solve);
    const taken = chosen(packed, items);
    const over = knapsack.weights.map((row, r) => sumOf(row, shares) / knapsack.capacities[r]! - 1);
    return {
      ...{ values, shares, packed },
      excess: Math.max(0, ...over),
      distance: Math.hypot(...shares.map((share, i) => share - taken[i]!)),
    };
  });
  const best = bestSets(knapsack, test, solve);
  const trueValue = (set: Packed, n: number) => set.items.reduce((sum, i) => sum + test.values[n * items + i]!, 0);
  const lost = (set: (n: number) => Packed) => best.map(({ value }, n) => value - trueValue(set(n), n));
  const mean = Float64Array.from({ length: items }, (_, i) => {
    let sum = 0;
    for (let n = 0; n < train.count; n++) sum += train.values[n * items + i]!;
    return sum / train.count;
  });
  const blind = packKnapsack(knapsack, mean, solve);
  const losses = lost((n) => decisions[n]!.packed);
  const right = losses.filter((loss) => loss < SAME).length;
  const total = best.reduce((sum, { value }) => sum + Math.abs(value), 0);
  return {
    regret: losses.reduce((a, b) => a + b, 0) / total,
    regretBlind: lost(() => blind).reduce((a, b) => a + b, 0) / total,
    accuracy: right / test.count,
    accuracyInterval: wilson(right / test.count, test.count),
    unconverged: status.filter((one) => one !== "converged").length,
    decisions,
  };
}

function optionsOf({ manifest }: Bundle, { items, context }: KnapsackData) {
  const { hidden, gamma, seed, ...made } = manifest.options;
  const refuse = (code: "format" | "parameter", expected: string, got: string, remedy: string) =>
    new VouchError(code, { name: "evaluateKnapsack", expected, got, remedy });
  if (manifest.model !== "knapsack" || !hidden || !gamma || seed === undefined) {
    const remedy = "Pass a file made by `vouch train knapsack`.";
    throw refuse("format", "a model of knapsacks", manifest.model, remedy);
  }
  if (made["items"] !== items || made["context"] !== context) {
    const got = `${items} items and contexts of ${context}`;
    const expected = `${made["items"]} items and contexts of ${made["context"]}`;
    throw refuse("parameter", expected, got, "Pass the data it is for.");
  }
  return { context, hidden, gamma, seed };
}

function sumOf(row: readonly number[], shares: Float32Array): number {
  return row.reduce((sum, weight, i) => sum + weight * shares[i]!, 0);
}
