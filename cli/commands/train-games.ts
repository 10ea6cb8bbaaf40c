/** @file vouch train games: equilibria of matrix games from contexts. */

import { GAME_KINDS, GAMES_RECIPE, trainGames } from "../../src/applications/decisions/games/train.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { gameData, gameDataOptions } from "../game-data.js";
import { choice, integer, number, text } from "../options.js";
import { runTraining, trainingOptions } from "../training.js";

export const trainGamesCommand = command({
  summary: "Train a model of matrix games from contexts and equilibria; payoffs are never shown; resumable.",
  options: {
    ...gameDataOptions,
    out: { ...text("Weights, written when training is done.", "FILE", undefined), shown: "out/games-SIZE.safetensors" },
    kind: choice("What is learned: a game with such responses, or the payoffs.", GAME_KINDS, GAMES_RECIPE.kind),
    ...trainingOptions,
    phases: integer("Checkpoints in all.", GAMES_RECIPE.phases, { min: 1 }),
    passes: integer("Epochs between two checkpoints.", GAMES_RECIPE.passes, { min: 1 }),
    validation: integer("Training contexts kept apart to choose among phases.", GAMES_RECIPE.validation, { min: 1 }),
    batch: integer("Contexts of one step.", GAMES_RECIPE.batch, { min: 1 }),
    lr: number("Step size at the start; a cosine takes it to 0.", GAMES_RECIPE.learningRate, { above: 0 }),
    hidden: integer("Neurons of the network.", GAMES_RECIPE.hidden, { min: 1 }),
    ...engineOptions,
    seed: integer("Seed of the start and of the batches.", GAMES_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { size, data, train, equilibrium, out, resume, log, lr, threads, device, ...asked } = context.options;
    const target = out ?? `out/games-${size}.safetensors`;
    const named = { size, data, equilibrium };
    const { games, source } = await gameData(context.name, named, { train, test: 0, calibration: 0 });
    const kept = train - asked.validation;
    context.out.line(`Training on ${kept} contexts of ${games.rows}×${games.columns} games: ${source}.`);
    return runTraining(context, {
      ...{ target, resume, log, phases: asked.phases },
      identity: { ...asked, lr, train, equilibrium, ...(data === undefined ? { size } : { data }) },
      total: asked.phases * asked.passes * Math.ceil(kept / asked.batch),
      next: `vouch evaluate games --model ${target}`,
      train: async (hooks) => {
        const made = { ...asked, learningRate: lr, ...engineOf({ threads, device }), ...hooks };
        const { bundle, result } = await trainGames(games, made);
        const { card } = bundle.manifest;
        const manifest = { ...bundle.manifest, card: { ...card, data: `${card["data"]}, ${source}` } };
        return { bundle: { ...bundle, manifest }, result };
      },
    });
  },
});
