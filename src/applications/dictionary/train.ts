/** @file Training of the implicit dictionary: from pairs (d, x) alone, by Jacobian-free backpropagation. */

import type { Bundle } from "../../files/bundle.js";
import { adam } from "../../training/adam.js";
import type { TrainingSet } from "../../training/dataset.js";
import { type FitResult, fit } from "../../training/fit.js";
import { type RunOptions, runOptions } from "../../training/run-options.js";
import { cosineDecay, warmUp } from "../../training/schedule.js";
import type { Steps } from "../../training/trainer.js";
import { type DictionaryProblem, type DictionarySignals, dictionaryProblem, signals } from "./data.js";
import { implicitDictionary } from "./model.js";

/** The recipe the shipped weights were made with. */
export const DICTIONARY_RECIPE = {
  count: 10_000,
  validation: 500,
  batch: 100,
  passes: 8,
  phases: 3,
  patience: 2,
  learningRate: 5e-4,
  seed: 1,
} as const;

export interface TrainDictionaryOptions extends RunOptions {
  /** A and M; default dictionaryProblem(2021). Training sees A and signals, never M. */
  readonly problem?: DictionaryProblem;
  /** Training signals, stream "train". */
  readonly count?: number;
  /** Signals of early stopping, stream "validation". */
  readonly validation?: number;
  /** Signals of one optimizer step. */
  readonly batch?: number;
  /** Passes over the training signals between two checkpoints. */
  readonly passes?: number;
  /** Checkpoints in all. */
  readonly phases?: number;
  /** Phases without a lower validation loss after which training stops. */
  readonly patience?: number;
  /** Largest step of Adam, reached after 50 optimizer steps; then a cosine down to a fiftieth of it. */
  readonly learningRate?: number;
  /** Solver steps a visit; default 20 from a warm start, 1000 from zero. */
  readonly steps?: Steps;
  /** Order of the batches. */
  readonly seed?: number;
}

export interface TrainedDictionary {
  readonly bundle: Bundle;
  readonly result: FitResult;
}

const STEPS: Steps = { warm: 20, cold: 1000, every: 4 };
const RISE = 50;
const LAST = 0.02;

/**
 * Learn K from pairs (d, x); options default to DICTIONARY_RECIPE.
 *
 * Each sample keeps its fixed point between visits, so that a visit is 20 steps of L-ADMM from where the last one ended: the
 * point that is differentiated approaches the fixed point as K settles.
 *
 * @throws convergence if the loss is not finite
 * @source Heaton & Wu Fung 2023, eq. (16), "Implicit model training"; deviates: warm starts, unit mean square of K, a cosine
 * schedule and no weight decay, where TypalAcademy/xai-l2o runs 400 steps from zero for each of 7,500 batches
 */
export async function trainDictionary(options: TrainDictionaryOptions = {}): Promise<TrainedDictionary> {
  const { problem = dictionaryProblem(2021), steps = STEPS } = options;
  const { count, validation, batch, passes, phases, patience, learningRate, seed } = {
    ...DICTIONARY_RECIPE,
    ...options,
  };
  const model = implicitDictionary(problem);
  const result = await fit(model, model.initialWeights(), pairs(problem, signals(problem, count, "train")), {
    optimizer: adam(),
    learningRate: warmUp(RISE, cosineDecay(learningRate, LAST * learningRate)),
    ...{ batch, passes, phases, patience, steps, seed },
    validation: pairs(problem, signals(problem, validation, "validation")),
    ...runOptions(options),
  });
  const { m, n, r } = problem;
  const card = {
    data: `${count} signals x = Ms of stream "train" of dictionaryProblem(${problem.seed}, ${m} × ${n}, ${r} atoms), d = Ax without noise`,
    training: `JFB with warm starts, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} passes, seed ${seed}`,
    validation: `mean squared error ${result.validation.toExponential(3)} on ${validation} signals, ${steps.cold} steps from zero`,
  };
  const bundle = {
    manifest: { model: "dictionary", options: { seed: problem.seed, m, n, r }, card },
    weights: result.weights,
  };
  return { bundle, result };
}

/** Signals as a training set: data d, target x. */
export function pairs({ m, n }: DictionaryProblem, { x, d }: DictionarySignals): TrainingSet {
  return {
    count: x.length / n,
    examples: (indices) => ({
      data: { d: { shape: [indices.length, m], data: rows(d, m, indices) } },
      target: { shape: [indices.length, n], data: rows(x, n, indices) },
    }),
  };
}

function rows(array: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const chosen = new Float32Array(indices.length * width);
  indices.forEach((index, row) => {
    chosen.set(array.subarray(index * width, (index + 1) * width), row * width);
  });
  return chosen;
}
