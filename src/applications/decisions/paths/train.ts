/** @file Training of shortest-path layers: from contexts and paths alone, through the splitting's fixed point. */

import type { BackwardRule } from "../../../backward/rule.js";
import type { EngineOptions } from "../../../engine/session.js";
import type { Bundle } from "../../../files/bundle.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitOptions, type FitResult, fit } from "../../../training/fit.js";
import { cosineDecay } from "../../../training/schedule.js";
import type { Steps } from "../../../training/trainer.js";
import { GAMMA } from "../layer.js";
import { type PathData, type PathSamples, someOf } from "./data.js";
import { gridModel } from "./model.js";

/** The recipe the shipped weights were made with: 100 epochs. */
export const PATHS_RECIPE = {
  validation: 100,
  batch: 50,
  passes: 20,
  phases: 5,
  learningRate: 2e-2,
  hidden: 10,
  gamma: GAMMA,
  seed: 1,
} as const;

export interface TrainPathsOptions extends EngineOptions, Pick<FitOptions, "onStep" | "onPhase" | "resume" | "signal"> {
  /** Training contexts kept apart to choose among phases: the last ones. */
  readonly validation?: number;
  readonly batch?: number;
  /** Epochs between two checkpoints, each begun without warm starts. */
  readonly passes?: number;
  readonly phases?: number;
  /** Step of Adam at the start; a cosine takes it to 0. */
  readonly learningRate?: number;
  readonly hidden?: number;
  readonly gamma?: number;
  readonly seed?: number;
  /** Default jfb. */
  readonly backward?: BackwardRule;
  readonly steps?: Steps;
}

/** A visit ends for a sample at a residual of 1e-3; later visits start where the last one ended. */
export const PATH_STEPS: Steps = { warm: 60, cold: 200, every: 10, tolerance: 1e-3 };

/**
 * Learn the cost network by the mean squared error of decisions; options default to PATHS_RECIPE.
 *
 * @throws convergence if the loss is not finite
 * @source McKenzie, Heaton & Wu Fung 2024, §5; deviates: each sample stops on its own and starts where it last ended
 */
export async function trainPaths(
  { size, context, train }: PathData,
  options: TrainPathsOptions = {},
): Promise<{ bundle: Bundle; result: FitResult }> {
  const { validation, batch, passes, phases, learningRate, hidden, gamma, seed } = { ...PATHS_RECIPE, ...options };
  const { onStep, onPhase, resume, signal, threads, device, backward, steps = PATH_STEPS } = options;
  const model = gridModel(size, { context, hidden, gamma, seed });
  const kept = train.count - validation;
  const result = await fit(model, model.initialWeights(), pathSet(someOf(train, 0, kept)), {
    ...{ batch, passes, phases, steps, seed, optimizer: adam(), learningRate: cosineDecay(learningRate) },
    validation: pathSet(someOf(train, kept, train.count)),
    ...(backward && { backward }),
    ...(onStep && { onStep }),
    ...(onPhase && { onPhase }),
    ...(resume && { resume }),
    ...(signal && { signal }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
  });
  const card = {
    data: `${kept} contexts with shortest paths on a ${size}×${size} grid`,
    training: `mean squared error of decisions, Davis–Yin at γ = ${gamma}, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} epochs, seed ${seed}`,
    validation: `mean squared error ${result.validation.toExponential(3)} on ${validation} further contexts`,
  };
  return {
    bundle: {
      manifest: { model: "paths", options: { size, context, hidden, gamma, seed }, card },
      weights: result.weights,
    },
    result,
  };
}

/** Contexts with the paths as 0 and 1: data d, target x. */
export function pathSet({ count, contexts, costs, routes }: PathSamples): TrainingSet {
  const [width, edges] = [contexts.length / count, costs.length / count];
  return {
    count,
    examples: (indices) => {
      const d = new Float32Array(indices.length * width);
      const target = new Float32Array(indices.length * edges);
      indices.forEach((n, row) => {
        d.set(contexts.subarray(n * width, (n + 1) * width), row * width);
        for (const e of routes[n]!.edges) target[row * edges + e] = 1;
      });
      return {
        data: { d: { shape: [indices.length, width], data: d } },
        target: { shape: [indices.length, edges], data: target },
      };
    },
  };
}
