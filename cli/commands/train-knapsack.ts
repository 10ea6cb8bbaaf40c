/** @file vouch train knapsack: sets of items from contexts, under several capacities. */

import { KNAPSACK_LOSSES, KNAPSACK_RECIPE, trainKnapsack } from "../../src/applications/decisions/knapsack/train.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { mipSolver } from "../highs.js";
import { knapsackData, knapsackOptions } from "../knapsack-data.js";
import { choice, integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainKnapsackCommand = command({
  summary: "Train a knapsack layer from contexts and best sets or true values; resumable.",
  options: {
    ...knapsackOptions,
    out: text("Weights, written when training is done.", "FILE", "out/knapsack.safetensors"),
    loss: choice("What is minimised; spo+ is shown true values.", KNAPSACK_LOSSES, KNAPSACK_RECIPE.loss),
    ...trainingOptions,
    phases: integer("Checkpoints in all.", KNAPSACK_RECIPE.phases, { min: 1 }),
    passes: integer("Epochs between two checkpoints.", KNAPSACK_RECIPE.passes, { min: 1 }),
    validation: integer("Training contexts kept apart to choose among phases.", KNAPSACK_RECIPE.validation, { min: 1 }),
    batch: integer("Contexts of one step.", KNAPSACK_RECIPE.batch, { min: 1 }),
    lr: number("Step size at the start; a cosine takes it to 0.", KNAPSACK_RECIPE.learningRate, { above: 0 }),
    hidden: integer("Neurons of the value network.", KNAPSACK_RECIPE.hidden, { min: 1 }),
    gamma: number("Weight of the quadratic term.", KNAPSACK_RECIPE.gamma, { above: 0 }),
    ...engineOptions,
    seed: integer("Seed of the network's start and of the batches.", KNAPSACK_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { data: file, train, out, resume, log, lr, threads, device, ...asked } = context.options;
    const data = await knapsackData(context.name, file, { train, test: 0 });
    const solve = await mipSolver();
    const kept = train - asked.validation;
    context.out.line(`Training on ${kept} contexts of a knapsack of ${data.items} items.`);
    return runTraining(context, {
      ...{ target: out, resume, log, phases: asked.phases },
      identity: { ...asked, lr, train, ...(file === undefined ? {} : { data: file }) },
      total: asked.phases * asked.passes * Math.ceil(kept / asked.batch),
      next: `vouch evaluate knapsack --model ${out}`,
      train: (hooks) =>
        trainKnapsack(data, solve, { ...asked, learningRate: lr, ...engineOf({ threads, device }), ...hooks }),
    });
  },
});
