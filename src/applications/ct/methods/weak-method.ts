/** @file L2O with a weakly convex regularizer: stationarity is certified, not optimality. */

import { withProofs } from "../../../certificates/certify.js";
import { openAll } from "../../../engine/open-all.js";
import { compile } from "../../../engine/session.js";
import { compileModel, feedParams, type Weights } from "../../../model.js";
import { gather } from "../../../solvers/rows.js";
import type { Solution, SolveOptions } from "../../../solvers/solve.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { CT_SOLVE, ctSolver, type Method, solverData } from "../methods.js";
import type { Tomography } from "../tomography.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";
import { SERIES_STEPS, series } from "./series.js";
import { majorantWeights, stationarity, type WeakOptions, weaklyConvex } from "./weak.js";
import { weightedConvex } from "./weighted.js";

/** `weaklyConvex` by a Neumann series of its gradient, on mean squared error. */
export const weakMethod: LearnedMethod = {
  name: "l2o_weak",
  manifest: "ct-weak",
  summary: "learned weakly convex regularizer; stationarity provable",
  definition: { count: 32, size: 7, rho: 0.8, knee: 0.7 },
  recipe: { phases: 1, passes: 10, slices: 480, batch: 8, learningRate: 2e-3 },
  train: (ct, images, options) => {
    const model = weaklyConvex(ct, options.definition as unknown as WeakOptions);
    return trainModel(weakMethod, ct, model, SERIES_STEPS, images, { ...options, backward: series });
  },
  method: (ct, bundle) => weak(ct, definitionOf(weakMethod, bundle) as unknown as WeakOptions, bundle.weights),
};

const INNER = "inner.";

/** The state of L-ADMM in that of `majorized`. */
function inner(z: Solution["z"]): Solution["z"] {
  const own = Object.entries(z).filter(([path]) => path.startsWith(INNER));
  return Object.fromEntries(own.map(([path, leaf]) => [path.slice(INNER.length), leaf]));
}

/** The state of `majorized` at an answer, its anchor there. */
function anchored({ x, z }: Solution): Solution["z"] {
  return { ...Object.fromEntries(Object.entries(z).map(([path, leaf]) => [`${INNER}${path}`, leaf])), anchor: x };
}

/** Where the iteration of slowly moving slopes ends, and when it gives up. */
const APPROACH = { tolerance: 5e-3, maxSteps: 400 } as const;

/** A tolerance that is asked for is the approach's too; without one it ends sooner than rounds do, and never later than their steps. */
function approachLimits({ tolerance, maxSteps = CT_SOLVE.maxSteps }: SolveOptions) {
  return tolerance === undefined
    ? { ...APPROACH, maxSteps: Math.min(APPROACH.maxSteps, maxSteps) }
    : { tolerance, maxSteps };
}

/** Convex problems solved after it one after the other, each with the slopes at the answer before. */
const ROUNDS = 4;

/**
 * Approach a stationary point by `weaklyConvex`, whose convergence nothing promises, then majorize and minimize: x^{k+1} the answer of
 * `weightedConvex` with the slopes at x^k, begun where the last ended. Were rounds solved exactly, the objective would not rise from the
 * first to the last. A caller's limits are those of a round, and the approach's where a tolerance is given.
 */
function weak(ct: Tomography, options: WeakOptions, weights: Weights): Method {
  const model = weaklyConvex(ct, options);
  const method: Method = {
    ...{ name: "l2o_weak", model, weights, rho: options.rho, constants: { knee: options.knee } },
    parameters: model.size + 1,
    open: async (engine = {}) => {
      const { read, data: fed } = model.trace();
      const { K, tau, epsilon } = read as { readonly K: Tensor; readonly tau: Tensor; readonly epsilon: Tensor };
      const point = input("x", ct.operator.domain);
      const how = { ...engine, solver: ctSolver };
      const {
        opened: [slopes, approach, convex],
        dispose,
      } = await openAll([
        () => compile([majorantWeights(ct, K, tau, epsilon, fed["delta"]!, point)], engine),
        () => compileModel(model, weights, how),
        () => compileModel(weightedConvex(ct, options), { K: weights["K"]! }, how),
      ]);
      const prove = stationarity(ct, options, weights);
      return {
        method,
        reconstruct: async (measurements, solve = {}) => {
          const { d, delta } = solverData(measurements);
          const { gap, start: begun, strict = false, ...limits } = solve;
          const near = await approach.solve(
            { d, delta },
            { ...limits, ...approachLimits(solve), strict: false, ...(begun ? { start: begun } : {}) },
          );
          let solution: Solution = { ...near, z: inner(near.z) };
          for (let round = 1; round <= ROUNDS; round++) {
            const { x, z: start, steps: before } = solution;
            const [slope] = await slopes.run({ ...feedParams(weights), "data.delta": delta, x });
            const how = { ...CT_SOLVE, ...limits, ...(gap === undefined ? {} : { gap }), start };
            const next = await convex.solve(
              { d, delta, weights: slope! },
              { ...how, strict: strict && round === ROUNDS },
            );
            solution = { ...next, steps: next.steps.map((count, n) => count + before[n]!) };
          }
          return { ...solution, z: anchored(solution) };
        },
        prove: (measurements, solution) =>
          withProofs(
            solution,
            measurements.map((measurement, n) => {
              const duals = Object.fromEntries(
                Object.entries(solution.duals).map(([name, array]) => [name, gather(array, [n])]),
              );
              return prove(measurement, gather(solution.x, [n]), duals);
            }),
          ),
        dispose,
        [Symbol.asyncDispose]: dispose,
      };
    },
  };
  return method;
}
