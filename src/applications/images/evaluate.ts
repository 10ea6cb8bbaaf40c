/** @file How well an image classifier classifies, and whether its confidence certificate tells right answers from wrong ones. */

import { type Calibration, calibrate, digest } from "../../certificates/calibration.js";
import { certify, type Result } from "../../certificates/certify.js";
import { conformalLabel, type Labeller } from "../../certificates/labels.js";
import { measureProperties, valuesByTerm } from "../../certificates/measure.js";
import { wilson } from "../../certificates/wilson.js";
import type { EngineOptions } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { type CompiledModel, compileModel, type Model, type Weights } from "../../model.js";
import { random } from "../../random.js";
import type { Solution } from "../../solvers/solve.js";
import { CLASSES, imageBatch, type LabelledImages } from "./data.js";
import { explicitNetwork, fixedPointNetwork } from "./network.js";
import { splitImages } from "./train.js";

export interface EvaluateImagesOptions extends EngineOptions {
  /** What the training was given: its calibration part is found by the split. */
  readonly images: LabelledImages;
  readonly test: LabelledImages;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly solved: number; readonly total: number }) => void;
}

/** Figures over the test images; rates are shares of them, intervals Wilson's at 95 %. */
export interface ImagesFigures {
  /** The largest of x is at the label. */
  readonly accuracy: number;
  readonly accuracy_low: number;
  readonly accuracy_high: number;
  /** Of those whose confidence certificate passes, and of those it warns of or fails. */
  readonly accuracy_pass: number;
  readonly accuracy_not_pass: number;
  /** Confidence passes. */
  readonly pass: number;
  /** Confidence fails: about 5 % where test and calibration images are alike. */
  readonly fail: number;
  /** Images whose pixels were put in one seeded order: confidence fails. */
  readonly scrambled_fail: number;
  /** Images that did not converge: a count. */
  readonly unconverged: number;
  readonly steps_median: number;
  /** Learned numbers. */
  readonly size: number;
}

/** Relative residual of evaluation, and when it gives up. */
export const IMAGES_SOLVE = { tolerance: 1e-4, maxSteps: 2000 } as const;

/** Fail at a false-alarm rate of 5 %, fail or warning at 10 %. */
export const imagesLabel: Labeller = (values, alpha) => conformalLabel(values, alpha, { fail: 0.05, warning: 0.1 });

const BATCH = 200;

/**
 * Classify test images with the network that was trained, converged, and label its confidence.
 *
 * @throws format if the bundle holds another model; shape if the images have another size; cancelled
 * @source Heaton & Wu Fung 2023, Table 2, "Classifier Confidence"
 */
export async function evaluateImages(bundle: Bundle, options: EvaluateImagesOptions): Promise<ImagesFigures> {
  const { images, test } = options;
  await using classifier = await imageClassifier(bundle, options);
  const parts = splitImages(images, classifier.split);
  const total = parts.calibration.count + 2 * test.count;
  let solved = 0;
  const answer = (given: LabelledImages) =>
    classifier.classify(given, (count) => {
      solved += count;
      options.onProgress?.({ solved, total });
    });
  const held = await answer(parts.calibration);
  const calibration = await calibrateConfidence(classifier, held.x, parts);
  const answers = await answer(test);
  const labels = classifier.certify(test, answers.x, calibration).map(({ certificates }) => certificates[0]!.label);
  const scrambled = scramble(test);
  const odd = classifier.certify(scrambled, (await answer(scrambled)).x, calibration);
  const right = predictions(answers.x).map((label, n) => label === test.labels[n]);
  const share = (of: (n: number) => boolean, among: (n: number) => boolean = () => true) => {
    const chosen = right.map((_, n) => n).filter(among);
    return chosen.length === 0 ? Number.NaN : chosen.filter(of).length / chosen.length;
  };
  const correct = (n: number) => right[n]!;
  const passes = (n: number) => labels[n] === "pass";
  const accuracy = share(correct);
  const [low, high] = wilson(accuracy, test.count);
  const steps = [...answers.steps].sort((a, b) => a - b);
  return {
    accuracy,
    accuracy_low: low,
    accuracy_high: high,
    accuracy_pass: share(correct, passes),
    accuracy_not_pass: share(correct, (n) => !passes(n)),
    pass: share(passes),
    fail: share((n) => labels[n] === "fail"),
    scrambled_fail: odd.filter(({ certificates }) => certificates[0]!.label === "fail").length / odd.length,
    unconverged: answers.status.filter((status) => status !== "converged").length,
    steps_median: steps[steps.length >> 1]!,
    size: classifier.size,
  };
}

