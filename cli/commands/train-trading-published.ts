/** @file vouch train trading-published: the paper's trading model as published, faults and all, for comparison. */

import { PUBLISHED_RECIPE, trainPublished } from "../../src/applications/trading/paper/train-published.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainTradingPublished = command({
  summary: "Train the paper's trading model as published, faults and all, to compare with; resumable.",
  options: {
    out: text("Weights, written when training is done.", "FILE", "out/trading-published.safetensors"),
    ...trainingOptions,
    snapshots: integer("Training snapshots.", PUBLISHED_RECIPE.count, { min: 1 }),
    epochs: integer("Passes over them, with a checkpoint after each.", PUBLISHED_RECIPE.epochs, { min: 1 }),
    batch: integer("Snapshots of one step.", PUBLISHED_RECIPE.batch, { min: 1 }),
    lr: number("First step size; 2 % less each five passes.", PUBLISHED_RECIPE.learningRate, { above: 0 }),
    ...engineOptions,
    seed: integer("Seed of W and of the order of the batches.", PUBLISHED_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { out: target, resume, log, lr, snapshots: count, threads, device, ...asked } = context.options;
    const { epochs, batch } = asked;
    context.out.line(`Training on ${count} snapshots.`);
    return runTraining(context, {
      ...{ target, resume, log, phases: epochs },
      identity: { ...asked, lr, snapshots: count },
      total: epochs * Math.ceil(count / batch),
      next: `vouch evaluate trading --published ${target}`,
      train: (hooks) =>
        trainPublished({ ...asked, count, learningRate: lr, ...engineOf({ threads, device }), ...hooks }),
    });
  },
});
