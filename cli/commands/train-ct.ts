/** @file vouch train ct: the learned methods of CT, from generated phantoms or a file of images. */

import { LEARNED } from "../../src/applications/ct/methods/index.js";
import type { CtRecipe, LearnedMethod } from "../../src/applications/ct/methods/learned.js";
import { splitByPatient } from "../../src/applications/ct/select.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import { digest } from "../../src/certificates/calibration.js";
import { VouchError } from "../../src/errors.js";
import { parseBundle } from "../../src/files/bundle.js";
import { formatSafetensors, parseSafetensors } from "../../src/files/safetensors.js";
import type { Weights } from "../../src/model.js";
import { command } from "../command.js";
import { engineOf, engineOptions, phantom, scan, scanOptions } from "../ct.js";
import { within } from "../errors.js";
import { readFileOrExplain } from "../files.js";
import { readCollection, requireContent } from "../images.js";
import { choice, flag, integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

const NAMES = LEARNED.map(({ name }) => name);

export const trainCtCommand = command({
  summary: "Train a learned CT method, by JFB, a Neumann series or its gradient; resumable.",
  options: {
    method: choice("What to train.", NAMES, "l2o_convex"),
    data: text(
      "Training images: generated phantoms, or a file (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB) or folder.",
      "ellipses|PATH",
      "ellipses",
    ),
    out: text("Weights, written when training is done.", "FILE", "out/ct.safetensors"),
    init: text(
      "Weights to begin with, of the same shapes; those they lack are of the seed. l2o_adaptive needs those of unrolled.",
      "FILE[,FILE]",
      undefined,
    ),
    ...trainingOptions,
    phases: integer("Draws of noise and images; a checkpoint after each.", undefined, { min: 1 }),
    passes: integer("Passes over the images of a phase.", undefined, { min: 1 }),
    slices: integer("Images of a phase.", undefined, { min: 1 }),
    validation: integer("Images kept apart, which choose the phase whose weights are kept.", 40, { min: 1 }),
    plain: flag(
      "Train on the images as they are; without it on turned and mirrored ones with bone where a window cut it, if they are a file's.",
    ),
    batch: integer("Images of one step.", undefined, { min: 1 }),
    lr: number("Largest step size.", undefined, { above: 0 }),
    count: integer("Filters.", undefined, { min: 1 }),
    size: integer("Side of the filters in pixels.", undefined, { min: 1 }),
    rho: number("Radius the model solves with, as a share of the noise's.", undefined, { above: 0, max: 1 }),
    ...scanOptions,
    ...engineOptions,
    seed: integer("Seed of all random draws.", 1, { min: 0 }),
  },
  async run(context) {
    const { name, options } = context;
    const { data, out: target, resume, log, init, seed } = options;
    const learned = LEARNED.find((one) => one.name === options.method)!;
    const definition = definitionAsked(name, learned, options);
    const recipe = recipeAsked(learned, options);
    const { phases, passes, slices, batch } = recipe;
    const ct = scan(options);
    const images = await trainingImages(name, ct, { data, phases, slices, validation: options.validation, seed });
    const begun = init === undefined ? undefined : await initialWeights(name, init);
    const trainedOn = await Promise.all([...images.training, ...images.validation].map((image) => digest(image)));
    const all = await digest(new TextEncoder().encode(trainedOn.join()));
    const found = `${images.training.length} images, ${images.validation.length} more for validation`;
    context.out.line(`Training ${learned.name} (${learned.summary}) on ${found}.`);
    const vary = data !== "ellipses" && !options.plain;
    const asked = {
      ...{ method: learned.name, data, init: init ?? "seed", seed, ...definition, ...recipe },
      ...{
        "image-size": options["image-size"],
        angles: options.angles,
        validation: options.validation,
        variation: vary ? "varied" : "none",
      },
    };
    return runTraining(context, {
      target,
      resume,
      log,
      identity: {
        ...asked,
        images: all,
        ...(begun ? { begun: await digest(formatSafetensors(begun.weights, {})) } : {}),
      },
      phases,
      total: phases * passes * Math.ceil(Math.min(slices, images.training.length) / batch),
      next:
        learned.name === "l2o_convex"
          ? `vouch calibrate --data HELD_OUT --model ${target}`
          : `vouch evaluate ct --methods all, with this file beside --model, named X-${learned.name.replace(/^l2o_/, "")}`,
      async train(hooks) {
        const { bundle, result } = await learned.train(ct, images, {
          ...{ definition, ...recipe, seed, vary, ...(begun ? { initial: begun.weights } : {}) },
          ...engineOf(options),
          ...hooks,
        });
        const card = { ...bundle.manifest.card, data, images: found, recipe: JSON.stringify(asked) };
        const seen = [...new Set([...(begun?.trainedOn ?? []), ...trainedOn])];
        return { bundle: { ...bundle, manifest: { ...bundle.manifest, card, trainedOn: seen } }, result };
      },
    });
  },
});

type Given = Readonly<
  Record<"phases" | "passes" | "slices" | "batch" | "lr" | "count" | "size" | "rho", number | undefined>
>;

/** The method's numbers, with those that were given. @throws parameter if it has no such number */
function definitionAsked(name: string, { name: method, definition }: LearnedMethod, given: Given) {
  const asked = Object.entries({ count: given.count, size: given.size, rho: given.rho }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const odd = asked.find(([key]) => definition[key] === undefined);
  if (odd === undefined) return { ...definition, ...Object.fromEntries(asked) };
  const has = Object.keys(definition).map((key) => `--${key}`);
  throw new VouchError("parameter", {
    name: `${name}: --${odd[0]}`,
    expected: `${has.join(", ") || "no number"} of ${method}`,
    got: `--${odd[0]}`,
    remedy: "Leave it out.",
  });
}

function recipeAsked({ recipe }: LearnedMethod, given: Given): CtRecipe {
  const { phases, passes, slices, batch, lr } = given;
  return {
    phases: phases ?? recipe.phases,
    passes: passes ?? recipe.passes,
    slices: slices ?? recipe.slices,
    batch: batch ?? recipe.batch,
    learningRate: lr ?? recipe.learningRate,
  };
}

/**
 * Arrays of a model file, or of any safetensors with names of the same, and the images that a model file says it was trained on.
 *
 * @throws format if it has no arrays
 */
function initialOf(name: string, path: string) {
  return within(`${name}: --init ${path}`, async () => {
    const bytes = await readFileOrExplain(path, "weights (.safetensors)");
    const { tensors: weights, metadata } = parseSafetensors(bytes);
    const trainedOn = metadata["vouch"] === undefined ? [] : (parseBundle(bytes).manifest.trainedOn ?? []);
    if (Object.keys(weights).length > 0) return { weights, trainedOn };
    throw new VouchError("format", {
      name: `${name}: --init ${path}`,
      expected: "arrays to begin with",
      got: "a file of none",
      remedy: "Leave it out, or pass weights.",
    });
  });
}

/** Of several files between commas, what they hold together; of arrays of one name the last. */
async function initialWeights(name: string, paths: string) {
  const read = await Promise.all(paths.split(",").map((path) => initialOf(name, path)));
  return {
    weights: Object.assign({}, ...read.map(({ weights }) => weights)) as Weights,
    trainedOn: [...new Set(read.flatMap(({ trainedOn }) => trainedOn))],
  };
}

interface Asked {
  readonly data: string;
  readonly phases: number;
  readonly slices: number;
  readonly validation: number;
  readonly seed: number;
}

/**
 * Training and validation images: generated afresh for each phase, or of a file. Validation takes the last tenth of a file, whose
 * neighbours are alike, whole patients of it; of a file with a split, training patients alone are used.
 */
async function trainingImages(name: string, ct: Tomography, { data, phases, slices, validation, seed }: Asked) {
  if (data === "ellipses") {
    const make = (label: string, length: number) => Array.from({ length }, (_, i) => phantom(ct, seed, label, i));
    return { training: make("training", phases * slices), validation: make("validation", validation) };
  }
  const called = `${name}: --data`;
  const { slices: all, split } = await readCollection(called, data, { size: ct.size, use: "training" });
  const own = split ? all.filter(({ patient }) => split.training?.includes(patient)) : all;
  if (own.length === 0) {
    throw new VouchError("data", {
      name: `${called} ${data}`,
      expected: "images for training",
      got: "a file split into test and calibration patients",
      remedy: "Train on other patients.",
    });
  }
  const images = own.map(({ image }) => image);
  requireContent(`${called} ${data}`, images);
  const [training, tail] = await within(`${called} ${data}`, () => splitByPatient(own, 0.9));
  const kept = Math.min(validation, tail.length);
  return {
    training: training.map(({ image }) => image),
    validation: Array.from({ length: kept }, (_, i) => tail[Math.floor(((i + 0.5) * tail.length) / kept)]!.image),
  };
}
