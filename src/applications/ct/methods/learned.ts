/** @file What a learned CT method is: how it is trained, and how its file becomes a method. */

import type { BackwardRule } from "../../../backward/rule.js";
import type { EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { type Model, requireWeights, type Weights } from "../../../model.js";
import { random } from "../../../random.js";
import { type TrainingSet, VALIDATION } from "../../../training/dataset.js";
import {
  type Checkpoint,
  type FitResult,
  fit,
  fitNetwork,
  type PhaseEvent,
  type StepEvent,
} from "../../../training/fit.js";
import { initialArrays, type Network } from "../../../training/network.js";
import { cosineDecay } from "../../../training/schedule.js";
import type { Steps } from "../../../training/trainer.js";
import { ctExamples } from "../examples.js";
import type { Method } from "../methods.js";
import type { Tomography } from "../tomography.js";

export interface TrainingImages {
  readonly training: readonly Float32Array[];
  /** Never trained on; chooses the phase whose weights are kept. */
  readonly validation: readonly Float32Array[];
}

export interface CtRecipe {
  /** Draws of noise and images; passes over them in each; images in each (all where there are fewer). */
  readonly phases: number;
  readonly passes: number;
  readonly slices: number;
  readonly batch: number;
  /** Largest step size; it falls to a twentieth along a cosine. */
  readonly learningRate: number;
}

/** Numbers that a definition takes and its file keeps: filters, their side, ρ … */
export type Definition = Readonly<Record<string, number>>;

export interface TrainCtOptions extends CtRecipe, EngineOptions {
  readonly definition: Definition;
  readonly seed: number;
  /** Train on variations of the images, see `varied`; validation is of one variation of each. */
  readonly vary: boolean;
  /** Weights to begin with, all or some; the others are those of the seed. */
  readonly initial?: Weights;
  readonly resume?: Checkpoint;
  readonly signal?: AbortSignal;
  readonly onStep?: (event: StepEvent) => void;
  readonly onPhase?: (checkpoint: Checkpoint, event: PhaseEvent) => void | Promise<void>;
}

export interface Trained {
  readonly bundle: Bundle;
  readonly result: FitResult;
}

export interface LearnedMethod {
  /** "l2o_convex", "unet": column of tables, end of the name of its file. */
  readonly name: string;
  /** What its file calls the definition. */
  readonly manifest: string;
  readonly summary: string;
  /** Its numbers with their defaults. */
  readonly definition: Definition;
  readonly recipe: CtRecipe;
  /** Methods whose weights its training begins with, where it cannot begin with the seed's alone. */
  readonly begins?: readonly string[];
  /** Train from a seed, to the weights of the phase with the least validation loss. @throws data, parameter, convergence */
  train(ct: Tomography, images: TrainingImages, options: TrainCtOptions): Promise<Trained>;
  /** The method of a file. @throws format if the file holds another definition */
  method(ct: Tomography, bundle: Bundle): Method;
}

/** Adds to examples what a model is fed beside measurements, for these phases. */
export type Feed = (set: TrainingSet, phases: readonly number[]) => Promise<TrainingSet>;

/** Train a model through its fixed point, by JFB unless `backward` is another rule. */
export async function trainModel(
  { manifest }: Pick<LearnedMethod, "manifest">,
  ct: Tomography,
  model: Model,
  steps: Steps,
  images: TrainingImages,
  options: TrainCtOptions & { readonly backward?: BackwardRule; readonly feed?: Feed },
): Promise<Trained> {
  const { training, validation, how } = prepared(ct, images, options);
  const feed = options.feed ?? (async (set) => set);
  const done = options.resume ? options.resume.phase + 1 : 0;
  const phases = Array.from({ length: Math.max(0, options.phases - done) }, (_, k) => done + k);
  const result = await fit(model, startOf(model, model.initialWeights(), options), await feed(training, phases), {
    ...how,
    steps,
    validation: await feed(validation, [VALIDATION]),
  });
  return packed(manifest, options, result);
}

/** Train a network by its gradient; `feed` adds to a measurement what the network is fed beside it. */
export async function trainNetwork(
  { manifest }: Pick<LearnedMethod, "manifest">,
  ct: Tomography,
  network: Network,
  feed: (set: TrainingSet) => TrainingSet,
  images: TrainingImages,
  options: TrainCtOptions,
): Promise<Trained> {
  const { training, validation, how } = prepared(ct, images, options);
  const result = await fitNetwork(network, startOf(network, initialArrays(network), options), feed(training), {
    ...how,
    validation: feed(validation),
  });
  return packed(manifest, options, result);
}

function startOf(of: Pick<Model, "name" | "params">, own: Weights, { initial }: TrainCtOptions): Weights {
  const start = { ...own, ...initial };
  requireWeights("train ct", of, start);
  return start;
}

function packed(model: string, { definition }: TrainCtOptions, result: FitResult): Trained {
  const card = { validation: result.validation.toExponential(4) };
  return { bundle: { manifest: { model, options: definition, card }, weights: result.weights }, result };
}

function prepared<O extends TrainCtOptions>(ct: Tomography, images: TrainingImages, options: O) {
  const { seed, learningRate, vary } = options;
  if (images.training.length === 0 || images.validation.length === 0) {
    throw new VouchError("data", {
      name: "train ct",
      expected: "training and validation images",
      got: `${images.training.length} and ${images.validation.length}`,
      remedy: "Pass at least one of each.",
    });
  }
  return {
    training: rotate(ctExamples(ct, shuffled(images.training, seed), { seed, vary }), options.slices),
    validation: ctExamples(ct, images.validation, { seed: seed + 1, vary }),
    how: { ...options, learningRate: cosineDecay(learningRate, learningRate / 20) },
  };
}

/** The numbers of a file's definition. @throws format if it is another's, or one is missing */
export function definitionOf({ name, manifest, definition }: LearnedMethod, bundle: Bundle): Definition {
  const { model, options } = bundle.manifest;
  const missing = Object.keys(definition).filter((key) => options[key] === undefined);
  if (model === manifest && missing.length === 0) return options;
  throw new VouchError("format", {
    name,
    expected: `a ${manifest} model with ${Object.keys(definition).join(", ") || "no numbers"}`,
    got: `${model} with ${Object.keys(options).join(", ") || "none"}`,
    remedy: `Pass a file made by \`vouch train ct --method ${name}\`.`,
  });
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
        indices.map((index) => (phase * count + index) % set.count),
        phase,
      ),
  };
}
