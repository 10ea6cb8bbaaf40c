/** @file The training recipe of the learned convex CT model. */

import type { EngineOptions } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { random } from "../../random.js";
import type { TrainingSet } from "../../training/dataset.js";
import { type Checkpoint, type FitResult, fit, type PhaseEvent, type StepEvent } from "../../training/fit.js";
import { cosineDecay } from "../../training/schedule.js";
import { ctExamples } from "./examples.js";
import { learnedConvex } from "./models.js";
import type { Tomography } from "./tomography.js";

export interface TrainingImages {
  readonly training: readonly Float32Array[];
  /** Never trained on; chooses the phase whose weights are kept. */
  readonly validation: readonly Float32Array[];
}

export interface TrainCtOptions extends EngineOptions {
  /** Filters and their side in pixels. */
  readonly count: number;
  readonly size: number;
  /** ρ in (0, 1]. */
  readonly rho: number;
  readonly seed: number;
  /** Draws of noise and images; passes over them in each; images in each (all where there are fewer). */
  readonly phases: number;
  readonly passes: number;
  readonly slices: number;
  readonly batch: number;
  /** Largest step size; it falls to a twentieth along a cosine. */
  readonly learningRate: number;
  readonly resume?: Checkpoint;
  readonly signal?: AbortSignal;
  readonly onStep?: (event: StepEvent) => void;
  readonly onPhase?: (checkpoint: Checkpoint, event: PhaseEvent) => void | Promise<void>;
}

/** The recipe the shipped weights were made with. */
export const CT_RECIPE = {
  count: 32,
  size: 7,
  rho: 0.8,
  seed: 1,
  phases: 1,
  passes: 24,
  slices: 480,
  batch: 8,
  learningRate: 4e-3,
} as const;

/** Solver steps of a visit: enough for the warm start to follow the weights, and for a cold start to come close. */
const STEPS = { warm: 12, cold: 156 };

/** Train by JFB on mean squared error; returns the weights of the phase with the least validation loss. */
export async function trainCt(
  ct: Tomography,
  images: TrainingImages,
  options: TrainCtOptions,
): Promise<{ bundle: Bundle; result: FitResult }> {
  const { count, size, rho, seed } = options;
  if (images.training.length === 0 || images.validation.length === 0) {
    throw new VouchError("data", {
      name: "trainCt",
      expected: "training and validation images",
      got: `${images.training.length} and ${images.validation.length}`,
      remedy: "Pass at least one of each.",
    });
  }
  const model = learnedConvex(ct, { count, size, rho });
  const training = rotate(ctExamples(ct, shuffled(images.training, seed), { seed }), options.slices);
  const validation = ctExamples(ct, images.validation, { seed: seed + 1 });
  const result = await fit(model, model.initialWeights(), training, {
    ...options,
    steps: STEPS,
    validation,
    learningRate: cosineDecay(options.learningRate, options.learningRate / 20),
  });
  const bundle: Bundle = {
    manifest: {
      model: "ct-convex",
      options: { count, size, rho },
      card: { validation: result.validation.toExponential(4) },
    },
    weights: result.weights,
  };
  return { bundle, result };
}

function shuffled(images: readonly Float32Array[], seed: number): Float32Array[] {
  return Array.from(random(seed).fork("order").permutation(images.length), (i) => images[i]!);
}

/** Each phase sees the next `slices` images of the set, round and round. */
function rotate(set: TrainingSet, slices: number): TrainingSet {
  const count = Math.min(slices, set.count);
  return {
    count,
    examples: (indices, phase) =>
      set.examples(
        indices.map((i) => (phase * count + i) % set.count),
        phase,
      ),
  };
}
