/** @file The iteration of the released code for Heaton & Wu Fung 2023. */

import { conv2d } from "../../../linear/conv2d.js";
import { define, type Model } from "../../../model.js";
import { convolution } from "../../../networks/convolution.js";
import { ball } from "../../../sets/ball.js";
import { norm } from "../../../sets/set.js";
import { add, leakyRelu, max, min, mul, sub } from "../../../tensor/primitives/elementwise.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { positive } from "../../../training/params/positive.js";
import { constantWeights, uniformWeights } from "../../../training/params/weights.js";
import { imageTerms } from "../models.js";
import type { Tomography } from "../tomography.js";
import { imageIteration, iterated, iterationSteps } from "./iteration.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";

export interface ReleasedOptions {
  /** Channels of K and R: 16 and 28 are those of the papers' smaller and larger networks. */
  readonly channels: number;
  /** αβ of the released defaults, 0.01, or of the follow-up's Bayesian optimization, 0.0169. */
  readonly step?: number;
  readonly seed: number;
}

/** Applications of T: its stopping test is never met before. */
export const RELEASED_STEPS = 200;
const LAYERS = 3;
/** ln of the relative radius before training, as released. */
const DELTA = Math.exp(-5);

/**
 * x⁺ = clip(x − 2αβ(Kᵀ(Kx − R(Kx)) + Aᵀ(Ax − P_B(Ax))), 0, 1),  B = {w : ‖w − d‖ ≤ δ‖d‖}.
 *
 *     R: p ← p + leakyRelu₀.₁(W_i ⋆ p + b_i), 5×5, i = 1 … 3
 *
 * What the released code computes under the name of L-ADMM: its dual variables are set to 0 in each iteration, so λ cancels and
 * ‖Ax − d‖ ≤ δ‖d‖ is a penalty, not a constraint. No guarantee is known and PSNR falls where it goes on past 200 iterations.
 * 75c² + 12c + 1 numbers are learned; the paper's count has Kᵀ, tied to K, once more, and α, β, λ, which get no gradient. *deviates:*
 * in training too the projection is that on the ball alone, because d lies outside it for every radius that is learned.
 *
 * @source TypalAcademy/xai-l2o, CT_L2O_Model, written as one line
 */
export function released(ct: Tomography, { channels, step = 0.01, seed }: ReleasedOptions): Model {
  const layers = Array.from({ length: LAYERS }, (_, i) => `R.${i}`);
  return define({
    name: `released c=${channels}`,
    params: {
      K: uniformWeights([channels, 1, 3, 3], { seed, label: "K" }),
      delta: positive([1], () => DELTA),
      ...Object.fromEntries(
        layers.flatMap((name) => [
          [`${name}.weight`, uniformWeights([channels, channels, 5, 5], { seed, label: name })],
          [`${name}.bias`, constantWeights([channels], 0)],
        ]),
      ),
    },
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: (_, { d, delta }) => imageTerms(ct, d, delta),
    split: (_, p, { d }) => {
      const { K, delta } = p as { readonly K: Tensor; readonly delta: Tensor };
      const filters = conv2d(K, { height: ct.size, width: ct.size });
      const inside = ball(d, mul(delta, norm(d)));
      const R = (v: Tensor) =>
        layers.reduce((u, name) => {
          const weights = p as Readonly<Record<string, Tensor>>;
          return add(u, leakyRelu(convolution(u, weights[`${name}.weight`]!, weights[`${name}.bias`]!), 0.1));
        }, v);
      return imageIteration("released", ct, (x) => {
        const Kx = filters.apply(x);
        const Ax = ct.operator.apply(x);
        const pull = add(filters.adjoint(sub(Kx, R(Kx))), ct.operator.adjoint(sub(Ax, inside.project(Ax))));
        return min(max(sub(x, mul(2 * step, pull)), 0), 1);
      });
    },
  });
}

/** `released` of 16 channels, or more, by JFB after 200 applications from zeros, on mean squared error. */
export const releasedMethod = (name: string, channels: number): LearnedMethod => {
  const learned: LearnedMethod = {
    name,
    manifest: "ct-released",
    summary: `the released iteration, ${channels} channels, 200 times; no guarantee`,
    definition: { channels, step: channels === 16 ? 0.0169 : 0.01 },
    recipe: { phases: 3, passes: 1, slices: channels === 16 ? 600 : 300, batch: 8, learningRate: 1e-3 },
    train: (ct, images, options) => {
      const { channels: c, step } = options.definition as { channels: number; step: number };
      const model = released(ct, { channels: c, step, seed: options.seed });
      return trainModel(learned, ct, model, iterationSteps(RELEASED_STEPS), images, options);
    },
    method: (ct, bundle) => {
      const { channels: c, step } = definitionOf(learned, bundle) as { channels: number; step: number };
      const model = released(ct, { channels: c, step, seed: 0 });
      return iterated({ name, model, weights: bundle.weights, rho: 1, parameters: model.size }, RELEASED_STEPS);
    },
  };
  return learned;
};