/** A bundle's network, compiled. */
export interface ImageClassifier {
  readonly size: number;
  /** What the split of its training images was made with. */
  readonly split: { readonly validation: number; readonly calibration: number; readonly seed: number };
  /** Distributions x [N, 10] at the fixed points, with a status and steps an image. */
  classify(
    images: LabelledImages,
    onBatch?: (count: number) => void,
  ): Promise<{ readonly x: Float32Array } & Pick<Solution, "status" | "steps">>;
  /** Values of the confidence property. */
  confidence(images: LabelledImages, x: Float32Array): Record<string, number[]>;
  certify(images: LabelledImages, x: Float32Array, calibration: Calibration): Result[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws format if the bundle holds another model */
export async function imageClassifier(
  bundle: Bundle,
  { threads, device, signal }: EngineOptions & { readonly signal?: AbortSignal } = {},
): Promise<ImageClassifier> {
  const { model, split } = bundleNetwork(bundle);
  const { weights } = bundle;
  const compiled = await compileModel(model, weights, {
    chunk: { every: 4, checks: 25 },
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
  });
  return {
    size: model.size,
    split,
    classify: (images, onBatch) => classifyBatches(compiled, images, signal, onBatch),
    confidence: (images, x) => valuesByTerm(inBatches(images, x, (data, rows) => measured(model, weights, data, rows))),
    certify: (images, x, calibration) =>
      inBatches(images, x, (data, rows) => certify({ model, weights, data, x: rows, calibration, label: imagesLabel })),
    [Symbol.asyncDispose]: () => compiled.dispose(),
  };
}

type Data = ReturnType<typeof imageBatch>;
type Rows = { readonly shape: readonly number[]; readonly data: Float32Array };

function measured(model: Model, weights: Weights, data: Data, rows: Rows) {
  return measureProperties(model, weights, { ...data }, rows);
}

function inBatches<T>(images: LabelledImages, x: Float32Array, f: (data: Data, rows: Rows) => T[]): T[] {
  const all: T[] = [];
  for (let start = 0; start < images.count; start += BATCH) {
    const end = Math.min(start + BATCH, images.count);
    const rows = { shape: [end - start, CLASSES], data: x.slice(start * CLASSES, end * CLASSES) };
    all.push(...f(imageBatch(images, start, end), rows));
  }
  return all;
}

async function classifyBatches(
  compiled: CompiledModel,
  images: LabelledImages,
  signal: AbortSignal | undefined,
  onBatch: ((count: number) => void) | undefined,
) {
  const x = new Float32Array(images.count * CLASSES);
  const status: Solution["status"][number][] = [];
  const steps: number[] = [];
  for (let start = 0; start < images.count; start += BATCH) {
    const end = Math.min(start + BATCH, images.count);
    const stop = { ...IMAGES_SOLVE, strict: false, ...(signal && { signal }) };
    const solution = await compiled.solve({ ...imageBatch(images, start, end) }, stop);
    x.set(solution.x.data, start * CLASSES);
    status.push(...solution.status);
    steps.push(...solution.steps);
    onBatch?.(end - start);
  }
  return { x, status, steps };
}

/** Of inferences on calibration images; an image that comes twice counts once, and none may have been trained on. */
async function calibrateConfidence(
  classifier: ImageClassifier,
  x: Float32Array,
  parts: ReturnType<typeof splitImages>,
): Promise<Calibration> {
  const [held, trained, validated] = await Promise.all([parts.calibration, parts.rest, parts.validation].map(digests));
  const known = new Set([...trained!, ...validated!]);
  const kept = held!.flatMap((one, n) => (held!.indexOf(one) === n && !known.has(one) ? [n] : []));
  const values = classifier.confidence(parts.calibration, x);
  return calibrate({
    values: Object.fromEntries(Object.entries(values).map(([name, list]) => [name, kept.map((n) => list[n]!)])),
    reference: "inferences",
    samples: kept.map((n) => held![n]!),
    trainedOn: [...known],
  });
}

function digests({ count, side, pixels }: LabelledImages): Promise<string[]> {
  const area = side * side;
  return Promise.all(Array.from({ length: count }, (_, n) => digest(pixels.slice(n * area, (n + 1) * area))));
}

/** @throws format if the bundle holds another model */
export function bundleNetwork({ manifest }: Bundle): {
  readonly model: Model;
  readonly split: ImageClassifier["split"];
} {
  const networks = { "image-fpn": fixedPointNetwork, "image-explicit": explicitNetwork } as const;
  const { side, pool, gamma, mean, deviation, seed, validation, calibration } = manifest.options;
  const numbers = [side, pool, gamma, mean, deviation, seed, validation, calibration];
  if (!Object.hasOwn(networks, manifest.model) || numbers.includes(undefined)) {
    throw new VouchError("format", {
      name: "evaluateImages",
      expected: `a model of ${Object.keys(networks).join(" or ")} with its options`,
      got: `${manifest.model} with ${Object.keys(manifest.options).join(", ") || "no options"}`,
      remedy: "Pass a file made by `vouch train images`.",
    });
  }
  const network = networks[manifest.model as keyof typeof networks];
  return {
    model: network({ side: side!, pool: pool!, gamma: gamma!, mean: mean!, deviation: deviation!, seed: seed! }),
    split: { validation: validation!, calibration: calibration!, seed: seed! },
  };
}

/** Place of the largest of each row of ten. */
export function predictions(x: Float32Array): number[] {
  return Array.from({ length: x.length / CLASSES }, (_, n) => {
    const row = x.subarray(n * CLASSES, (n + 1) * CLASSES);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  });
}

/** Every image with its pixels in one seeded order: what a classifier has never seen. */
function scramble(images: LabelledImages): LabelledImages {
  const area = images.side ** 2;
  const order = random(0).fork("scrambled").permutation(area);
  return { ...images, pixels: images.pixels.map((_, i) => images.pixels[i - (i % area) + order[i % area]!]!) };
}
