/** @file L2O with a weakly convex regularizer: stationarity is certified, not optimality. */

import { neumann } from "../../../backward/neumann.js";
import { compile } from "../../../engine/session.js";
import type { Proximable } from "../../../functions/function.js";
import { weightedL1 } from "../../../functions/weighted-l1.js";
import { conv2d } from "../../../linear/conv2d.js";
import { compileModel, define, feedParams, type Model, type Weights } from "../../../model.js";
import type { Operator } from "../../../operator.js";
import { norm } from "../../../sets/set.js";
import { gather } from "../../../solvers/rows.js";
import type { Solution } from "../../../solvers/solve.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
import { interpret } from "../../../tensor/interpret.js";
import { reshape, sampleAxes, sum, zeros } from "../../../tensor/primitives/broadcast.js";
import { abs, add, div, exp, less, log, max, mul, select, sqrt, sub } from "../../../tensor/primitives/elementwise.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../../../tensor/tensor.js";
import type { Tree } from "../../../tensor/tree.js";
import { filters } from "../../../training/params/filters.js";
import { positive } from "../../../training/params/positive.js";
import { type Proof, prover } from "../../../witness.js";
import type { Measurement } from "../examples.js";
import { CT_SOLVE, ctSolver, type Method, type Reconstruction, solverData } from "../methods.js";
import { imageTerms, inside, LEARNED_RATIO, requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";
import { weightedConvex } from "./weighted.js";

export interface WeakOptions {
  readonly count: number;
  readonly size: number;
  readonly rho: number;
  /** Multiplies every ε_c: small ones are less convex. Not learned but tuned, see `weakMethod`. */
  readonly knee: number;
}

/**
 * f(v) = Σ τ ε log(1 + |v|/ε), weakly convex with modulus τ/ε, its slope τ at 0 and falling.
 *
 *     prox_{λf}(v) = sign(v) max(0, |v| − ε + √((|v| + ε)² − 4λτε))/2 where |v| > λτ, else 0        for λτ ≤ ε
 *
 * Single-valued and continuous for λτ ≤ ε; it stretches distances by up to ε/(ε − λτ). `weaklyConvex` steps by its majorants and
 * needs no such bound.
 *
 * @param tau      weights > 0, broadcast against v
 * @param epsilon  > 0, v's units, broadcast against v
 * @source Candès, Wakin & Boyd 2008, §2.2 (the log-sum penalty); the root of u + λτε/(ε + u) = |v|
 */
export function logSum(tau: Tensor, epsilon: Tensor): Proximable {
  const value = (v: Tensor) => {
    const each = mul(mul(tau, epsilon), log(add(1, div(abs(v), epsilon))));
    return sum(each, sampleAxes(each));
  };
  return {
    name: "log-sum",
    prox: (v, lambda) => {
      const size = abs(v);
      const step = mul(lambda, tau);
      const edge = less(step, size);
      const inner = sub(mul(add(size, epsilon), add(size, epsilon)), mul(4, mul(step, epsilon)));
      // The root is of a positive number where it counts; elsewhere 1 keeps its gradient finite.
      const root = sqrt(select(edge, max(inner, 0), 1));
      const length = mul(0.5, add(sub(size, epsilon), root));
      return select(edge, mul(length, div(v, max(size, 1e-30))), 0);
    },
    value,
    property: { kind: "value", measure: value },
  };
}

/**
 * Σ_c τ_c ε_c log(1 + |K_c ⋆ x|/ε_c) made small s.t. x ∈ [0, 1]ⁿ, ‖Ax − d‖ ≤ ρδ; ε_c = knee σ e_c, σ = δ/√rows, e learned.
 *
 * Not convex: an answer is stationary at best. That it is, to what share, is proven afterwards: see `stationarity`. Nothing is proven
 * of the convergence of the operator here, which trains and begins answers; they end with rounds of majorizing.
 *
 * @throws parameter if ρ is out of range
 * @source Goujon et al. 2024, Learning weakly convex regularizers (arXiv 2308.10542), for the gain over convex ones
 */
export function weaklyConvex(ct: Tomography, { count, size, rho, knee }: WeakOptions): Model {
  requireRho("weaklyConvex", rho);
  const image = { height: ct.size, width: ct.size };
  return define({
    name: "l2o_weak",
    params: {
      K: filters({ count, size }),
      tau: positive([count], () => 1),
      epsilon: { ...positive([count], () => 1), read: (raw) => mul(knee, exp(raw)) },
    },
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: ({ K, tau, epsilon }, { d, delta }) => {
      const { box, fidelity } = imageTerms(ct, d, delta, rho);
      const prox = logSum(reshape(tau, [count, 1, 1]), knees(ct, epsilon, delta));
      return { box, fidelity, regularization: { prox, of: conv2d(K, image) } };
    },
    split: (problem, { K, tau, epsilon }, { d, delta }) =>
      majorized(ct.operator.domain, (x) => {
        const prox = weightedL1(majorantWeights(ct, K, tau, epsilon, delta, x));
        const { box, fidelity } = inside(problem, ct, rho, d, delta);
        const convex = { box: box!, fidelity: fidelity!, regularization: { prox, of: conv2d(K, image) } };
        return linearizedAdmm(convex, { ratio: LEARNED_RATIO });
      }),
  });
}

/**
 * One step for the convex majorant at an anchor u that follows the image: z⁺ = T_u(z), u⁺ = u + η(read(z⁺) − u).
 *
 * Fixed points have u = x and are stationary points. Slopes at x itself, η = 1, change with each step and make the iteration cycle.
 * Conditions, metric and averagedness are those of T_u at a fixed u; of both together none are known.
 *
 * @param at  the operator for the majorant at u, its steps the same for every u
 * @source Candès, Wakin & Boyd 2008 (reweighted ℓ1), with slopes that move a little at every step
 */
function majorized(domain: Shape, at: (u: Tensor) => Operator): Operator {
  const plain = at(zeros(domain));
  const state = (z: Tree) => z as { readonly inner: Tree; readonly anchor: Tensor };
  return {
    ...plain,
    name: `majorized ${plain.name}`,
    init: () => ({ inner: plain.init(), anchor: zeros(domain) }),
    apply: (z) => {
      const { inner, anchor } = state(z);
      const next = at(anchor).apply(inner);
      return { inner: next, anchor: add(anchor, mul(FOLLOW, sub(plain.read(next), anchor))) };
    },
    read: (z) => plain.read(state(z).inner),
    residuals: (z, z1) => ({
      ...at(state(z).anchor).residuals(state(z).inner, state(z1).inner),
      majorant: div(norm(sub(plain.read(state(z1).inner), state(z1).anchor)), max(norm(state(z1).anchor), 1e-12)),
    }),
    duals: (z) => plain.duals!(state(z).inner),
    copies: (z) => at(state(z).anchor).copies!(state(z).inner),
    metric: (z) => plain.metric(state(z).inner),
  };
}

/** η: at 0.1 and more the iteration still cycles on chest slices, at 0.01 images take twice the steps. */
const FOLLOW = 0.02;

/** ε_c: [N, count, 1, 1], of those in units of σ. */
function knees(ct: Tomography, epsilon: Tensor, delta: Tensor): Tensor {
  const count = epsilon.shape[0] as number;
  const sigma = mul(delta, 1 / Math.sqrt(ct.matrix.rows));
  const wide = reshape(epsilon, [count, 1, 1]);
  return mul(reshape(sigma, ["N", 1, 1, 1]), wide);
}

/** Slopes of the regularizer at x, the weights of its convex majorant there: Λ_c = τ_c ε_c σ/(ε_c σ + |K_c ⋆ x|). */
function majorantWeights(ct: Tomography, K: Tensor, tau: Tensor, epsilon: Tensor, delta: Tensor, x: Tensor): Tensor {
  const at = knees(ct, epsilon, delta);
  const response = abs(conv2d(K, { height: ct.size, width: ct.size }).apply(x));
  return div(mul(reshape(tau, [tau.shape[0] as number, 1, 1]), at), add(at, response));
}

/**
 * What is proven of an answer: the convex problem with the regularizer's tangent at x in its place, which majorizes it, has no
 * feasible point that is better than x by more than the gap. A gap of 0 is stationarity; it says nothing of other stationary points.
 */
export function stationarity(ct: Tomography, options: WeakOptions, weights: Weights) {
  const traced = weaklyConvex(ct, options).trace();
  const x = input("x", ct.operator.domain);
  const { K, tau, epsilon } = traced.read as { readonly K: Tensor; readonly tau: Tensor; readonly epsilon: Tensor };
  const slopes = majorantWeights(ct, K, tau, epsilon, traced.data["delta"]!, x);
  const proving = prover(weightedConvex(ct, options).trace(), { K: weights["K"]! });
  const offset = { shape: [1, 1, ct.size, ct.size], data: new Float32Array(ct.size ** 2) };
  return (measurement: Measurement, answer: Proof["x"], duals: Solution["duals"]): Proof => {
    const { d, delta } = solverData([measurement]);
    const at = (point: Proof["x"]) => {
      const feeds = { ...feedParams(weights), "data.delta": delta, x: point };
      const [slope] = interpret([slopes], feeds);
      const data = { d, delta, offset, weights: { shape: slope!.shape, data: Float32Array.from(slope!.data) } };
      return proving.prove(data, { x: point, y: duals });
    };
    const first = at(answer);
    return first.moved > 0 ? { ...at(first.x), moved: first.moved } : first;
  };
}

/** Solver steps of a visit. */
const STEPS = { warm: 12, cold: 156 };

/** Terms of the gradient's series. JFB, which is none of them, goes uphill here: it does not see how slopes follow the image. */
const TERMS = 20;

/** `weaklyConvex` by a Neumann series of its gradient, on mean squared error. */
export const weakMethod: LearnedMethod = {
  name: "l2o_weak",
  manifest: "ct-weak",
  summary: "learned weakly convex regularizer; stationarity provable",
  definition: { count: 32, size: 7, rho: 0.8, knee: 0.7 },
  recipe: { phases: 1, passes: 10, slices: 480, batch: 8, learningRate: 2e-3 },
  train: (ct, images, options) => {
    const model = weaklyConvex(ct, options.definition as unknown as WeakOptions);
    return trainModel(weakMethod, ct, model, STEPS, images, { ...options, backward: neumann(TERMS) });
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
/** Convex problems solved after it one after the other, each with the slopes at the answer before. */
const ROUNDS = 3;

/**
 * Approach a stationary point by `weaklyConvex`, whose convergence nothing promises, then majorize and minimize: x^{k+1} the answer of
 * `weightedConvex` with the slopes at x^k, begun where the last ended. Of those rounds the objective never rises.
 */
function weak(ct: Tomography, options: WeakOptions, weights: Weights): Method {
  const model = weaklyConvex(ct, options);
  const method: Method = {
    ...{ name: "l2o_weak", model, weights, rho: options.rho, parameters: model.size + 1 },
    open: async (engine = {}) => {
      const { read, data: fed } = model.trace();
      const { K, tau, epsilon } = read as { readonly K: Tensor; readonly tau: Tensor; readonly epsilon: Tensor };
      const point = input("x", ct.operator.domain);
      const how = { ...engine, solver: ctSolver };
      const opened: { dispose(): Promise<void> }[] = [];
      const dispose = async () => {
        await Promise.all(opened.map((one) => one.dispose()));
      };
      const kept = async <T extends { dispose(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
        const one = await opening.catch(async (error: unknown) => {
          await dispose();
          throw error;
        });
        opened.push(one);
        return one;
      };
      const slopes = await kept(compile([majorantWeights(ct, K, tau, epsilon, fed["delta"]!, point)], engine));
      const approach = await kept(compileModel(model, weights, how));
      const convex = await kept(compileModel(weightedConvex(ct, options), { K: weights["K"]! }, how));
      const prove = stationarity(ct, options, weights);
      return {
        method,
        reconstruct: async (measurements, solve = {}) => {
          const { d, delta } = solverData(measurements);
          const shape = [measurements.length, 1, ct.size, ct.size];
          const offset = { shape, data: new Float32Array(measurements.length * ct.size ** 2) };
          const near = await approach.solve({ d, delta }, { ...APPROACH, strict: false, ...solve });
          let solution: Solution = { ...near, z: inner(near.z) };
          for (let round = 0; round < ROUNDS; round++) {
            const { x, z: start, steps: before } = solution;
            const [slope] = await slopes.run({ ...feedParams(weights), "data.delta": delta, x });
            const how = { ...CT_SOLVE, strict: false, start, ...solve };
            const next = await convex.solve({ d, delta, offset, weights: slope! }, how);
            solution = { ...next, steps: next.steps.map((count, n) => count + before[n]!) };
          }
          return { ...solution, z: anchored(solution) };
        },
        prove: (measurements, solution) =>
          withProofs(solution, (n) => {
            const duals = Object.fromEntries(
              Object.entries(solution.duals).map(([name, array]) => [name, gather(array, [n])]),
            );
            return prove(measurements[n]!, gather(solution.x, [n]), duals);
          }),
        dispose,
        [Symbol.asyncDispose]: dispose,
      };
    },
  };
  return method;
}

/** The answers that were proven, with their proofs. */
export function withProofs(solution: Reconstruction, prove: (n: number) => Proof): Reconstruction {
  const proofs = solution.status.map((_, n) => prove(n));
  const x = { shape: solution.x.shape, data: Float32Array.from(solution.x.data) };
  proofs.forEach((proof, n) => {
    x.data.set(proof.x.data, (n * x.data.length) / proofs.length);
  });
  return { ...solution, x, proofs };
}
