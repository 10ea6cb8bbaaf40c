/** @file Training of shortest-path layers: through the splitting's fixed point, or by the exact solver. */

import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { adam } from "../../../training/adam.js";
import { type FitOptions, type FitResult, fit, fitOutside } from "../../../training/fit.js";
import { initialArrays } from "../../../training/network.js";
import { runOptions } from "../../../training/run-options.js";
import { cosineDecay } from "../../../training/schedule.js";
import type { Steps } from "../../../training/trainer.js";
import { decisionModel, GAMMA } from "../layer.js";
import { COST_LOSSES, ofBatches } from "../losses.js";
import { asNetwork, type CostNetwork } from "../network.js";
import type { DecisionTraining } from "../training.js";
import { type PathData, type PathSamples, someOf } from "./data.js";
import type { Neighbours } from "./grid.js";
import { FLOW_LOSSES, LOSS_WORDS, type PathLossName, type PathTarget, pathOracle, pathSet } from "./losses.js";
import { gridCosts, pathEquations } from "./model.js";

/** The recipe the shipped weights were made with: 100 epochs. */
export const PATHS_RECIPE = {
  loss: "mse",
  validation: 100,
  batch: 50,
  passes: 20,
  phases: 5,
  learningRate: 2e-2,
  hidden: 10,
  gamma: GAMMA,
  seed: 1,
} as const;

export interface TrainPathsOptions extends DecisionTraining {
  readonly loss?: PathLossName;
  readonly steps?: Steps;
}

/** A visit ends for a sample at a residual of 1e-3; later visits start where the last one ended. */
export const PATH_STEPS: Steps = { warm: 60, cold: 200, every: 10, tolerance: 1e-3 };

/** Losses that are shown true costs. */
const SHOWN_COSTS: ReadonlySet<PathLossName> = new Set(["regret", "two-stage", "spo+"]);

/**
 * Learn the cost network by a loss of decisions; options default to PATHS_RECIPE.
 *
 * Validation is by the loss itself: validation losses of two losses cannot be compared, their regrets can.
 *
 * @throws convergence if the loss is not finite
 * @source McKenzie, Heaton & Wu Fung 2024, §5; deviates: each sample stops on its own and starts where it last ended
 */
export async function trainPaths(
  { size, neighbours = 4, context, train }: PathData,
  options: TrainPathsOptions = {},
): Promise<{ bundle: Bundle; result: FitResult }> {
  const { loss, validation, batch, passes, phases, learningRate, hidden, gamma, seed } = {
    ...PATHS_RECIPE,
    ...options,
  };
  const made = { size, context, hidden, gamma, seed, ...(neighbours === 8 && { neighbours }) };
  const kept = train.count - validation;
  const { backward, steps } = options;
  const layer = { size, neighbours, network: gridCosts(size, made), gamma };
  const result = await learnPaths(layer, loss, [someOf(train, 0, kept), someOf(train, kept, train.count)], {
    ...{ batch, passes, phases, seed, optimizer: adam(), learningRate: cosineDecay(learningRate) },
    ...runOptions(options),
    ...{ ...(backward && { backward }), ...(steps && { steps }) },
  });
  const by = loss in FLOW_LOSSES ? `Davis–Yin at γ = ${gamma}` : "exact shortest paths";
  const card = {
    data: `${kept} contexts with ${SHOWN_COSTS.has(loss) ? "true costs" : "shortest paths"} on a ${size}×${size} grid${neighbours === 8 ? " with 8 neighbours" : ""}`,
    training: `${LOSS_WORDS[loss]}, ${by}, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} epochs, seed ${seed}`,
    validation: `${LOSS_WORDS[loss]} ${result.validation.toExponential(3)} on ${validation} further contexts`,
  };
  return { bundle: { manifest: { model: "paths", options: made, card }, weights: result.weights }, result };
}

/** The layer that is learned: of which grid, its costs from which network, at which γ. */
export interface PathLayer {
  readonly size: number;
  /** Default 4. */
  readonly neighbours?: Neighbours;
  readonly network: CostNetwork;
  readonly gamma: number;
}

/** Losses that ask for shortest paths at costs of any sign, which edges both ways do not have, or were made for `grid` alone. */
const NOT_OF_8: ReadonlySet<PathLossName> = new Set(["regret", "spo+", "fenchel-young", "blackbox"]);

/**
 * Train a layer's network by a loss of its flow, or of the predicted costs.
 *
 * @throws parameter if the loss is none for 8 neighbours; as `fit`
 */
export async function learnPaths(
  { size, neighbours = 4, network, gamma }: PathLayer,
  loss: PathLossName,
  [training, validation]: readonly [PathSamples, PathSamples],
  { backward, steps = PATH_STEPS, ...options }: Omit<FitOptions, "loss" | "validation"> = {},
): Promise<FitResult> {
  if (neighbours === 8 && NOT_OF_8.has(loss)) {
    throw new VouchError("parameter", {
      name: "trainPaths: loss",
      expected: "mse or two-stage where nodes have 8 neighbours",
      got: loss,
      remedy: "Take one of these, or 4 neighbours.",
    });
  }
  const learning = (target: PathTarget) => [pathSet(training, target), pathSet(validation, target)] as const;
  if (loss === "mse" || loss === "regret") {
    const model = decisionModel("paths", network, pathEquations(size, neighbours), { gamma });
    const [set, held] = learning(loss === "mse" ? "decisions" : "reduced costs");
    return fit(model, model.initialWeights(), set, {
      ...{ ...options, steps, loss: FLOW_LOSSES[loss], validation: held },
      ...(backward && { backward }),
    });
  }
  const costLoss = COST_LOSSES[loss](pathOracle(size));
  const alone = asNetwork(network);
  const [set, held] = learning(costLoss.learnsFrom);
  return fitOutside(alone, ofBatches(costLoss), initialArrays(alone), set, { ...options, validation: held });
}
