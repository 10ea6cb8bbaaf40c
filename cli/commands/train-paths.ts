/** @file vouch train paths: shortest paths on a grid from contexts and paths. */

import { PATH_LOSSES } from "../../src/applications/decisions/paths/losses.js";
import { PATHS_RECIPE, trainPaths } from "../../src/applications/decisions/paths/train.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { choice, integer, number, text } from "../options.js";
import { pathData } from "../path-data.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainPathsCommand = command({
  summary: "Train a shortest-path layer on a grid, from contexts and paths or true costs; resumable.",
  options: {
    grid: integer("Nodes of one side: a grid of the data folder, or a drawn one.", 10, { min: 2, max: 200 }),
    neighbours: choice("Of a node: 4 has edges right and down, 8 both ways and along diagonals.", ["4", "8"], "4"),
    out: {
      ...text("Weights, written when training is done.", "FILE", undefined),
      shown: "out/paths-GRID.safetensors",
    },
    loss: choice("What is minimised; regret and spo+ are shown true costs.", PATH_LOSSES, PATHS_RECIPE.loss),
    ...trainingOptions,
    phases: integer("Checkpoints in all.", PATHS_RECIPE.phases, { min: 1 }),
    passes: integer("Epochs between two checkpoints.", PATHS_RECIPE.passes, { min: 1 }),
    validation: integer("Training contexts kept apart to choose among phases.", PATHS_RECIPE.validation, { min: 1 }),
    batch: integer("Contexts of one step.", PATHS_RECIPE.batch, { min: 1 }),
    lr: number("Step size at the start; a cosine takes it to 0.", PATHS_RECIPE.learningRate, { above: 0 }),
    hidden: integer("Neurons of the cost network.", PATHS_RECIPE.hidden, { min: 1 }),
    gamma: number("Weight of the quadratic term.", PATHS_RECIPE.gamma, { above: 0 }),
    ...engineOptions,
    seed: integer("Seed of the network's start and of the batches.", PATHS_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { grid, neighbours: around, out, resume, log, lr, threads, device, ...asked } = context.options;
    const target = out ?? `out/paths-${grid}.safetensors`;
    const neighbours = around === "8" ? 8 : 4;
    const { data, source } = await pathData(context.name, grid, neighbours);
    const kept = data.train.count - asked.validation;
    context.out.line(`Training on ${kept} contexts of the ${grid}×${grid} grid, ${source}.`);
    return runTraining(context, {
      ...{ target, resume, log, phases: asked.phases },
      identity: { ...asked, grid, neighbours, lr },
      total: asked.phases * asked.passes * Math.ceil(kept / asked.batch),
      next: `vouch evaluate paths --models ${target}`,
      train: async (hooks) => {
        const { bundle, result } = await trainPaths(data, {
          ...asked,
          learningRate: lr,
          ...engineOf({ threads, device }),
          ...hooks,
        });
        const { card } = bundle.manifest;
        return {
          bundle: {
            ...bundle,
            manifest: { ...bundle.manifest, card: { ...card, data: `${card["data"]}, ${source}` } },
          },
          result,
        };
      },
    });
  },
});
