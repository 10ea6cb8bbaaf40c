/** @file Training of game models from contexts and equilibria: through a learned game's fixed point, or through predicted payoffs. */

import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitResult, fit, fitOutside } from "../../../training/fit.js";
import { initialArrays } from "../../../training/network.js";
import { runOptions } from "../../../training/run-options.js";
import { cosineDecay } from "../../../training/schedule.js";
import type { Steps } from "../../../training/trainer.js";
import { asNetwork } from "../network.js";
import type { DecisionTraining } from "../training.js";
import { type GameData, type GameSamples, someGames } from "./data.js";
import { isSymmetric } from "./game.js";
import { gameModel } from "./model.js";
import { payoffLosses, payoffNetwork } from "./payoffs.js";
import { RESPONSES, type ResponseName } from "./response.js";

/** What is learned: a game in which players respond so, or the payoffs of the game itself. */
export type GameKind = ResponseName | "payoffs";
export const GAME_KINDS = ["softmax", "projection", "payoffs"] as const satisfies GameKind[];

/** The recipe the shipped weights were made with: 100 epochs. */
export const GAMES_RECIPE = {
  kind: "softmax",
  validation: 200,
  batch: 200,
  passes: 20,
  phases: 5,
  learningRate: 2e-2,
  hidden: 50,
  gamma: 0.9,
  seed: 1,
} as const;

export interface TrainGamesOptions extends DecisionTraining {
  readonly kind?: GameKind;
}

/** T contracts by γ/2 or γ: few steps from cold, and fewer from where a sample last ended. */
const STEPS: Steps = { warm: 20, cold: 60, every: 5, tolerance: 1e-4 };

const WORDS: Readonly<Record<GameKind, string>> = {
  softmax: "a learned game with softmax responses",
  projection: "a learned game with projections on the simplex",
  payoffs: "predicted payoffs and their exact equilibrium",
};

/**
 * Learn by the mean squared error of both players' strategies; options default to GAMES_RECIPE.
 *
 * @throws convergence if the loss is not finite; parameter if no context is left to train on, or payoffs of a game without symmetry are
 * to be predicted
 * @source Heaton, McKenzie, Li, Wu Fung, Osher & Yin 2021 (arXiv 2106.00906), §5.1; deviates: each sample stops on its own and starts where it last ended
 */
export async function trainGames(
  { rows, columns, context, train }: GameData,
  options: TrainGamesOptions = {},
): Promise<{ bundle: Bundle; result: FitResult }> {
  const { kind, validation, batch, passes, phases, learningRate, hidden, gamma, seed } = {
    ...GAMES_RECIPE,
    ...options,
  };
  const kept = train.count - validation;
  if (!(kept > 0)) {
    throw refuse(`fewer than ${train.count} contexts for validation`, `${validation}`, "Keep some to train on.");
  }
  if (kind === "payoffs" && !isSymmetric(train.game(0))) {
    const remedy = "Learn a game: softmax or projection.";
    throw refuse("games with B = −Bᵀ, to predict payoffs", `another, of ${rows}×${columns} actions`, remedy);
  }
  const made = { context, hidden, seed };
  const training = gameSet(someGames(train, 0, kept));
  const shared = {
    ...{ batch, passes, phases, seed, optimizer: adam(), learningRate: cosineDecay(learningRate) },
    ...runOptions(options),
    validation: gameSet(someGames(train, kept, train.count)),
  };
  const learn = () => {
    if (kind === "payoffs") {
      const network = asNetwork(payoffNetwork(rows, made));
      return fitOutside(network, payoffLosses(rows), initialArrays(network), training, shared);
    }
    const model = gameModel(rows, columns, { ...made, gamma, response: RESPONSES[kind] });
    const through = { steps: STEPS, ...(options.backward && { backward: options.backward }) };
    return fit(model, model.initialWeights(), training, { ...shared, ...through });
  };
  const result = await learn();
  const card = {
    data: `${kept} contexts with equilibria of ${rows}×${columns} games`,
    training: `mean squared error of strategies, ${WORDS[kind]}, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} epochs, seed ${seed}`,
    validation: `mean squared error ${result.validation.toExponential(3)} on ${validation} further contexts`,
  };
  const manifest = { model: `games-${kind}`, options: { rows, columns, ...made, gamma }, card };
  return { bundle: { manifest, weights: result.weights }, result };
}

/** Contexts d with both players' equilibrium strategies, [count, rows + columns]. */
export function gameSet({ count, contexts, equilibria }: GameSamples): TrainingSet {
  const width = contexts.length / count;
  return {
    count,
    examples: (indices) => ({
      data: {
        d: {
          shape: [indices.length, width],
          data: Float32Array.from(indices.flatMap((n) => Array.from(contexts.subarray(n * width, (n + 1) * width)))),
        },
      },
      target: {
        shape: [indices.length, equilibria[0]!.first.length + equilibria[0]!.second.length],
        data: Float32Array.from(
          indices.flatMap((n) => [...Array.from(equilibria[n]!.first), ...Array.from(equilibria[n]!.second)]),
        ),
      },
    }),
  };
}

function refuse(expected: string, got: string, remedy: string): VouchError {
  return new VouchError("parameter", { name: "trainGames", expected, got, remedy });
}
