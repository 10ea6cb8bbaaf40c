/** @file vouch train trading: the paper's trading model from snapshots and what became of them. */

import { TRADING_RECIPE, trainTrading } from "../../src/applications/trading/paper/train.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainTradingCommand = command({
  summary: "Train the paper's trading model by JFB on generated snapshots; resumable.",
  options: {
    out: text("Weights, written when training is done.", "FILE", "out/trading.safetensors"),
    ...trainingOptions,
    snapshots: integer("Training snapshots.", TRADING_RECIPE.count, { min: 1 }),
    validation: integer("Snapshots kept apart.", TRADING_RECIPE.validation, { min: 1 }),
    phases: integer("Checkpoints in all.", TRADING_RECIPE.phases, { min: 1 }),
    passes: integer("Passes over the snapshots between two checkpoints.", TRADING_RECIPE.passes, { min: 1 }),
    batch: integer("Snapshots of one step.", TRADING_RECIPE.batch, { min: 1 }),
    lr: number("Largest step size.", TRADING_RECIPE.learningRate, { above: 0 }),
    ...engineOptions,
    seed: integer("Seed of W and of the order of the batches.", TRADING_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { out: target, resume, log, lr, snapshots: count, threads, device, ...asked } = context.options;
    const { phases, passes, batch } = asked;
    context.out.line(`Training on ${count} snapshots.`);
    return runTraining(context, {
      ...{ target, resume, log, phases },
      identity: { ...asked, lr, snapshots: count },
      total: phases * passes * Math.ceil(count / batch),
      next: `vouch evaluate trading --model ${target}`,
      train: (hooks) => trainTrading({ ...asked, count, learningRate: lr, ...engineOf({ threads, device }), ...hooks }),
    });
  },
});
