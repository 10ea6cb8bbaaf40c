/** @file Errors and exploitability of a game model on test contexts, and whether certificates knew. */

import { wilson } from "../../../certificates/wilson.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import {
  calibrateGames,
  certifyGame,
  type GameCertificate,
  type JudgedStrategies,
  judgeStrategies,
} from "./certify.js";
import type { GameData, GameSamples } from "./data.js";
import type { Strategies } from "./game.js";
import { type GameDecision, gameOptions, type PlayOptions, playGames } from "./play.js";

export interface GameEvaluation {
  /** Mean over test contexts and shares of the squared error against the equilibria. */
  readonly mse: number;
  /** The same of one pair of strategies for all contexts: the mean of the training equilibria. */
  readonly mseBlind: number;
  /** Median of the exploitability, units of the payoffs: of the answers, of that one pair, and of the equilibria themselves. */
  readonly exploitability: { readonly answers: number; readonly blind: number; readonly equilibria: number };
  /** Median of what both players could gain with the entropies counted. */
  readonly response: number;
  /** Share of test contexts with a failing certificate: false alarms, as long as answers are the model's usual ones. */
  readonly flagged: number;
  /** 95 % interval of the share without one, by Wilson's score. */
  readonly certifiedInterval: readonly [low: number, high: number];
  /** The same where each game is given the answer to the next test context. */
  readonly swappedFlagged: number;
  readonly unconverged: number;
  readonly stepsMedian: number;
  readonly decisions: readonly GameDecision[];
  readonly judged: readonly JudgedStrategies[];
  readonly certificates: readonly (readonly GameCertificate[])[];
}

/**
 * Score a model on the test contexts; certificates are calibrated on the calibration contexts of the data.
 *
 * @throws format if the bundle holds another model; parameter if it is for games of other sizes; as `playGames`
 */
export async function evaluateGames(
  bundle: Bundle,
  { rows, columns, context, train, test, calibration }: GameData,
  options: PlayOptions = {},
): Promise<GameEvaluation> {
  const made = gameOptions(bundle);
  const sizes = (of: Pick<GameData, "rows" | "columns" | "context">) =>
    `${of.rows}×${of.columns} games and contexts of ${of.context}`;
  if (sizes(made) !== sizes({ rows, columns, context })) {
    const [expected, got] = [sizes(made), sizes({ rows, columns, context })];
    throw new VouchError("parameter", { name: "evaluateGames", expected, got, remedy: "Pass the data it is for." });
  }
  const play = async (samples: GameSamples) => {
    const decisions = await playGames(bundle, samples.contexts, options);
    return { decisions, judged: decisions.map(({ strategies }, n) => judgeStrategies(samples.game(n), strategies)) };
  };
  const { decisions, judged } = await play(test);
  const usual = await play(calibration);
  const reference = await calibrateGames(usual.decisions, usual.judged);
  const certify = (one: JudgedStrategies) => certifyGame(one, reference);
  const certificates = judged.map(certify);
  const swapped = judged.map((_, n) => {
    const { strategies } = decisions[(n + 1) % decisions.length]!;
    return certify(judgeStrategies(test.game(n), strategies));
  });
  const blind = meanStrategies(train.equilibria);
  const exploitable = (of: (n: number) => Strategies) =>
    median(judged.map((_, n) => judgeStrategies(test.game(n), of(n)).values.exploitability));
  return {
    mse: meanError(test, (n) => decisions[n]!.strategies),
    mseBlind: meanError(test, () => blind),
    exploitability: {
      answers: median(judged.map(({ values }) => values.exploitability)),
      blind: exploitable(() => blind),
      equilibria: exploitable((n) => test.equilibria[n]!),
    },
    response: median(judged.map(({ values }) => values.response)),
    flagged: failing(certificates),
    certifiedInterval: wilson(1 - failing(certificates), test.count),
    swappedFlagged: failing(swapped),
    unconverged: decisions.filter(({ status }) => status !== "converged").length,
    stepsMedian: median(decisions.map(({ steps }) => steps)),
    ...{ decisions, judged, certificates },
  };
}

function failing(certificates: readonly (readonly GameCertificate[])[]): number {
  return certificates.filter((list) => list.some(({ label }) => label === "fail")).length / certificates.length;
}

function meanError({ equilibria }: GameSamples, of: (n: number) => Strategies): number {
  const errors = equilibria.map(({ first, second }, n) => {
    const own = of(n);
    const square = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
    return (square(own.first, first) + square(own.second, second)) / (first.length + second.length);
  });
  return errors.reduce((a, b) => a + b, 0) / errors.length;
}

function meanStrategies(all: readonly Strategies[]): Strategies {
  const mean = (of: (one: Strategies) => ArrayLike<number>) =>
    Float64Array.from(of(all[0]!), (_, i) => all.reduce((sum, one) => sum + of(one)[i]!, 0) / all.length);
  return { first: mean(({ first }) => first), second: mean(({ second }) => second) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
