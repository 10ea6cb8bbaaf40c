/** @file L2O with a learned prox: firmly nonexpansive, so that the iteration converges; no objective is known. */

import { clip } from "../../../layers/activation.js";
import { complement } from "../../../layers/complement.js";
import { learnedProx } from "../../../layers/learned-prox.js";
import { rescaled } from "../../../layers/rescaled.js";
import { ridgeGradient } from "../../../layers/ridge-gradient.js";
import { conv2d } from "../../../linear/conv2d.js";
import { spectrallyNormalized } from "../../../linear/spectrally-normalized.js";
import { define, type Model, type Param } from "../../../model.js";
import { random } from "../../../random.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
import { reshape } from "../../../tensor/primitives/broadcast.js";
import { mul } from "../../../tensor/primitives/elementwise.js";
import { filters } from "../../../training/params/filters.js";
import { positive } from "../../../training/params/positive.js";
import { constantWeights } from "../../../training/params/weights.js";
import { solved } from "../methods.js";
import { imageTerms, inside, LEARNED_RATIO, requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";

export interface ProxOptions {
  /** Channels of K, and of R inside. */
  readonly channels: number;
  readonly hidden: number;
  readonly rho: number;
  readonly seed: number;
}

/** Side of the filters of K and R. */
const SIDE = 5;
/** Size of the weights that begin without a meaning of their own. */
const SMALL = 1e-3;
/** γ before training. Where S = sI with s < 1, R(v) = (1 − s²)v for |v| ≤ γσ/s, which a small γ keeps small; a smaller one slows the iteration. */
const GAMMA = 0.3;

/**
 * L-ADMM with R in the place of the regularizer's prox, x in [0, 1]ⁿ and ‖Ax − d‖ ≤ ρδ.
 *
 *     R(v) = v − γσ Sᵀclip(Sv/(γσ) + b, −1, 1),  σ = δ/√rows,  ‖S‖ ≤ 1 at any weights
 *
 * Where S is the identity and b = 0, as nearly before training, R soft-thresholds at γσ.
 * R is I minus a 1-Lipschitz gradient: firmly nonexpansive, the prox of a convex function that has no formula. The iteration
 * converges to a point that meets the constraints; certified are those, its convergence and ‖Kx − R(Kx)‖, not optimality.
 *
 * @param options.channels  c of K [c, 1, 5, 5], zero-mean
 * @throws parameter if ρ is out of range
 * @source Heaton & Wu Fung 2023, eq. (17) with a learned prox; deviates: the paper's R is a residual network without a bound, with
 * which L-ADMM need not converge
 */
export function learnedProxCt(ct: Tomography, { channels, hidden, rho, seed }: ProxOptions): Model {
  requireRho("learnedProxCt", rho);
  const image = { height: ct.size, width: ct.size };
  const units = Math.sqrt(ct.matrix.rows);
  return define({
    name: "l2o_prox",
    params: {
      K: filters({ count: channels, size: SIDE }),
      S: embedding(hidden, channels, seed),
      b: constantWeights([hidden], 0),
      gamma: positive([1], () => GAMMA),
    },
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: ({ K, S, b, gamma }, { d, delta }) => {
      const unit = spectrallyNormalized(S, (W) => conv2d(W, image));
      const R = complement(ridgeGradient(unit, clip, reshape(b, [hidden, 1, 1])));
      const { box, fidelity } = imageTerms(ct, d, delta, rho);
      return {
        ...{ box, fidelity },
        regularization: { prox: learnedProx(rescaled(R, mul(gamma, mul(1 / units, delta)))), of: conv2d(K, image) },
      };
    },
    split: (problem, _, { d, delta }) => linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio: LEARNED_RATIO }),
  });
}

/** S is this times the array that is stored, so that its steps in training are so much smaller: its norm sums over the taps of all channels. */
const SLOWER = 0.1;

/** S [hidden, channels, 5, 5]: the identity in the first channels, small noise elsewhere. */
function embedding(hidden: number, channels: number, seed: number): Param {
  const shape = [hidden, channels, SIDE, SIDE];
  const centre = (SIDE * SIDE - 1) / 2;
  return {
    shape,
    read: (raw) => mul(SLOWER, raw),
    init: () => {
      const rng = random(seed).fork("S");
      const area = SIDE * SIDE;
      return Float32Array.from({ length: hidden * channels * area }, (_, k) => {
        const [out, from, tap] = [Math.floor(k / (channels * area)), Math.floor(k / area) % channels, k % area];
        return (SMALL * rng.normal() + (out === from && tap === centre ? 1 : 0)) / SLOWER;
      });
    },
  };
}

/** Solver steps of a visit. */
const STEPS = { warm: 12, cold: 156 };

/** `learnedProxCt` by JFB on mean squared error. */
export const proxMethod: LearnedMethod = {
  name: "l2o_prox",
  manifest: "ct-prox",
  summary: "learned firmly nonexpansive prox; converges, no objective",
  definition: { channels: 16, hidden: 32, rho: 0.8 },
  recipe: { phases: 1, passes: 12, slices: 240, batch: 8, learningRate: 2e-3 },
  train: (ct, images, options) => {
    const model = learnedProxCt(ct, { ...(options.definition as unknown as ProxOptions), seed: options.seed });
    return trainModel(proxMethod, ct, model, STEPS, images, options);
  },
  method: (ct, bundle) => {
    const definition = definitionOf(proxMethod, bundle) as unknown as ProxOptions;
    const model = learnedProxCt(ct, { ...definition, seed: 0 });
    const { rho } = definition;
    return solved({ name: "l2o_prox", model, weights: bundle.weights, rho, parameters: model.size + 1 });
  },
};
