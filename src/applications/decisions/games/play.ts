/** @file From contexts to strategies: a trained model's equilibria. */

import { compile, type EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { compileModel, feedData, feedParams } from "../../../model.js";
import type { SolveOptions, Status } from "../../../solvers/solve.js";
import { networkInputs } from "../../../training/network.js";
import { asNetwork } from "../network.js";
import { type Game, type Strategies, symmetricGame } from "./game.js";
import { gameModel } from "./model.js";
import { payoffNetwork } from "./payoffs.js";
import { quantalEquilibrium } from "./quantal.js";
import { RESPONSES } from "./response.js";
import { GAME_KINDS, type GameKind } from "./train.js";

export interface GameDecision {
  readonly context: Float32Array;
  readonly strategies: Strategies;
  readonly status: Status;
  readonly steps: number;
  /** The predicted game, of models that predict one. */
  readonly game?: Game;
}

/** What a game model was made with. */
export interface MadeGames {
  readonly kind: GameKind;
  readonly rows: number;
  readonly columns: number;
  readonly context: number;
  readonly hidden: number;
  readonly gamma: number;
  readonly seed: number;
}

/** @throws format if the bundle holds another model */
export function gameOptions({ manifest }: Pick<Bundle, "manifest">): MadeGames {
  const { rows, columns, context, hidden, gamma, seed } = manifest.options;
  const kind = GAME_KINDS.find((name) => manifest.model === `games-${name}`);
  if (kind && rows && columns && context && hidden && gamma !== undefined && seed !== undefined) {
    return { kind, rows, columns, context, hidden, gamma, seed };
  }
  throw new VouchError("format", {
    name: "gameOptions",
    expected: "a model of games",
    got: manifest.model,
    remedy: "Pass a file made by `vouch train games`.",
  });
}

/** Relative change of the strategies at which a learned game is solved; T contracts, so that they are no further than γ/(1 − γ) times it. */
export const GAMES_SOLVE = { tolerance: 1e-6, maxSteps: 1000, strict: false } as const;

export interface PlayOptions extends EngineOptions, Pick<SolveOptions, "signal"> {}

/**
 * The strategies of both players for each context.
 *
 * @param contexts  [count, context]
 * @throws format if the bundle holds another model; data naming the number that is not finite; shape; cancelled; convergence where
 * predicted payoffs are too large to solve
 */
export async function playGames(
  bundle: Bundle,
  contexts: Float32Array,
  { signal, ...engine }: PlayOptions = {},
): Promise<GameDecision[]> {
  const made = gameOptions(bundle);
  if (contexts.length % made.context !== 0 || contexts.length === 0) {
    throw new VouchError("shape", {
      name: "playGames",
      expected: `contexts of ${made.context} numbers each`,
      got: `${contexts.length} numbers`,
      remedy: "Give one context a row.",
    });
  }
  const d = { shape: [contexts.length / made.context, made.context], data: contexts };
  const context = (n: number) => contexts.subarray(n * made.context, (n + 1) * made.context);
  if (made.kind === "payoffs") {
    const games = await predictGames(bundle, made, d, engine);
    return games.map((game, n) => ({
      ...{ context: context(n), strategies: quantalEquilibrium(game), status: "converged", steps: 0, game },
    }));
  }
  const { rows, columns } = made;
  const model = gameModel(rows, columns, { ...made, response: RESPONSES[made.kind] });
  await using compiled = await compileModel(model, bundle.weights, { ...engine, chunk: { every: 5, checks: 20 } });
  const { x, status, steps } = await compiled.solve({ d }, { ...GAMES_SOLVE, ...(signal && { signal }) });
  return status.map((one, n) => {
    const own = x.data.subarray(n * (rows + columns), (n + 1) * (rows + columns));
    const strategies = { first: own.subarray(0, rows), second: own.subarray(rows) };
    return { context: context(n), strategies, status: one, steps: steps[n]! };
  });
}

/** The games whose payoffs are predicted. */
async function predictGames(
  { weights }: Bundle,
  { rows, ...made }: MadeGames,
  d: { readonly shape: readonly number[]; readonly data: Float32Array },
  engine: EngineOptions,
): Promise<Game[]> {
  const network = asNetwork(payoffNetwork(rows, made));
  const { read, fed } = networkInputs(network);
  await using session = await compile([network.apply(read, fed).x], engine);
  const [above] = await session.run({ ...feedParams(weights), ...feedData(network, { d }) });
  const pairs = (rows * (rows - 1)) / 2;
  return Array.from({ length: d.shape[0]! }, (_, n) =>
    symmetricGame(rows, above!.data.subarray(n * pairs, (n + 1) * pairs)),
  );
}
