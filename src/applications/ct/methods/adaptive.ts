/** @file L2O in two stages: a network's image names the weights of a learned regularizer, and a convex problem of these answers. */

import { neumann } from "../../../backward/neumann.js";
import { prove } from "../../../certificates/certify.js";
import { openAll } from "../../../engine/open-all.js";
import { compile, type EngineOptions, type Float32 } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { weightedL1 } from "../../../functions/weighted-l1.js";
import { conv2d } from "../../../linear/conv2d.js";
import { compileModel, define, feedParams, type Model, requireWeights, type Weights } from "../../../model.js";
import { perSample } from "../../../sets/set.js";
import { gather, scatter } from "../../../solvers/rows.js";
import type { Solution } from "../../../solvers/solve.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
import { sum } from "../../../tensor/primitives/broadcast.js";
import { div, max, min } from "../../../tensor/primitives/elementwise.js";
import { input } from "../../../tensor/primitives/leaf.js";
import { elements, type Tensor } from "../../../tensor/tensor.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { networkInputs, networkSize } from "../../../training/network.js";
import { CT_SOLVE, ctSolver, isSolved, type Method } from "../methods.js";
import { imageTerms, inside, LEARNED_RATIO, requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";
import { networkData, starts } from "./external.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";
import { type UnrolledOptions, unrolledNetwork } from "./unrolled.js";
import { majorantWeights, type WeakOptions, weakParams } from "./weak.js";
import { weightedConvex } from "./weighted.js";

type AdaptiveOptions = UnrolledOptions & WeakOptions;

/** Solver steps of a visit. */
const STEPS = { warm: 12, cold: 156 };
/** k of the gradient's series. */
const ORDER = 20;

/**
 * min Σ_c ⟨Λ_c, |K_c ⋆ x|⟩ s.t. x ∈ [0, 1]ⁿ, ‖Ax − d‖ ≤ ρδ, Λ_c = τ_c ε_c/(ε_c + |K_c ⋆ u|) over its mean: convex, as u is data.
 *
 * Λ are the slopes at u of the penalty of `weaklyConvex`: where u has an edge, an edge costs little.
 *
 * @throws parameter if ρ is out of range
 * @source Goujon et al. 2024 (arXiv 2406.12289), spatially adaptive regularization; deviates: slopes of a log-sum in the place of a network
 * that names the weights; Candès, Wakin & Boyd 2008 (reweighted ℓ1)
 */
export function adaptiveConvex(ct: Tomography, options: WeakOptions): Model {
  const { rho } = options;
  requireRho("adaptiveConvex", rho);
  return define({
    name: "l2o_adaptive",
    params: weakParams(options),
    data: { d: ["N", ct.matrix.rows], delta: ["N"], guide: ["N", 1, ct.size, ct.size] },
    problem: ({ K, tau, epsilon }, { d, delta, guide }) => {
      const { box, fidelity } = imageTerms(ct, d, delta, rho);
      const prox = weightedL1(normalized(majorantWeights(ct, K, tau, epsilon, delta, guide)));
      const of = conv2d(K, { height: ct.size, width: ct.size });
      return { box, fidelity, regularization: { prox, of } };
    },
    split: (problem, _, { d, delta }) => linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio: LEARNED_RATIO }),
  });
}

/**
 * The two stages: u = `unrolled`(d) clipped to [0, 1], then `adaptiveConvex`.
 *
 * The certificates are those of the second problem: given the weights that u names, the answer meets the box and ‖Ax − d‖ ≤ δ and no
 * feasible image has an objective lower by more than the gap. Of u itself nothing is certified; x takes no value from it, only
 * where edges are cheap. The distance to the answer of the plain convex model says how much that is. The network's weights are those
 * it begins with: training moves K, τ and ε, through the solution.
 */
export const adaptiveMethod: LearnedMethod = {
  name: "l2o_adaptive",
  manifest: "ct-adaptive",
  summary: "a network's image names weights, then a convex problem with them; the second is provable",
  definition: { steps: 8, width: 32, memory: 4, count: 32, size: 7, rho: 0.8, knee: 0.7 },
  recipe: { phases: 1, passes: 8, slices: 320, batch: 8, learningRate: 1e-3 },
  async train(ct, images, options) {
    const asked = options.definition as unknown as AdaptiveOptions;
    const model = adaptiveConvex(ct, asked);
    const [network, initial] = parted(model, options.initial ?? {});
    requireNetwork(ct, asked, network);
    const { bundle, result } = await trainModel(adaptiveMethod, ct, model, STEPS, images, {
      ...{ ...options, initial, backward: neumann(ORDER) },
      feed: (set, phases) => guided(ct, asked, network, set, phases, options),
    });
    return { bundle: { ...bundle, weights: { ...network, ...bundle.weights } }, result };
  },
  method: adaptive,
};

