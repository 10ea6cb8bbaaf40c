/** @file vouch train ct: the learned regularizer of CT, from generated phantoms or a file of images. */

import { splitByPatient } from "../../src/applications/ct/select.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import { CT_RECIPE, trainCt } from "../../src/applications/ct/train.js";
import { digest } from "../../src/certificates/calibration.js";
import { VouchError } from "../../src/errors.js";
import { command } from "../command.js";
import { engineOf, engineOptions, phantom, scan, scanOptions } from "../ct.js";
import { within } from "../errors.js";
import { readCollection, requireContent } from "../images.js";
import { integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainCtCommand = command({
  summary: "Train the learned CT regularizer by JFB; resumable.",
  options: {
    data: text(
      "Training images: generated phantoms, or a file (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB) or folder.",
      "ellipses|PATH",
      "ellipses",
    ),
    out: text("Weights, written when training is done.", "FILE", "out/ct.safetensors"),
    ...trainingOptions,
    phases: integer("Draws of noise and images; a checkpoint after each.", CT_RECIPE.phases, { min: 1 }),
    passes: integer("Passes over the images of a phase.", CT_RECIPE.passes, { min: 1 }),
    slices: integer("Images of a phase.", CT_RECIPE.slices, { min: 1 }),
    validation: integer("Images kept apart, which choose the phase whose weights are kept.", 40, { min: 1 }),
    batch: integer("Images of one step.", CT_RECIPE.batch, { min: 1 }),
    lr: number("Largest step size.", CT_RECIPE.learningRate, { above: 0 }),
    count: integer("Filters.", CT_RECIPE.count, { min: 1 }),
    size: integer("Side of the filters in pixels.", CT_RECIPE.size, { min: 1 }),
    rho: number("Radius the model solves with, as a share of the noise's.", CT_RECIPE.rho, { above: 0, max: 1 }),
    ...scanOptions,
    ...engineOptions,
    seed: integer("Seed of all random draws.", CT_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { out: target, resume, log, lr, device, threads, ...asked } = context.options;
    const { data, phases, passes, slices, batch, count, size } = asked;
    const ct = scan(asked);
    const images = await trainingImages(context.name, ct, asked);
    const trainedOn = await Promise.all([...images.training, ...images.validation].map((image) => digest(image)));
    const all = await digest(new TextEncoder().encode(trainedOn.join()));
    const found = `${images.training.length} images, ${images.validation.length} more for validation`;
    context.out.line(`Training ${count} filters of ${size} × ${size} on ${found}.`);
    return runTraining(context, {
      target,
      resume,
      log,
      identity: { ...asked, lr, images: all },
      phases,
      total: phases * passes * Math.ceil(Math.min(slices, images.training.length) / batch),
      next: `vouch calibrate --data HELD_OUT --model ${target}`,
      async train(hooks) {
        const { bundle, result } = await trainCt(ct, images, {
          ...asked,
          learningRate: lr,
          ...engineOf({ device, threads }),
          ...hooks,
        });
        const card = { ...bundle.manifest.card, data, images: found, recipe: JSON.stringify({ ...asked, lr }) };
        return { bundle: { ...bundle, manifest: { ...bundle.manifest, card, trainedOn } }, result };
      },
    });
  },
});

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
