/** @file F-FPN: a residual network followed by a step of DROP, iterated. */

import { define, type Model, type Param } from "../../../model.js";
import { convolution } from "../../../networks/convolution.js";
import type { Operator } from "../../../operator.js";
import { add, leakyRelu, max, min, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { slice } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { constantWeights, uniformWeights } from "../../../training/params/weights.js";
import { imageTerms } from "../models.js";
import type { Tomography } from "../tomography.js";
import { imageIteration, iterated, iterationSteps } from "./iteration.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";

/** Channels, and how many convolutions there are. */
const CHANNELS = 44;
const LAYERS = 4;
/** Length of the DROP step, below 2. */
const STEP = 1.99;
/** Largest value the network may hand on. */
const CEILING = 10;
/** Applications of T: the official evaluation. */
export const FFPN_STEPS = 100;

/**
 * T(u) = w − 1.99 D Aᵀ(Aw − d),  w = clip(S(u), 0, 10),  D = diag(1/nonzeros of a column of A).
 *
 *     S: u ← u_ref + leakyRelu₀.₁(W_i ⋆ u + b_i), i = 1 … 4, u_ref = u, channel 0 of it in the last
 *
 * 99,133 numbers. There is no bound of T's Lipschitz constant: 100 applications are the method, and its status says that they do not
 * converge. *deviates:* trained without the released code's rescaling by a ratio of norms on one batch, which bounds nothing.
 *
 * @source Heaton, Wu Fung, Gibali & Yin 2021, Feasibility-based fixed point networks, eq. (20), (25); its released code
 */
export function ffpn(ct: Tomography, seed: number): Model {
  const sides = (i: number) => [i === 0 ? 1 : CHANNELS, i === LAYERS - 1 ? 1 : CHANNELS] as const;
  const params: Record<string, Param> = {};
  for (let i = 0; i < LAYERS; i++) {
    const [from, to] = sides(i);
    params[`convs.${i}.weight`] = uniformWeights([to, from, 5, 5], { seed, label: `convs.${i}`, gain: 0.1 });
    params[`convs.${i}.bias`] = constantWeights([to], 0);
  }
  return define({
    name: "ffpn",
    params,
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: (_, { d, delta }) => imageTerms(ct, d, delta),
    split: (_, p, { d }) => ffpnOperator(ct, p, d),
  });
}

function ffpnOperator(ct: Tomography, p: Readonly<Record<string, Tensor>>, d: Tensor): Operator {
  const A = ct.operator;
  const counts = new Float64Array(ct.matrix.columns);
  for (const column of ct.matrix.indices) counts[column]!++;
  const D = constant(
    Float32Array.from(counts, (count) => (count === 0 ? 0 : STEP / count)),
    [1, 1, ct.size, ct.size],
  );
  const network = (u: Tensor) => {
    let v = u;
    for (let i = 0; i < LAYERS; i++) {
      const reference = i === LAYERS - 1 ? slice(v, 1, 0, 1) : v;
      v = add(reference, leakyRelu(convolution(v, p[`convs.${i}.weight`]!, p[`convs.${i}.bias`]!), 0.1));
    }
    return min(max(v, 0), CEILING);
  };
  return imageIteration("F-FPN", ct, (u) => {
    const w = network(u);
    return sub(w, mul(D, A.adjoint(sub(A.apply(w), d))));
  });
}

/** `ffpn` by JFB after 100 applications from zeros, on mean squared error. */
export const ffpnMethod: LearnedMethod = {
  name: "ffpn",
  manifest: "ct-ffpn",
  summary: "residual network and a step of DROP, 100 times; no guarantee",
  definition: {},
  recipe: { phases: 3, passes: 1, slices: 240, batch: 8, learningRate: 1e-5 },
  train: (ct, images, options) =>
    trainModel(ffpnMethod, ct, ffpn(ct, options.seed), iterationSteps(FFPN_STEPS), images, options),
  method: (ct, bundle) => {
    definitionOf(ffpnMethod, bundle);
    const model = ffpn(ct, 0);
    const { weights } = bundle;
    return iterated({ name: "ffpn", model, weights, rho: 1, parameters: model.size }, FFPN_STEPS);
  },
};
