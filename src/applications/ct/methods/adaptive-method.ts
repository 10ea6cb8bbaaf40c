/** @file L2O in two stages: a network's image names the weights of a learned regularizer, and a convex problem of these answers. */

import { prove } from "../../../certificates/certify.js";
import { openAll } from "../../../engine/open-all.js";
import { compile, type EngineOptions, type Float32 } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { compileModel, feedParams, type Model, requireWeights, type Weights } from "../../../model.js";
import { gather, scatter } from "../../../solvers/rows.js";
import type { Solution } from "../../../solvers/solve.js";
import { max, min } from "../../../tensor/primitives/elementwise.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { networkInputs, networkSize } from "../../../training/network.js";
import { CT_SOLVE, ctSolver, isSolved, type Method, solverData } from "../methods.js";
import type { Tomography } from "../tomography.js";
import { adaptiveConvex, guidedWeights } from "./adaptive.js";
import { starts } from "./external.js";
import { definitionOf, type LearnedMethod, type TrainCtOptions, trainModel } from "./learned.js";
import { SERIES_STEPS, series } from "./series.js";
import { type UnrolledOptions, unrolledNetwork } from "./unrolled-network.js";
import type { WeakOptions } from "./weak.js";
import { weightedConvex } from "./weighted.js";

type AdaptiveOptions = UnrolledOptions & WeakOptions;

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
  begins: ["unrolled", "l2o_weak"],
  recipe: { phases: 1, passes: 8, slices: 320, batch: 8, learningRate: 1e-3 },
  async train(ct, images, options) {
    const asked = options.definition as unknown as AdaptiveOptions;
    const model = adaptiveConvex(ct, asked);
    const [network, initial] = parted(model, options.initial ?? {});
    requireNetwork(ct, asked, network);
    const { bundle, result } = await trainModel(adaptiveMethod, ct, model, SERIES_STEPS, images, {
      ...{ ...options, initial, backward: series },
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

/** Examples with the network's images as `guide`, made before training: 4 bytes a pixel of each image and phase. @throws cancelled */
async function guided(
  ct: Tomography,
  asked: AdaptiveOptions,
  weights: Weights,
  set: TrainingSet,
  phases: readonly number[],
  options: EngineOptions & Pick<TrainCtOptions, "batch" | "signal">,
): Promise<TrainingSet> {
  const network = await openNetwork(ct, asked, weights, options);
  const made = new Map<number, Float32>();
  try {
    for (const phase of phases) {
      const all = { shape: [set.count, 1, ct.size, ct.size], data: new Float32Array(set.count * ct.size ** 2) };
      for (let first = 0; first < set.count; first += options.batch) {
        if (options.signal?.aborted) throw cancelled(phase);
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

function cancelled(phase: number): VouchError {
  const [name, expected] = ["train ct: l2o_adaptive", "to make the network's images"];
  return new VouchError("cancelled", { name, expected, got: `a cancel in phase ${phase}`, remedy: "Start again." });
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
      const params = read as Readonly<Record<"K" | "tau" | "epsilon", Tensor>>;
      const slopes = guidedWeights(ct, params, fed["delta"]!, input("u", ct.operator.domain));
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
          const { d, delta } = solverData(measurements);
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
