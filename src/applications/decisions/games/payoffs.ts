/** @file The payoff network: a game predicted from its context, solved exactly, and learned through that. */

import type { OutsideLoss } from "../../../training/outside.js";
import { type CostNetwork, twoLayers } from "../network.js";
import { type Strategies, symmetricGame } from "./game.js";
import { GAME_DEFAULTS, type GameModelOptions } from "./model.js";
import { quantalEquilibrium, symmetricAdjoint } from "./quantal.js";

/** Payoffs above the diagonal of a symmetric game of n actions, row by row, from a context. */
export function payoffNetwork(n: number, options: Omit<GameModelOptions, "gamma" | "response"> = {}): CostNetwork {
  const { context, hidden, seed } = { ...GAME_DEFAULTS, ...options };
  return twoLayers([context, hidden, (n * (n - 1)) / 2], seed);
}

/** Loss of one predicted game against an equilibrium, with its gradient in the payoffs above the diagonal. */
export interface PayoffLoss {
  readonly value: number;
  readonly gradient: Float64Array;
}

/**
 * Mean squared error of the quantal response equilibrium x(B) of a predicted symmetric game, both players', and its gradient by the
 * implicit function theorem: with λ of `symmetricAdjoint`,
 *
 *     ∂ℓ/∂Bᵢⱼ = −λᵢxⱼ/τ,    of a payoff above the diagonal: (λⱼxᵢ − λᵢxⱼ)/τ
 *
 * @param above  payoffs above the diagonal
 * @throws as `quantalEquilibrium`
 * @source Ling, Fang & Kolter 2018, What game are we playing? End-to-end learning in normal and extensive form games
 */
export function payoffLoss(n: number, above: ArrayLike<number>, target: Strategies, temperature = 1): PayoffLoss {
  const game = symmetricGame(n, above);
  const { first: x } = quantalEquilibrium(game, temperature);
  const each = Array.from({ length: n }, (_, i) => [x[i]! - target.first[i]!, x[i]! - target.second[i]!] as const);
  const value = each.reduce((sum, [a, b]) => sum + a * a + b * b, 0) / (2 * n);
  const g = each.map(([a, b]) => (a + b) / n);
  const lambda = symmetricAdjoint(game, temperature, x, g);
  const gradient = new Float64Array(above.length);
  let k = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) gradient[k++] = (lambda[j]! * x[i]! - lambda[i]! * x[j]!) / temperature;
  }
  return { value, gradient };
}

/** The loss of a batch; targets are [count, 2n], the first player's strategy first. */
export function payoffLosses(n: number): OutsideLoss {
  return (x, target) => {
    const count = x.shape[0]!;
    const pairs = x.data.length / count;
    const gradient = new Float32Array(x.data.length);
    const losses = Float32Array.from({ length: count }, (_, s) => {
      const equilibrium = {
        first: target.data.subarray(2 * n * s, 2 * n * s + n),
        second: target.data.subarray(2 * n * s + n, 2 * n * (s + 1)),
      };
      const own = payoffLoss(n, Float64Array.from(x.data.subarray(s * pairs, (s + 1) * pairs)), equilibrium);
      gradient.set(own.gradient, s * pairs);
      return own.value;
    });
    return { losses: { shape: [count], data: losses }, gradient: { shape: x.shape, data: gradient } };
  };
}
