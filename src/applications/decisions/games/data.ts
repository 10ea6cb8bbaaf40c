/** @file Contexts with the games they decide and the equilibria of those: read or drawn. */

import { z } from "zod";
import { VouchError } from "../../../errors.js";
import { random } from "../../../random.js";
import { type Game, matrixGame, type Strategies, symmetricGame } from "./game.js";
import { quantalEquilibrium } from "./quantal.js";

/** One context a row. */
export interface GameSamples {
  readonly count: number;
  /** d, [count, context]. */
  readonly contexts: Float32Array;
  /** The game of row n, which models never see. */
  game(n: number): Game;
  /** Its equilibria. */
  readonly equilibria: readonly Strategies[];
}

export interface GameData {
  /** Actions of the two players. */
  readonly rows: number;
  readonly columns: number;
  /** Numbers of a context. */
  readonly context: number;
  readonly train: GameSamples;
  readonly test: GameSamples;
  /** Held out, to calibrate certificates on. */
  readonly calibration: GameSamples;
}

/** From a game to the equilibrium that is its label. */
export type SolveGame = (game: Game) => Strategies;

/** Numbers of a drawn context, and the largest weight of one in a payoff. */
const CONTEXT = 3;
const SCALE = 10;

export interface DrawGamesOptions {
  /** Contexts to train on. Default 2000. */
  readonly train?: number;
  /** Contexts to test on. Default 200. */
  readonly test?: number;
  /** Contexts to calibrate on. Default 300. */
  readonly calibration?: number;
  readonly seed?: number;
  /** Default `quantalEquilibrium` at temperature 1. */
  readonly solve?: SolveGame;
  /** Sign of the payoff above the diagonal in row i, column j. Default (−1)^(j−i−1). */
  readonly sign?: (i: number, j: number) => 1 | -1;
}

/**
 * Draw symmetric games of n actions: d ~ U[0, 1]³, payoffs sign(i, j) ⟨w_ij, d⟩ above the diagonal, w ~ U[0, 10]³, B = −Bᵀ.
 *
 * deviates: signs alternate, as in rock–paper–scissors (n = 3), because with a + everywhere, as published for n > 3, the last action
 * beats all others whatever the context, and is played by both; with them no game of three actions or more has such an action
 *
 * @throws parameter if n is not a whole number ≥ 2; as `solve`
 * @source Heaton, McKenzie, Li, Wu Fung, Osher & Yin 2021, Learning to predict equilibria via fixed point networks (arXiv 2106.00906), §5.1
 */
export function drawGames(
  n: number,
  {
    train = 2000,
    test = 200,
    calibration = 300,
    seed = 2024,
    solve = (game) => quantalEquilibrium(game),
    sign = alternating,
  }: DrawGamesOptions = {},
): GameData {
  if (!(Number.isInteger(n) && n >= 2)) {
    const remedy = "Count the actions of one player.";
    throw new VouchError("parameter", { name: "drawGames", expected: "2 actions or more", got: `${n}`, remedy });
  }
  const rng = random(seed).fork(`games ${n}`);
  const draws = rng.fork("W");
  const pairs = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n - 1 - i }, (__, k) => [i, i + 1 + k] as const),
  ).flat();
  const W = pairs.map(([i, j]) => Array.from({ length: CONTEXT }, () => sign(i, j) * SCALE * draws.uniform()));
  const game = (d: ArrayLike<number>) =>
    symmetricGame(
      n,
      W.map((row) => row.reduce((sum, w, k) => sum + w * d[k]!, 0)),
    );
  const samples = (count: number, stream: string) => {
    const contexts = rng.fork(stream);
    const drawn = Float32Array.from({ length: count * CONTEXT }, () => contexts.uniform());
    const of = (k: number) => game(drawn.subarray(k * CONTEXT, (k + 1) * CONTEXT));
    return { count, contexts: drawn, game: of, equilibria: Array.from({ length: count }, (_, k) => solve(of(k))) };
  };
  return {
    ...{ rows: n, columns: n, context: CONTEXT },
    ...{
      train: samples(train, "train"),
      test: samples(test, "test"),
      calibration: samples(calibration, "calibration"),
    },
  };
}

const schema = z.object({
  contexts: z.array(z.array(z.number())),
  payoffs: z.array(z.array(z.array(z.number()))),
});

export interface GameSplit {
  /** The first rows of the file. Default 2000. */
  readonly train?: number;
  /** The rows after those. Default 200. */
  readonly test?: number;
  /** The rows after those. Default 300. */
  readonly calibration?: number;
  /** Default `quantalEquilibrium` at temperature 1. */
  readonly solve?: SolveGame;
}

/**
 * Read games: contexts, and for each the matrix of what the first player pays.
 *
 * @throws format if the JSON is another; data naming the context or game that does not fit the others; as `matrixGame` and `solve`
 */
export function readGames(
  json: unknown,
  { train = 2000, test = 200, calibration = 300, solve = (game) => quantalEquilibrium(game) }: GameSplit = {},
): GameData {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const got = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0] ?? "another file";
    const remedy = "Give one matrix of numbers a context.";
    throw new VouchError("format", { name: "readGames", expected: "contexts and payoffs", got, remedy });
  }
  const { contexts, payoffs } = parsed.data;
  const wanted = train + test + calibration;
  if (contexts.length !== payoffs.length || contexts.length < Math.max(1, wanted)) {
    throw bad(`${wanted} contexts or more, with a game each`, `${contexts.length} and ${payoffs.length}`);
  }
  const [rows, columns, context] = [payoffs[0]!.length, payoffs[0]![0]?.length ?? 0, contexts[0]!.length];
  const games = payoffs.map((matrix, n) => {
    const size = `${matrix.length}×${matrix[0]?.length ?? 0}`;
    if (size !== `${rows}×${columns}`) throw bad(`${rows}×${columns} payoffs in game ${n}`, size);
    if (contexts[n]!.length !== context) throw bad(`${context} numbers in context ${n}`, `${contexts[n]!.length}`);
    try {
      return matrixGame(matrix);
    } catch (error) {
      if (!(error instanceof VouchError)) throw error;
      throw Object.assign(bad(`${error.details.expected} in game ${n}`, error.details.got), { cause: error });
    }
  });
  const part = (from: number, count: number): GameSamples => ({
    count,
    contexts: Float32Array.from(contexts.slice(from, from + count).flat()),
    game: (n) => games[from + n]!,
    equilibria: games.slice(from, from + count).map(solve),
  });
  return {
    ...{ rows, columns, context },
    ...{ train: part(0, train), test: part(train, test), calibration: part(train + test, calibration) },
  };
}

/** Rows `from` … `to` − 1. */
export function someGames({ contexts, count, game, equilibria }: GameSamples, from: number, to: number): GameSamples {
  const width = contexts.length / count;
  return {
    count: to - from,
    contexts: contexts.subarray(from * width, to * width),
    game: (n) => game(from + n),
    equilibria: equilibria.slice(from, to),
  };
}

function alternating(i: number, j: number): 1 | -1 {
  return (j - i) % 2 === 1 ? 1 : -1;
}

function bad(expected: string, got: string): VouchError {
  return new VouchError("data", { name: "readGames", expected, got, remedy: "Repair the file." });
}