/** Arrays of the network, and those of the regularizer. */
function parted({ params }: Model, weights: Weights): [network: Weights, regularizer: Weights] {
  const all = Object.entries(weights);
  const own = (name: string) => params[name] !== undefined;
  return [
    Object.fromEntries(all.filter(([name]) => !own(name))),
    Object.fromEntries(all.filter(([name]) => own(name))),
  ];
}

function requireNetwork(ct: Tomography, asked: AdaptiveOptions, weights: Weights): void {
  if (Object.keys(weights).length === 0) {
    throw new VouchError("parameter", {
      name: "train ct: l2o_adaptive",
      expected: "a trained network to begin with",
      got: "none",
      remedy: "Train it by --method unrolled, and pass its file by --init, with one of l2o_weak after a comma.",
    });
  }
  requireWeights("l2o_adaptive", unrolledNetwork(ct, asked, 0), weights);
}

/** u of measurements. */
async function openNetwork(ct: Tomography, options: AdaptiveOptions, weights: Weights, engine: EngineOptions) {
  const network = unrolledNetwork(ct, options, 0);
  const { read, fed } = networkInputs(network);
  const { x } = network.apply(read, fed);
  const session = await compile([min(max(x, 0), 1)], engine);
  return {
    async guide(d: Float32): Promise<Float32> {
      const [u] = await session.run({ "data.d": d, "data.start": starts(ct, d.data), ...feedParams(weights) });
      return u!;
    },
    dispose: () => session.dispose(),
  };
}

/** Examples with the network's images as `guide`, made once for every phase. */
async function guided(
  ct: Tomography,
  asked: AdaptiveOptions,
  weights: Weights,
  set: TrainingSet,
  phases: readonly number[],
  options: EngineOptions & { readonly batch: number },
): Promise<TrainingSet> {
  const network = await openNetwork(ct, asked, weights, options);
  const made = new Map<number, Float32>();
  try {
    for (const phase of phases) {
      const all = { shape: [set.count, 1, ct.size, ct.size], data: new Float32Array(set.count * ct.size ** 2) };
      for (let first = 0; first < set.count; first += options.batch) {
        const rows = Array.from({ length: Math.min(options.batch, set.count - first) }, (_, i) => first + i);
        scatter(await network.guide(set.examples(rows, phase).data["d"]!), rows, all);
      }
      made.set(phase, all);
    }
  } finally {
    await network.dispose();
  }
  return {
    count: set.count,
    examples(indices, phase) {
      const { data, target } = set.examples(indices, phase);
      return { data: { ...data, guide: gather(made.get(phase)!, indices) }, target };
    },
  };
}

function adaptive(ct: Tomography, bundle: Bundle): Method {
  const asked = definitionOf(adaptiveMethod, bundle) as unknown as AdaptiveOptions;
  const own = adaptiveConvex(ct, asked);
  const network = unrolledNetwork(ct, asked, 0);
  const params = { ...network.params, ...own.params };
  requireWeights("l2o_adaptive", { name: "l2o_adaptive", params }, bundle.weights);
  const [before, regularizer] = parted(own, bundle.weights);
  const model = weightedConvex(ct, asked);
  const K = { K: regularizer["K"]! };
  const method: Method = {
    ...{ name: "l2o_adaptive", model, weights: bundle.weights, rho: asked.rho, constants: { knee: asked.knee } },
    parameters: networkSize(network) + own.size + 1,
    open: async (engine = {}) => {
      const { read, data: fed } = own.trace();
      const {
        K: filters,
        tau,
        epsilon,
      } = read as { readonly K: Tensor; readonly tau: Tensor; readonly epsilon: Tensor };
      const point = input("u", ct.operator.domain);
      const slopes = normalized(majorantWeights(ct, filters, tau, epsilon, fed["delta"]!, point));
      const {
        opened: [first, weigh, second],
        dispose,
      } = await openAll([
        () => openNetwork(ct, asked, before, engine),
        () => compile([slopes], engine),
        () => compileModel(model, K, { ...engine, solver: ctSolver }),
      ]);
      /** What each answer was solved with. */
      const known = new WeakMap<object, Parameters<typeof second.solve>[0]>();
      return {
        method,
        reconstruct: async (measurements, solve = {}) => {
          const { d, delta } = networkData(ct, measurements);
          const u = await first.guide(d);
          const [weights] = await weigh.run({ ...feedParams(regularizer), "data.delta": delta, u });
          const data = { d, delta, weights: weights! };
          const solution = await second.solve(data, { ...CT_SOLVE, strict: false, start: { x: u }, ...solve });
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
