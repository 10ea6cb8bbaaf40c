/** @file From contexts to sets of items: predicted values, the layer's shares, the best set for those values, and its proof. */

import { compile, type EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { compileModel, feedData, feedParams } from "../../../model.js";
import type { Status } from "../../../solvers/solve.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { KnapsackProperty } from "./certify.js";
import type { KnapsackData } from "./data.js";
import { type Packed, packKnapsack, type SolveMip } from "./exact.js";
import { itemCosts, knapsackModel } from "./model.js";
import { type KnapsackVerdict, knapsackMultipliers, proveKnapsack } from "./proof.js";
import { chosen } from "./train.js";

export interface KnapsackDecision {
  readonly context: Float32Array;
  /** v̂, one an item. */
  readonly predicted: Float32Array;
  /** Share of each item that the layer takes, in [0, 1]: fractional where sets are worth about the same. */
  readonly shares: Float32Array;
  readonly status: Status;
  /** The best set for the predicted values, by the exact solver. */
  readonly packed: Packed;
  readonly proof: KnapsackVerdict;
  /** capacity: largest share of a capacity by which the shares exceed it; integrality: ‖shares − set‖₂; gap: proven, relative. */
  readonly values: Readonly<Record<KnapsackProperty, number>>;
}

export interface DecideKnapsackOptions extends EngineOptions {
  readonly signal?: AbortSignal;
}

const SOLVE = { tolerance: 1e-4, maxSteps: 5000, strict: false } as const;

/**
 * Decide for each context, with what is known of each decision; weights and capacities are those of the data.
 *
 * @param contexts  [count, context]
 * @throws format if the bundle holds another model; parameter if it is for other items or contexts; as `packKnapsack`
 */
export async function decideKnapsacks(
  bundle: Bundle,
  data: KnapsackData,
  contexts: Float32Array,
  solve: SolveMip,
  { signal, ...engine }: DecideKnapsackOptions = {},
): Promise<KnapsackDecision[]> {
  const options = optionsOf(bundle, data);
  const { knapsack, items } = data;
  const model = knapsackModel(knapsack, options);
  const network = itemCosts(items, options);
  const d = { shape: [contexts.length / options.context, options.context], data: contexts };
  const params = Object.fromEntries(
    Object.entries(network.params).map(([name, { shape }]) => [name, input(`params.${name}`, shape)]),
  );
  await using session = await compile([network.cost(params, input("data.d", ["N", options.context]))], engine);
  const [costs] = await session.run({ ...feedParams(bundle.weights), ...feedData(model, { d }) });
  await using compiled = await compileModel(model, bundle.weights, engine);
  const { x, status } = await compiled.solve({ d }, { ...SOLVE, ...(signal && { signal }) });
  const width = x.data.length / status.length;
  return status.map((one, n): KnapsackDecision => {
    const predicted = costs!.data.slice(n * items, (n + 1) * items).map((cost) => -cost);
    const shares = x.data.subarray(n * width, n * width + items);
    const packed = packKnapsack(knapsack, predicted, solve);
    const taken = chosen(packed, items);
    const over = knapsack.weights.map((row, r) => sumOf(row, shares) / knapsack.capacities[r]! - 1);
    const multipliers = knapsackMultipliers(knapsack, predicted, packed.value);
    const proof = proveKnapsack(knapsack, predicted, { items: packed.items, multipliers });
    return {
      ...{ context: contexts.subarray(n * options.context, (n + 1) * options.context), status: one },
      ...{ predicted, shares, packed, proof },
      values: {
        capacity: Math.max(0, ...over),
        integrality: Math.hypot(...shares.map((share, i) => share - taken[i]!)),
        gap: proof.verdict === "VERIFIED" ? proof.relativeGap : 1,
      },
    };
  });
}

function optionsOf({ manifest }: Bundle, { items, context }: KnapsackData) {
  const { hidden, gamma, seed, ...made } = manifest.options;
  const refuse = (code: "format" | "parameter", expected: string, got: string, remedy: string) =>
    new VouchError(code, { name: "decideKnapsacks", expected, got, remedy });
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
