/** @file The Nash fixed-point network: a learned game whose equilibrium is the prediction. */

import { VouchError } from "../../../errors.js";
import { indicator } from "../../../functions/indicator.js";
import { matrix } from "../../../linear/matrix.js";
import { spectrallyNormalized } from "../../../linear/spectrally-normalized.js";
import { define, type Model, type Param } from "../../../model.js";
import type { Operator } from "../../../operator.js";
import { random } from "../../../random.js";
import { product } from "../../../sets/product.js";
import { inner, norm } from "../../../sets/set.js";
import { simplex } from "../../../sets/simplex.js";
import { zeros } from "../../../tensor/primitives/broadcast.js";
import { add, div, max, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { Tree } from "../../../tensor/tree.js";
import { twoLayers } from "../network.js";
import { type Response, softmaxResponse } from "./response.js";

export interface GameModelOptions {
  /** Numbers of a context. Default 3. */
  readonly context?: number;
  /** Neurons of the network of payoffs. Default 50. */
  readonly hidden?: number;
  /** How strongly players answer each other, in [0, 1). Default 0.9. */
  readonly gamma?: number;
  /** Default `softmaxResponse`. */
  readonly response?: Response;
  /** Seed of the start. Default 1. */
  readonly seed?: number;
}

/** Of the model in `GameModelOptions`. */
export const GAME_DEFAULTS = { context: 3, hidden: 50, gamma: 0.9, seed: 1 } as const;

/**
 * Predict the strategies x = (x₁, x₂) of a game from its context d as the equilibrium of a learned game:
 *
 *     T(x) = R(γSx + q_Θ(d)),    S = A/max(1, ‖A‖),    q_Θ two layers,    R a response of each player by himself
 *
 * With R the projection this is x⁺ = P(x − F(x; d)) for F(x; d) = x − γSx − q_Θ(d), (1 − γ)-strongly monotone at any weights, so that
 * the learned game has one equilibrium; with the softmax, F has the gradient of the entropies in the place of x. T is a
 * γ·Lip(R)-contraction, as JFB's theorem asks. Payoffs are never seen: A and Θ are learned from
 * contexts and equilibria. The answer is [N, rows + columns].
 *
 * deviates from the published F(x; d) = W(x + q(d)) + x, because: no condition on W makes that
 * converge, nor its equilibrium the only one
 *
 * @throws parameter if a player has fewer than 2 actions, or γ is not in [0, 1)
 * @source Heaton, McKenzie, Li, Wu Fung, Osher & Yin 2021, Learning to predict equilibria via fixed point networks (arXiv 2106.00906), §5.1
 */
export function gameModel(rows: number, columns: number, options: GameModelOptions = {}): Model {
  const { context, hidden, gamma, seed } = { ...GAME_DEFAULTS, ...options };
  const { response = softmaxResponse } = options;
  if (!(rows >= 2 && columns >= 2 && gamma >= 0 && gamma < 1)) {
    const got = `${rows} and ${columns}, γ = ${gamma}`;
    const remedy = "Leave γ out for 0.9.";
    throw new VouchError("parameter", {
      name: "gameModel",
      expected: "2 actions or more and γ in [0, 1)",
      got,
      remedy,
    });
  }
  const size = rows + columns;
  const payoffs = twoLayers([context, hidden, size], seed);
  const strategies = product([rows, columns].map((length) => ({ length, set: simplex() })));
  return define({
    name: "games",
    params: { ...(payoffs.params as Readonly<Record<string, Param>>), A: uniform(size, seed) },
    data: { d: ["N", context] },
    problem: () => ({ simplex: { prox: indicator(strategies) } }),
    split: (_, { A, ...params }, { d }) => {
      const S = spectrallyNormalized(A!, matrix);
      const q = payoffs.cost(params, d as Tensor);
      const respond = (u: Tensor) =>
        concat([response.to(slice(u, 1, 0, rows)), response.to(slice(u, 1, rows, size))], 1);
      const lipschitz = gamma * response.lipschitz;
      return contraction((x) => respond(add(mul(gamma, S.apply(x)), q)), zeros(["N", size]), {
        factor: lipschitz,
        bound: mul(lipschitz, S.norm().value),
      });
    },
  });
}

function contraction(
  T: (x: Tensor) => Tensor,
  start: Tensor,
  { factor, bound }: { readonly factor: number; readonly bound: Tensor },
): Operator {
  const only = (z: Tree) => (z as { readonly x: Tensor }).x;
  return {
    name: "N-FPN",
    init: () => ({ x: start }),
    apply: (z) => ({ x: T(only(z)) }),
    read: only,
    residuals: (z, z1) => ({ response: div(norm(sub(only(z1), only(z))), max(norm(only(z1)), TINY)) }),
    conditions: () => [{ text: `Lip(T) ≤ γ Lip(R) = ${factor}`, left: bound, right: constant(factor) }],
    metric: (z) => inner(only(z), only(z)),
    averagedness: (1 + factor) / 2,
  };
}

/** Strategies have norms ≥ 1/√n: this only keeps the start, zero, finite. */
const TINY = 1e-12;

function uniform(size: number, seed: number): Param {
  return {
    shape: [size, size],
    init: () => {
      const stream = random(seed).fork("A");
      const bound = 1 / Math.sqrt(size);
      return Float32Array.from({ length: size * size }, () => bound * (2 * stream.uniform() - 1));
    },
  };
}
