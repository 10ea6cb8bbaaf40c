/** @file Training of the image classifiers, by any backward rule. */

import { jfb } from "../../backward/jfb.js";
import type { BackwardRule } from "../../backward/rule.js";
import type { Bundle } from "../../files/bundle.js";
import type { Model } from "../../model.js";
import { adam } from "../../training/adam.js";
import { crossEntropy } from "../../training/cross-entropy.js";
import { type FitResult, fit } from "../../training/fit.js";
import { type RunOptions, runOptions } from "../../training/run-options.js";
import { cosineDecay, warmUp } from "../../training/schedule.js";
import type { Steps } from "../../training/trainer.js";
import { classified, type LabelledImages, pixelStatistics, split } from "./data.js";
import { fixedPointNetwork, type NetworkOptions } from "./network.js";

export const IMAGES_RECIPE = {
  epochs: 10,
  batch: 100,
  learningRate: 2e-3,
  gamma: 0.5,
  validation: 3000,
  calibration: 3000,
  seed: 1,
} as const;

export interface TrainImagesOptions extends RunOptions {
  /** Cut into training, validation and calibration images; test images are not among them. */
  readonly images: LabelledImages;
  /** Default fixedPointNetwork. */
  readonly network?: (options: NetworkOptions) => Model;
  /** Default jfb. */
  readonly backward?: BackwardRule;
  /** Passes over the training images, each followed by the validation loss. */
  readonly epochs?: number;
  /** Images of one optimizer step. */
  readonly batch?: number;
  /** Largest step of Adam, reached after 50 optimizer steps; then a cosine down to a fiftieth of it. */
  readonly learningRate?: number;
  /** Contraction factor of T, in (0, 1). */
  readonly gamma?: number;
  /** Images of the choice of weights. */
  readonly validation?: number;
  /** Images on which neither weights nor their choice depend. */
  readonly calibration?: number;
  /** Solver steps from zero; default as many as bring a γ-contraction to a relative residual of 1e-2. */
  readonly steps?: Steps;
  /** Of the split, the initial weights and the order of the batches. */
  readonly seed?: number;
}

export interface TrainedImages {
  readonly bundle: Bundle;
  readonly result: FitResult;
}

const RISE = 50;
const LAST = 0.02;
const EVERY = 2;
/** Relative residual at which training takes z for the fixed point. */
const TOLERANCE = 1e-2;

/** From this side on images are pooled by 3, as the authors' MNIST network does. */
const POOLED_SIDE = 24;

/**
 * Learn to classify images; options default to IMAGES_RECIPE. The weights returned are those of the epoch with the least validation
 * loss.
 *
 * @throws convergence if the loss is not finite; parameter if an option is out of range
 * @source Wu Fung et al. 2022, JFB, Algorithm 1 and Section 5; deviates: the relative residual of each sample stops it, the
 * learning rate has a cosine, and weights are chosen on validation images, where the authors choose on test images
 */
export async function trainImages(options: TrainImagesOptions): Promise<TrainedImages> {
  const { images, network = fixedPointNetwork, backward = jfb } = options;
  const { epochs, batch, learningRate, gamma, validation, calibration, seed } = { ...IMAGES_RECIPE, ...options };
  const parts = splitImages(images, { validation, calibration, seed });
  const { mean, deviation } = pixelStatistics(parts.rest);
  const built = { side: images.side, pool: images.side >= POOLED_SIDE ? 3 : 1, gamma, mean, deviation, seed };
  const model = network(built);
  const result = await fit(model, model.initialWeights(), classified(parts.rest), {
    optimizer: adam(),
    loss: crossEntropy,
    backward,
    learningRate: warmUp(RISE, cosineDecay(learningRate, LAST * learningRate)),
    ...{ batch, passes: 1, phases: epochs, seed },
    steps: options.steps ?? contractionSteps(gamma),
    validation: classified(parts.validation),
    ...runOptions(options),
  });
  const card = {
    data: `${parts.rest.count} of ${images.count} images of ${images.side}² pixels, ${validation} for validation, ${calibration} for calibration`,
    training: `${model.name}, γ = ${gamma}, Adam at ${learningRate} with a cosine, batch ${batch}, ${epochs} epochs, seed ${seed}`,
    validation: `cross-entropy ${result.validation.toFixed(4)} on ${validation} images`,
  };
  const bundle = {
    manifest: { model: model.name, options: { ...built, validation, calibration }, card },
    weights: result.weights,
  };
  return { bundle, result };
}

/** The split that a training with these options makes: `rest` is trained on. */
export function splitImages(
  images: LabelledImages,
  { validation, calibration, seed }: { validation: number; calibration: number; seed: number },
) {
  return split(images, { validation, calibration }, seed);
}

/** Until γᵏ ≤ 1e-2, in steps of two. */
export function contractionSteps(gamma: number): Steps {
  const cold = EVERY * Math.ceil(Math.log(TOLERANCE) / Math.log(gamma) / EVERY);
  return { warm: EVERY, cold, every: EVERY, tolerance: TOLERANCE };
}
