/** @file How far strategies are from a quantal response equilibrium, without knowing it. */

import { VouchError } from "../../../errors.js";
import { costs, type Game, gains, requireFit, requireGame, type Strategies } from "./game.js";

/** ‖x − (softmax(−Bx₂/τ), softmax(Bᵀx₁/τ))‖∞: 0 exactly at the equilibrium. */
export function responseDistance(game: Game, strategies: Strategies, temperature = 1): number {
  const u = earnings(game, strategies, temperature);
  const apart = (x: ArrayLike<number>, of: Float64Array) => {
    const level = logSumExp(of);
    return of.reduce((most, value, i) => Math.max(most, Math.abs(x[i]! - Math.exp(value - level))), 0);
  };
  return Math.max(apart(strategies.first, u.first), apart(strategies.second, u.second));
}

/**
 * What both players together could gain by deviating, where each also pays τ Σ x log x:
 *
 *     gap(x) = τ KL(x₁ ‖ softmax(−Bx₂/τ)) + τ KL(x₂ ‖ softmax(Bᵀx₁/τ)) ≥ τ KL(x₁ ‖ x₁*) + τ KL(x₂ ‖ x₂*)
 *
 * so that ‖x₁ − x₁*‖₁² + ‖x₂ − x₂*‖₁² ≤ 2 gap/τ, x* the equilibrium, without knowing it. In float64; strategies are divided by their
 * sums first.
 *
 * @throws parameter if τ is not > 0; shape; as `matrixGame`
 * @source L(x₁, x₂) = x₁ᵀBx₂ + τ Σ x₁ log x₁ − τ Σ x₂ log x₂ less its least value in x₁ is the first term, and L(x₁, x₂*) − L(x*)
 * is τ KL(x₁ ‖ x₁*); likewise in x₂. Then Pinsker's inequality
 */
export function quantalGap(game: Game, strategies: Strategies, temperature = 1): number {
  requireGame("quantalGap", game);
  requireFit("quantalGap", game, strategies);
  requireTemperature("quantalGap", temperature);
  const [first, second] = [normalized(strategies.first), normalized(strategies.second)];
  const u = earnings(game, { first, second }, temperature);
  const divergence = (x: Float64Array, of: Float64Array) => {
    const level = logSumExp(of);
    return x.reduce((sum, share, i) => sum + (share > 0 ? share * (Math.log(share) - of[i]! + level) : 0), 0);
  };
  // A divergence is ≥ 0; its sum can round below.
  return temperature * (Math.max(0, divergence(first, u.first)) + Math.max(0, divergence(second, u.second)));
}

/** −Bx₂/τ and Bᵀx₁/τ. */
function earnings(game: Game, { first, second }: Strategies, temperature: number) {
  return {
    first: costs(game, second).map((value) => -value / temperature),
    second: gains(game, first).map((value) => value / temperature),
  };
}

function logSumExp(u: Float64Array): number {
  const top = u.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return top + Math.log(u.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

function normalized(x: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(x);
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** @throws parameter unless τ > 0 */
export function requireTemperature(name: string, temperature: number): void {
  if (temperature > 0 && Number.isFinite(temperature)) return;
  const remedy = "A game without entropy has Nash equilibria: nashEquilibrium.";
  throw new VouchError("parameter", { name, expected: "a temperature > 0", got: `${temperature}`, remedy });
}
