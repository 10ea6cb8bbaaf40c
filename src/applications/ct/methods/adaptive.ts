/** @file L2O in two stages: a small network names weights and an offset, and a convex problem of these answers. */

import { prove } from "../../../certificates/certify.js";
import { openAll } from "../../../engine/open-all.js";
import { compile } from "../../../engine/session.js";
import type { Bundle } from "../../../files/bundle.js";
import { conv2d } from "../../../linear/conv2d.js";
import { compileModel, feedParams } from "../../../model.js";
import { perSample } from "../../../sets/set.js";
import type { Solution } from "../../../solvers/solve.js";
import { sum } from "../../../tensor/primitives/broadcast.js";
import { abs, add, div, log, max, min, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { constant, stopGradient } from "../../../tensor/primitives/leaf.js";
import { elements, type Tensor } from "../../../tensor/tensor.js";
import { type NetworkLoss, networkInputs, networkSize } from "../../../training/network.js";
import { filters } from "../../../training/params/filters.js";
import { squaredError } from "../../../training/squared-error.js";
import { CT_SOLVE, ctSolver, isSolved, type Method } from "../methods.js";
import type { Tomography } from "../tomography.js";
import { networkData, withStart } from "./external.js";
import { definitionOf, type LearnedMethod, trainNetwork } from "./learned.js";
import { type ReconstructorOptions, reconstructor } from "./reconstructor.js";
import { weightedConvex } from "./weighted.js";

interface AdaptiveOptions extends ReconstructorOptions {
  /** Share of δ_cert that the second stage solves in. */
  readonly rho: number;
}

/** Share of the second loss: small beside the first, which it does not move. */
const SHARE = 1e-6;

/**
 * ‖u − x*‖²/n + 10⁻⁶ · mean(Λ|K ⋆ (u − x*)| − log Λ), the second for Λ alone.
 *
 * Its minimum in Λ is the scale of a Laplace law of the offset's errors by maximum likelihood, so that the second stage is the most
 * likely image under that law and the constraints.
 */
export function adaptiveLoss(
  ct: Tomography,
  { count, side }: Pick<ReconstructorOptions, "count" | "side">,
): NetworkLoss {
  const K = fixedFilters(count, side);
  return (outputs, target) => {
    const { x, weights } = outputs as { readonly x: Tensor; readonly weights: Tensor };
    const errors = abs(conv2d(K, { height: ct.size, width: ct.size }).apply(sub(stopGradient(x), target)));
    const each = sub(mul(weights, errors), log(weights));
    const likelihood = div(sum(each, [1, 2, 3]), elements(each.shape));
    return add(squaredError(x, target), mul(SHARE, likelihood));
  };
}

/**
 * The two stages: (u, Λ) = `reconstructor`(d), then `weightedConvex` with u clipped to [0, 1] and Λ divided by its mean.
 *
 * The certificates are those of the second problem: given u and Λ, the answer meets the box and ‖Ax − d‖ ≤ δ and no feasible image
 * has an objective lower by more than the gap. Of u itself nothing is certified: what the network made up of the null space of A
 * stays in x. The distance to the answer of the plain convex model says how much there is to believe.
 *
 * @source Goujon et al. 2024 (arXiv 2406.12289), spatially adaptive regularization; deviates: an offset too, and weights by maximum
 * likelihood instead of through the solution
 */
export const adaptiveMethod: LearnedMethod = {
  name: "l2o_adaptive",
  manifest: "ct-adaptive",
  summary: "a small network, then a convex problem with its weights and offset; the second is provable",
  definition: { steps: 8, width: 32, memory: 4, count: 24, side: 5, rho: 0.8 },
  recipe: { phases: 18, passes: 1, slices: 893, batch: 8, learningRate: 1e-3 },
  train: (ct, images, options) => {
    const asked = options.definition as unknown as AdaptiveOptions;
    const network = reconstructor(ct, asked, options.seed);
    const loss = adaptiveLoss(ct, asked);
    return trainNetwork(adaptiveMethod, ct, network, (set) => withStart(ct, set), images, { ...options, loss });
  },
  method: adaptive,
};

function adaptive(ct: Tomography, bundle: Bundle): Method {
  const asked = definitionOf(adaptiveMethod, bundle) as unknown as AdaptiveOptions;
  const { count, side, rho } = asked;
  const network = reconstructor(ct, asked, 0);
  const model = weightedConvex(ct, { count, size: side, rho });
  const K = model.initialWeights();
  const method: Method = {
    ...{ name: "l2o_adaptive", model, weights: bundle.weights, rho, parameters: networkSize(network) + 1 },
    open: async (engine = {}) => {
      const { read, fed } = networkInputs(network);
      const { x, weights } = network.apply(read, fed);
      const {
        opened: [first, second],
        dispose,
      } = await openAll([
        () => compile([min(max(x, 0), 1), normalized(weights!)], engine),
        () => compileModel(model, K, { ...engine, solver: ctSolver }),
      ]);
      /** What each answer was solved with. */
      const known = new WeakMap<object, Parameters<typeof second.solve>[0]>();
      return {
        method,
        reconstruct: async (measurements, solve = {}) => {
          const { d, delta, start } = networkData(ct, measurements);
          const [offset, scale] = await first.run({ "data.d": d, "data.start": start, ...feedParams(bundle.weights) });
          const data = { d, delta, offset: offset!, weights: scale! };
          const begin = { start: { x: offset! } };
          const solution = await second.solve(data, { ...CT_SOLVE, strict: false, ...begin, ...solve });
          known.set(solution, data);
          return solution;
        },
        terms: (made) => ({ model, weights: K, data: known.get(made)! }),
        prove: (_, made) => {
          const data = known.get(made);
          return data && isSolved(made) ? prove(second, data, made as Solution) : made;
        },
        dispose,
        [Symbol.asyncDispose]: dispose,
      };
    },
  };
  return method;
}

/** Λ over its mean in each sample: the scale of an objective under constraints is immaterial, and steps are made for 1. */
function normalized(weights: Tensor) {
  const mean = div(sum(weights, [1, 2, 3]), elements(weights.shape));
  return div(weights, perSample(mean, weights));
}

/** The cosine filters that errors are measured with: not learned. */
function fixedFilters(count: number, side: number) {
  const { shape, init, read } = filters({ count, size: side });
  return read!(constant(init(), shape));
}
