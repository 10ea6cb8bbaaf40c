/** @file The methods of the CT table: which there are, and loading those whose weights are there. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { LEARNED } from "../src/applications/ct/methods/index.js";
import type { LearnedMethod } from "../src/applications/ct/methods/learned.js";
import { fbpMethod, type Method, tvMethod } from "../src/applications/ct/methods.js";
import type { Slice } from "../src/applications/ct/select.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { digest } from "../src/certificates/calibration.js";
import { VouchError } from "../src/errors.js";
import { formatBundle, parseBundle } from "../src/files/bundle.js";
import { requireWeights } from "../src/model.js";
import { within } from "./errors.js";
import { writeFileAtomic } from "./files.js";
import { readBundled, sealBundle } from "./model-bundle.js";
import type { Option } from "./options.js";
import { list } from "./options.js";
import { beside } from "./paths.js";

const CONVEX = "l2o_convex";
/** Columns of the table in their order. */
export const TABLE = ["fbp", "tv", ...LEARNED.map(({ name }) => name)] as const;

/** Names between commas; "all" is every one, "l2o" the learned convex model. */
export function methodsOption(fallback: readonly string[]): Option<readonly string[]> {
  return list("Methods to score, or all.", [...TABLE, "l2o", "all"], fallback);
}

export interface TableMethod {
  /** Key of figures. */
  readonly key: string;
  readonly method: Method;
  /** Mean squared error on the images that its training kept apart; absent where nothing was trained. */
  readonly validation?: number;
  /** Mean PSNR in dB on other images, and what they are, where its file keeps it, see `keepSelection`. */
  readonly selection?: { readonly psnr: number; readonly on: string };
  /** Passes over training images, where its file says so. */
  readonly epochs?: number;
  /** From the first to the last step of the training log beside its file, where there is one. */
  readonly minutes?: number;
  /** Digests of the images it was trained on, those kept apart included. */
  readonly trainedOn: readonly string[];
}

export interface Missing {
  readonly key: string;
  /** What trains it. */
  readonly command: string;
}

/** "models/ct-chest.safetensors" and l2o_prox → "models/ct-chest-prox.safetensors"; the convex model is the file itself. */
export function weightsOf(model: string, name: string): string {
  if (name === CONVEX) return model;
  return model.replace(/(\.safetensors)?$/, `-${name.replace(/^l2o_/, "")}.safetensors`);
}

/**
 * The methods asked for, and those without weights.
 *
 * @param model  weights of the learned convex model; the others lie beside it, see `weightsOf`
 * @throws file, format, shape, named after --model, if a file does not hold what its name says
 */
export async function loadTable(
  name: string,
  ct: Tomography,
  asked: readonly string[],
  model: string,
): Promise<{ methods: TableMethod[]; missing: Missing[] }> {
  const keys = asked.includes("all")
    ? TABLE
    : TABLE.filter((key) => asked.includes(key === CONVEX && asked.includes("l2o") ? "l2o" : key));
  const methods: TableMethod[] = [];
  const missing: Missing[] = [];
  for (const key of keys) {
    const learned = LEARNED.find((one) => one.name === key);
    if (learned === undefined) {
      methods.push({ key, method: key === "fbp" ? fbpMethod(ct) : tvMethod(ct), trainedOn: [] });
      continue;
    }
    const file = weightsOf(model, key);
    if (key !== CONVEX && !existsSync(file)) {
      const init = learned.begins ? ` --init ${learned.begins.map((one) => weightsOf(model, one)).join()}` : "";
      missing.push({ key, command: `vouch train ct --method ${key}${init} --data IMAGES --out ${file}` });
    } else methods.push(await within(`${name}: --model ${file}`, () => load(name, ct, learned, file)));
  }
  return { methods, missing };
}

/** Weights are the same for a seed, to the byte; how long it took is in the log. */
async function minutesOf(log: string): Promise<Pick<TableMethod, "minutes">> {
  if (!existsSync(log)) return {};
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  const [first, last] = [lines[0]!, lines.at(-1)!].map((line) => Date.parse(JSON.parse(line).time));
  return { minutes: (last! - first!) / 60_000 };
}

/** A learned method and the file it is from. @throws file, format, shape */
export async function readLearned(name: string, ct: Tomography, learned: LearnedMethod, file: string) {
  const bundle = parseBundle(await readBundled(file, "weights (.safetensors)"));
  const method = learned.method(ct, bundle);
  // A network's weights are not those of the model its images are measured by.
  if (method.model.size > 0 && learned.name !== "l2o_adaptive") requireWeights(name, method.model, bundle.weights);
  return { method, bundle };
}

async function load(name: string, ct: Tomography, learned: LearnedMethod, file: string): Promise<TableMethod> {
  const { method, bundle } = await readLearned(name, ct, learned, file);
  const { card } = bundle.manifest;
  const recipe =
    card["recipe"] === undefined ? {} : (JSON.parse(card["recipe"]) as { phases?: number; passes?: number });
  return {
    key: learned.name,
    method,
    trainedOn: bundle.manifest.trainedOn ?? [],
    ...(card["validation"] === undefined ? {} : { validation: Number(card["validation"]) }),
    ...(card["selection"] === undefined
      ? {}
      : { selection: { psnr: Number(card["selection"]), on: card["selectedOn"] ?? "" } }),
    ...(recipe.phases && recipe.passes ? { epochs: recipe.phases * recipe.passes } : {}),
    ...(await minutesOf(beside(file, "log.jsonl"))),
  };
}

/**
 * Keep a method's mean PSNR on calibration patients in its file, see `bestLearned`.
 *
 * @param on  the images in words; methods are compared where these are the same
 */
export async function keepSelection(file: string, psnr: number, on: string): Promise<void> {
  const { manifest, weights } = parseBundle(await readBundled(file, "weights (.safetensors)"));
  const card = { ...manifest.card, selection: psnr.toFixed(3), selectedOn: on };
  await writeFileAtomic(file, formatBundle({ manifest: { ...manifest, card }, weights }));
  await sealBundle(file);
}

/**
 * Scores are of images that no method has seen.
 *
 * @throws certificate naming the slice, its patient and the method, if one was among the images of a training
 */
export async function requireUnseen(
  name: string,
  slices: readonly Slice[],
  methods: readonly Pick<TableMethod, "key" | "trainedOn">[],
): Promise<void> {
  const trained = methods.map(({ key, trainedOn }) => ({ key, seen: new Set(trainedOn) }));
  for (const { image, patient, index } of slices) {
    const own = await digest(image);
    const by = trained.find(({ seen }) => seen.has(own));
    if (by === undefined) continue;
    throw new VouchError("certificate", {
      name,
      expected: "slices that no method was trained on",
      got: `slice ${index} of ${patient}, which ${by.key} was trained on`,
      remedy: "Score other patients, or leave the method out with --methods.",
    });
  }
}
