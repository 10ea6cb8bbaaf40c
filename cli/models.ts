/** @file Models as the user names them: one that is shipped, a file of weights, or a module of the user's own. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { simulate } from "../src/applications/ct/examples.js";
import { l2oMethod, type Method, solverData, tvMethod } from "../src/applications/ct/methods.js";
import { signals } from "../src/applications/dictionary/data.js";
import { bundleProblem } from "../src/applications/dictionary/evaluate.js";
import { implicitDictionary } from "../src/applications/dictionary/model.js";
import { bundleNetwork } from "../src/applications/images/evaluate.js";
import type { Float32 } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import { type Bundle, parseBundle } from "../src/files/bundle.js";
import type { Model, Weights } from "../src/model.js";
import { random } from "../src/random.js";
import { phantom, scan } from "./ct.js";
import { nearest, within } from "./errors.js";
import { readFileOrExplain } from "./files.js";
import { readBundled } from "./model-bundle.js";
import { shippedModel } from "./paths.js";

export interface LoadedModel {
  readonly model: Model;
  readonly weights: Weights;
  /** One generated sample, or the samples of the user's module, by name. */
  readonly data: Readonly<Record<string, Float32>>;
}

/** What decides the scan of a CT model, and all random draws. */
export interface ModelOptions {
  readonly "image-size": number;
  readonly angles: number;
  readonly seed: number;
}

export const modelOperand = {
  name: "model",
  summary: "a shipped model (ct-ellipses, dictionary, …), tv, FILE.safetensors, or FILE.js that exports model and data",
} as const;

/** By the name in a file's manifest. */
const families: Readonly<Record<string, (bundle: Bundle, options: ModelOptions) => LoadedModel>> = {
  "ct-convex": (bundle, options) => ctModel(l2oMethod(scan(options), bundle), options),
  dictionary: (bundle, { seed }) => {
    const problem = bundleProblem(bundle);
    const { d } = signals(problem, 1, `model ${seed}`);
    return {
      model: implicitDictionary(problem),
      weights: bundle.weights,
      data: { d: { shape: [1, problem.m], data: d } },
    };
  },
  "image-fpn": imageModel,
  "image-explicit": imageModel,
};

/** With an image of random pixels. */
function imageModel(bundle: Bundle, { seed }: ModelOptions): LoadedModel {
  const { model } = bundleNetwork(bundle);
  const [, ...shape] = model.data["u"] as ["N", number, number, number];
  const draws = random(seed).fork("model image");
  const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.uniform());
  return { model, weights: bundle.weights, data: { u: { shape: [1, ...shape], data: pixels } } };
}

/**
 * Load a model by the user's word for it, with a sample of its data.
 *
 * @param name  of the command: errors begin with it
 * @throws parameter if it is no model's name; file, format if a file is not what its ending says
 */
export async function loadModel(name: string, word: string, options: ModelOptions): Promise<LoadedModel> {
  const called = `${name} ${word}`;
  if (word === "tv") return ctModel(tvMethod(scan(options)), options);
  if (isModule(word)) return within(called, () => readModule(word));
  const path = weightsFile(name, word, ["tv", "FILE.js"]);
  return within(called, async () => {
    const bundle = parseBundle(await readBundled(path, "weights (.safetensors)"));
    const family = families[bundle.manifest.model];
    if (family) return family(bundle, options);
    throw new VouchError("format", {
      name,
      expected: `a model of ${Object.keys(families).join(" or ")}`,
      got: `one of ${bundle.manifest.model}`,
      remedy: "Export it with its data from a module, FILE.js.",
    });
  });
}

/** Whether a user's word means a module of his own. */
export function isModule(word: string): boolean {
  return /\.(js|mjs|ts)$/.test(word);
}

/**
 * The file of weights that a user's word means: a shipped model's, or one of his own.
 *
 * @param others  further words the caller knows, for the error
 * @throws parameter if it is neither
 */
export function weightsFile(name: string, word: string, others: readonly string[] = []): string {
  if (existsSync(shippedModel(word))) return shippedModel(word);
  if (word.endsWith(".safetensors")) return word;
  throw new VouchError("parameter", {
    name,
    expected: [...shippedNames(), "FILE.safetensors", ...others].join(", "),
    got: `"${word}"`,
    remedy: `Did you mean ${nearest(word, shippedNames())}?`,
  });
}

function ctModel({ model, weights }: Method, options: ModelOptions): LoadedModel {
  const ct = scan(options);
  const measurement = simulate(ct, phantom(ct, options.seed, "model", 0), options.seed, "model noise");
  return { model, weights, data: solverData([measurement]) };
}

/** A module that exports `model`, `data` and, where they are not the initial ones, `weights`. */
async function readModule(path: string): Promise<LoadedModel> {
  await readFileOrExplain(path, "a module");
  const url = pathToFileURL(resolve(path)).href;
  const { model, weights, data } = (await import(url).catch((error: unknown) => {
    throw new VouchError("format", {
      name: "readModule",
      expected: "a module that can be imported",
      got: error instanceof Error ? error.message : String(error),
      remedy: "Run it with node to see where it fails.",
    });
  })) as Partial<LoadedModel>;
  const missing = typeof model?.trace !== "function" ? "model" : data === undefined ? "data" : undefined;
  if (missing !== undefined) {
    throw new VouchError("format", {
      name: "readModule",
      expected: "exports model, made by `define`, and data, samples by name",
      got: `no ${missing}`,
      remedy: `Add export const ${missing} = ….`,
    });
  }
  return { model: model!, weights: weights ?? model!.initialWeights(), data: data! };
}

function shippedNames(): string[] {
  const files = readdirSync(dirname(shippedModel("any")));
  const names = files.flatMap((file) => (file.endsWith(".safetensors") ? [file.slice(0, -".safetensors".length)] : []));
  return names.sort();
}
