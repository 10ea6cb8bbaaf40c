/** @file vouch train dictionary: the implicit dictionary from pairs of signals and measurements. */

import { dictionaryProblem } from "../../src/applications/dictionary/data.js";
import { DICTIONARY_RECIPE, trainDictionary } from "../../src/applications/dictionary/train.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainDictionaryCommand = command({
  summary: "Train the implicit dictionary by JFB on generated signals; resumable.",
  options: {
    out: text("Weights, written when training is done.", "FILE", "out/dictionary.safetensors"),
    ...trainingOptions,
    signals: integer("Training signals.", DICTIONARY_RECIPE.count, { min: 1 }),
    validation: integer("Signals kept apart, for early stopping.", DICTIONARY_RECIPE.validation, { min: 1 }),
    phases: integer("Checkpoints in all.", DICTIONARY_RECIPE.phases, { min: 1 }),
    passes: integer("Passes over the signals between two checkpoints.", DICTIONARY_RECIPE.passes, { min: 1 }),
    patience: integer("Phases without a lower validation loss until it stops.", DICTIONARY_RECIPE.patience, { min: 1 }),
    batch: integer("Signals of one step.", DICTIONARY_RECIPE.batch, { min: 1 }),
    lr: number("Largest step size.", DICTIONARY_RECIPE.learningRate, { above: 0 }),
    problem: integer("Seed of the matrices A and M.", 2021, { min: 0 }),
    ...engineOptions,
    seed: integer("Seed of the order of the batches.", DICTIONARY_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { out: target, resume, log, lr, signals: count, problem, device, threads, ...asked } = context.options;
    const { phases, passes, batch } = asked;
    context.out.line(`Training on ${count} signals.`);
    return runTraining(context, {
      target,
      resume,
      log,
      identity: { ...asked, lr, signals: count, problem },
      phases,
      total: phases * passes * Math.ceil(count / batch),
      next: `vouch evaluate dictionary --model ${target}`,
      train: (hooks) =>
        trainDictionary({
          ...asked,
          count,
          learningRate: lr,
          problem: dictionaryProblem(problem),
          ...engineOf({ device, threads }),
          ...hooks,
        }),
    });
  },
});
