/** @file Training of knapsack layers: through the splitting's fixed point, or by the exact solver. */

import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { slice } from "../../../tensor/primitives/layout.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitResult, fit, fitOutside } from "../../../training/fit.js";
import { runOptions } from "../../../training/run-options.js";
import { cosineDecay } from "../../../training/schedule.js";
import { type Loss, squaredError } from "../../../training/squared-error.js";
import type { Steps } from "../../../training/trainer.js";
import { GAMMA } from "../layer.js";
import { COST_LOSSES, type CostLossName, type Oracle, ofBatches } from "../losses.js";
import { asNetwork } from "../network.js";
import type { DecisionTraining } from "../training.js";
import { type KnapsackData, type KnapsackSamples, someKnapsacks } from "./data.js";
import { type Knapsack, type Packed, packKnapsack, type SolveMip } from "./exact.js";
import { itemCosts, knapsackModel } from "./model.js";

export type KnapsackLossName = "mse" | CostLossName;
/** The regret through the layer is not among them: a share of an item can be worth more than the best set, so that it is no regret. */
export const KNAPSACK_LOSSES = [
  "mse",
  "two-stage",
  "spo+",
  "fenchel-young",
  "blackbox",
] as const satisfies KnapsackLossName[];

const LOSS_WORDS: Readonly<Record<KnapsackLossName, string>> = {
  mse: "mean squared error of shares through the layer",
  "two-stage": "mean squared error of values",
  "spo+": "SPO+ for the true values",
  "fenchel-young": "perturbed Fenchel–Young loss of sets",
  blackbox: "interpolated Hamming distance of sets",
};

export const KNAPSACK_RECIPE = {
  loss: "mse",
  validation: 200,
  batch: 50,
  passes: 5,
  phases: 6,
  learningRate: 1e-2,
  hidden: 10,
  gamma: GAMMA,
  seed: 1,
} as const;

export interface TrainKnapsackOptions extends DecisionTraining {
  readonly loss?: KnapsackLossName;
}

const STEPS: Steps = { warm: 60, cold: 200, every: 10, tolerance: 1e-3 };

/** argmin ⟨c, x⟩ over the sets that fit, as 0 and 1. */
export function knapsackOracle(knapsack: Knapsack, solve: SolveMip): Oracle {
  return (costs) =>
    chosen(
      packKnapsack(
        knapsack,
        costs.map((c) => -c),
        solve,
      ),
      costs.length,
    );
}

/** A set of items as 0 and 1. */
export function chosen({ items }: Packed, count: number): Float64Array {
  const x = new Float64Array(count);
  for (const i of items) x[i] = 1;
  return x;
}

/** The best set of each sample. */
export function bestSets(knapsack: Knapsack, { count, values }: KnapsackSamples, solve: SolveMip): Packed[] {
  const items = values.length / count;
  return Array.from({ length: count }, (_, n) =>
    packKnapsack(knapsack, values.subarray(n * items, (n + 1) * items), solve),
  );
}

/**
 * Learn the value network by a loss of decisions; options default to KNAPSACK_RECIPE.
 *
 * @param solve  the exact solver: of the labels, and of losses of predicted values
 * @throws convergence if the loss is not finite; parameter if no context is left to train on; as `packKnapsack`
 * @source McKenzie, Heaton & Wu Fung 2024, §5; deviates: each sample stops on its own and starts where it last ended
 */
export async function trainKnapsack(
  { knapsack, items, context, train }: KnapsackData,
  solve: SolveMip,
  options: TrainKnapsackOptions = {},
): Promise<{ bundle: Bundle; result: FitResult }> {
  const { loss, validation, batch, passes, phases, learningRate, hidden, gamma, seed } = {
    ...KNAPSACK_RECIPE,
    ...options,
  };
  const { backward } = options;
  const kept = train.count - validation;
  if (!(kept > 0)) {
    const [expected, got] = [`fewer than ${train.count} contexts for validation`, `${validation}`];
    throw new VouchError("parameter", { name: "trainKnapsack", expected, got, remedy: "Keep some to train on." });
  }
  const made = { context, hidden, gamma, seed };
  const model = knapsackModel(knapsack, made);
  const shared = {
    ...{ batch, passes, phases, seed, optimizer: adam(), learningRate: cosineDecay(learningRate) },
    ...runOptions(options),
  };
  const learn = (set: (samples: KnapsackSamples) => TrainingSet) => {
    const [training, held] = [set(someKnapsacks(train, 0, kept)), set(someKnapsacks(train, kept, train.count))];
    const all = { ...shared, validation: held };
    const initial = model.initialWeights();
    if (loss === "mse") {
      const through = { steps: STEPS, loss: ofItems(items), ...(backward && { backward }) };
      return fit(model, initial, training, { ...all, ...through });
    }
    const judged = ofBatches(COST_LOSSES[loss](knapsackOracle(knapsack, solve)));
    return fitOutside(asNetwork(itemCosts(items, made)), judged, initial, training, all);
  };
  const width = loss === "mse" ? items + knapsack.weights.length : items;
  const shownValues = loss === "two-stage" || loss === "spo+";
  const result = await learn(
    shownValues
      ? (samples) => knapsackSet(samples, width, (n, i) => -samples.values[n * items + i]!)
      : (samples) => {
          const best = bestSets(knapsack, samples, solve).map((packed) => chosen(packed, items));
          return knapsackSet(samples, width, (n, i) => best[n]![i]!);
        },
  );
  const card = {
    data: `${kept} contexts with ${shownValues ? "true values" : "best sets"} of ${items} items`,
    training: `${LOSS_WORDS[loss]}, γ = ${gamma}, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} epochs, seed ${seed}`,
    validation: `${LOSS_WORDS[loss]} ${result.validation.toExponential(3)} on ${validation} further contexts`,
  };
  const manifest = { model: "knapsack", options: { items, ...made }, card };
  return { bundle: { manifest, weights: result.weights }, result };
}

/** The squared error of items alone; what is left of capacities is not learned from. */
function ofItems(items: number): Loss {
  return (x, target) => squaredError(slice(x, 1, 0, items), slice(target, 1, 0, items));
}

/** Contexts d with a target for each item, padded to the layer's width by zeros. */
function knapsackSet(
  { count, contexts, values }: KnapsackSamples,
  width: number,
  target: (n: number, i: number) => number,
): TrainingSet {
  const [context, items] = [contexts.length / count, values.length / count];
  return {
    count,
    examples: (indices) => {
      const d = new Float32Array(indices.length * context);
      const targets = new Float32Array(indices.length * width);
      indices.forEach((n, row) => {
        d.set(contexts.subarray(n * context, (n + 1) * context), row * context);
        for (let i = 0; i < items; i++) targets[row * width + i] = target(n, i);
      });
      return {
        data: { d: { shape: [indices.length, context], data: d } },
        target: { shape: [indices.length, width], data: targets },
      };
    },
  };
}
