/** @file vouch evaluate games: errors, exploitability and certificates of a model of matrix games, and what an epoch takes. */

import { dirname } from "node:path";
import type { GameData } from "../../src/applications/decisions/games/data.js";
import { evaluateGames, type GameEvaluation } from "../../src/applications/decisions/games/evaluate.js";
import { gameOptions } from "../../src/applications/decisions/games/play.js";
import { GAMES_RECIPE, trainGames } from "../../src/applications/decisions/games/train.js";
import type { EngineOptions } from "../../src/engine/session.js";
import { type Bundle, parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { gamesFigure } from "../figures/games.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { gameData, gameDataOptions } from "../game-data.js";
import { readBundled } from "../model-bundle.js";
import { weightsFile } from "../models.js";
import { integer, text } from "../options.js";

const { size: _, ...dataOptions } = gameDataOptions;

export const evaluateGamesCommand = command({
  summary: "Score a model of matrix games on test contexts: errors, exploitability, certificates, seconds an epoch.",
  options: {
    model: text("A shipped model or a file of weights; it says of which size games are drawn.", "NAME", "games-10"),
    ...dataOptions,
    test: integer("Contexts to test on.", 200, { min: 2 }),
    calibration: integer("Further contexts to calibrate on.", 300, { min: 60 }),
    epochs: integer("Epochs trained anew to measure their time; 0 measures none.", 5, { min: 0 }),
    figure: text("Draw the test game of the largest error here.", "FILE.svg", undefined),
    ...engineOptions,
  },
  async run({ name, options, out, signal }) {
    const { model, data, train, equilibrium, test, calibration, epochs, figure } = options;
    const engine = { ...engineOf(options), signal };
    const called = `${name}: --model ${model}`;
    const weights = weightsFile(`${name}: --model`, model);
    const bundle = await within(called, async () => parseBundle(await readBundled(weights, "weights")));
    const { rows } = await within(called, async () => gameOptions(bundle));
    const { games, source } = await gameData(name, { size: rows, data, equilibrium }, { train, test, calibration });
    const result = await within(called, () => evaluateGames(bundle, games, engine));
    const seconds = epochs > 0 ? await secondsPerEpoch(bundle, games, epochs, engine) : undefined;
    out.line(`${games.rows}×${games.columns}: ${test} test contexts, calibrated on ${calibration}: ${source}.`);
    out.table(HEADING, [cells(result, seconds)]);
    out.line(
      `One answer for all contexts, the mean equilibrium: ${small(result.mseBlind)}, exploitability ${small(result.exploitability.blind)}.`,
    );
    if (figure !== undefined) {
      await within(`${name}: --figure`, async () => {
        await makeFolder(dirname(figure));
        await writeFileAtomic(figure, new TextEncoder().encode(gamesFigure(games.test, result)));
      });
      out.line(`Figure written to ${figure}.`);
    }
    return { figures: figuresOf(result, seconds) };
  },
});

const HEADING = [
  ...[
    "mean squared error",
    "exploitability",
    "of the equilibria",
    "response",
    "certified",
    "95 %",
    "flagged if swapped",
  ],
  ...["steps", "not converged", "s per epoch"],
];
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const small = (value: number) => value.toExponential(2);

function cells(result: GameEvaluation, seconds: number | undefined): (string | number)[] {
  const { answers, equilibria } = result.exploitability;
  const [low, high] = result.certifiedInterval;
  return [
    ...[small(result.mse), small(answers), small(equilibria), small(result.response)],
    ...[percent(1 - result.flagged), `${percent(low)} … ${percent(high)}`, percent(result.swappedFlagged)],
    ...[result.stepsMedian, result.unconverged],
    seconds === undefined ? "–" : seconds.toFixed(2),
  ];
}

function figuresOf(result: GameEvaluation, seconds: number | undefined): Record<string, number> {
  return {
    mse: result.mse,
    mse_blind: result.mseBlind,
    exploitability_median: result.exploitability.answers,
    exploitability_blind: result.exploitability.blind,
    exploitability_equilibria: result.exploitability.equilibria,
    response_median: result.response,
    certified_fraction: 1 - result.flagged,
    certified_low: result.certifiedInterval[0],
    certified_high: result.certifiedInterval[1],
    swapped_flagged: result.swappedFlagged,
    unconverged: result.unconverged,
    ...(seconds === undefined ? {} : { s_per_epoch: seconds }),
  };
}

/** Wall time of a phase of training from its start, without the time to its first step, over the epochs. */
async function secondsPerEpoch(
  bundle: Bundle,
  games: GameData,
  epochs: number,
  options: EngineOptions & { signal: AbortSignal },
): Promise<number> {
  const { kind, hidden, gamma, seed } = gameOptions(bundle);
  const validation = Math.min(GAMES_RECIPE.validation, games.train.count - 1);
  let [first, last, steps] = [Number.NaN, Number.NaN, 0];
  await trainGames(games, {
    ...{ ...options, kind, hidden, gamma, seed, validation },
    phases: 1,
    passes: epochs,
    onStep: ({ t }) => {
      last = performance.now();
      if (t === 1) first = last;
      steps = t;
    },
  });
  return (((last - first) / (steps - 1)) * (steps / epochs)) / 1000;
}
