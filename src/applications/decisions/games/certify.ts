/** @file Certificates of a pair of strategies in a game: shares that are shares, and what deviating could gain. */

import type { Calibration } from "../../../certificates/calibration.js";
import { VouchError } from "../../../errors.js";
import { calibrateDecisions, certifyDecision, type DecisionCertificate } from "../certificates.js";
import { type ExploitabilityVerdict, proveExploitability } from "./exploitability.js";
import type { Game, Strategies } from "./game.js";
import type { GameDecision } from "./play.js";
import { quantalGap } from "./quantal-gap.js";

/** What is certified of strategies, each ≥ 0 and small for good ones. */
export const GAME_PROPERTIES = ["simplex", "exploitability", "response"] as const;
export type GameProperty = (typeof GAME_PROPERTIES)[number];

/** Strategies seen in a game. */
export interface JudgedStrategies {
  readonly values: Readonly<Record<GameProperty, number>>;
  readonly proof: ExploitabilityVerdict;
}

export type GameCertificate = DecisionCertificate<GameProperty>;

/**
 * Hold strategies against the game that they are for, in float64 and whole numbers, without the model or the engine:
 *
 *     simplex = max(|Σx₁ − 1|, |Σx₂ − 1|, −min x)      exploitability: `proveExploitability`      response: `quantalGap`
 *
 * @param temperature  τ of the response; default 1
 * @throws shape; as `matrixGame`; data naming the share that makes no strategy
 */
export function judgeStrategies(game: Game, strategies: Strategies, temperature = 1): JudgedStrategies {
  const proof = proveExploitability(game, strategies);
  if (proof.verdict !== "VERIFIED") {
    const remedy = "Look at the status of the solve.";
    throw new VouchError("data", { name: "judgeStrategies", expected: "shares ≥ 0", got: proof.detail, remedy });
  }
  const off = [strategies.first, strategies.second].map((shares) => {
    const sum = Array.from(shares).reduce((total, share) => total + share, 0);
    return Math.max(Math.abs(sum - 1), ...Array.from(shares, (share) => -share));
  });
  const response = quantalGap(game, strategies, temperature);
  return { values: { simplex: Math.max(...off), exploitability: proof.exploitability, response }, proof };
}

/**
 * Values of the strategies for held-out contexts, in their games: eq. (13) with the model's usual inferences as reference.
 *
 * @throws certificate if a context comes twice or was trained on
 */
export async function calibrateGames(
  decisions: readonly Pick<GameDecision, "context">[],
  judged: readonly JudgedStrategies[],
  trainedOn: readonly string[] = [],
): Promise<Calibration> {
  const both = decisions.map(({ context }, n) => ({ context, values: judged[n]!.values }));
  return calibrateDecisions(GAME_PROPERTIES, both, trainedOn);
}

/** Label strategies in their game. @throws certificate if there are too few calibration values */
export function certifyGame({ values }: JudgedStrategies, calibration: Calibration): GameCertificate[] {
  return certifyDecision(GAME_PROPERTIES, values, calibration, reason);
}

function reason(property: GameProperty, value: number): string {
  const digits = value.toExponential(1);
  const sentences: Readonly<Record<GameProperty, string>> = {
    simplex: `shares of actions are ${digits} away from adding up to 1`,
    exploitability:
      value === 0
        ? "neither player can gain by another strategy, in exact arithmetic"
        : `best answers gain ${digits} of the payoffs' unit, in exact arithmetic`,
    response: `with the entropies both players could gain ${digits}: the equilibrium is within ${Math.sqrt(2 * value).toExponential(1)}`,
  };
  return sentences[property];
}
