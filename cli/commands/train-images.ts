/** @file vouch train images: a fixed-point network that classifies images. */

import { explicitNetwork, fixedPointNetwork } from "../../src/applications/images/network.js";
import { IMAGES_RECIPE, trainImages } from "../../src/applications/images/train.js";
import { adjointIteration } from "../../src/backward/adjoint-iteration.js";
import { implicit } from "../../src/backward/implicit.js";
import { jfb } from "../../src/backward/jfb.js";
import { neumann } from "../../src/backward/neumann.js";
import type { BackwardRule } from "../../src/backward/rule.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { imageOptions, readImageSet } from "../labelled-images.js";
import { choice, integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

/** Terms of the cut-off series. */
const TERMS = 5;
/** Residual of the adjoint system: training stops its fixed points at 1e-2. */
const ADJOINT = { tolerance: 1e-3, limit: 200 };

const rules: Readonly<Record<"jfb" | "implicit" | "cg" | "neumann", BackwardRule>> = {
  jfb,
  implicit: implicit({ ...ADJOINT, solver: adjointIteration }),
  cg: implicit(ADJOINT),
  neumann: neumann(TERMS),
};

const networks = { fpn: fixedPointNetwork, explicit: explicitNetwork } as const;

export const trainImagesCommand = command({
  summary: "Train a fixed-point network to classify images; resumable.",
  options: {
    out: text("Weights, written when training is done.", "FILE", "out/images.safetensors"),
    ...trainingOptions,
    ...imageOptions,
    network: choice("Iterated to its fixed point, or applied once.", ["fpn", "explicit"], "fpn"),
    rule: choice("Backward rule; cg is the Jacobian-based one.", ["jfb", "implicit", "cg", "neumann"], "jfb"),
    epochs: integer("Passes over the training images.", IMAGES_RECIPE.epochs, { min: 1 }),
    batch: integer("Images of one step.", IMAGES_RECIPE.batch, { min: 1 }),
    lr: number("Largest step size.", IMAGES_RECIPE.learningRate, { above: 0 }),
    gamma: number("Contraction factor, below 1.", IMAGES_RECIPE.gamma, { above: 0, max: 0.999 }),
    validation: integer("Images kept apart, to choose the weights.", undefined, { min: 1 }),
    calibration: integer("Images kept apart, to calibrate labels.", undefined, { min: 19 }),
    ...engineOptions,
    seed: integer("Seed of the split, the weights and the batches.", IMAGES_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { name, options, out } = context;
    const { out: target, resume, log, data, images: folder, network, rule, lr, device, threads, ...asked } = options;
    const { train: images } = await readImageSet(`${name}: --data ${data}`, data, folder);
    const apart = Math.floor(images.count / 20);
    const { validation = apart, calibration = apart, ...rest } = asked;
    const count = images.count - validation - calibration;
    out.line(`Training on ${count} images of ${images.side}² pixels, rule ${rule}.`);
    return runTraining(context, {
      target,
      resume,
      log,
      identity: { ...rest, lr, data, network, rule, validation, calibration },
      phases: rest.epochs,
      total: rest.epochs * Math.ceil(count / rest.batch),
      next: `vouch evaluate images --data ${data} --model ${target}`,
      train: (hooks) =>
        trainImages({
          ...{ ...rest, images, validation, calibration, learningRate: lr },
          network: networks[network],
          backward: rules[rule],
          ...engineOf({ device, threads }),
          ...hooks,
        }),
    });
  },
});
