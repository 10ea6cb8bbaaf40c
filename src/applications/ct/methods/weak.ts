/** @file A weakly convex regularizer: its model, the operator that follows its slopes, and the proof that an answer is stationary. */

import { weightedL1 } from "../../../functions/weighted-l1.js";
import { conv2d } from "../../../linear/conv2d.js";
import { define, feedParams, type Model, type Param, type Weights } from "../../../model.js";
import type { Operator } from "../../../operator.js";
import { norm } from "../../../sets/set.js";
import type { Solution } from "../../../solvers/solve.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
import { interpret } from "../../../tensor/interpret.js";
import { reshape, zeros } from "../../../tensor/primitives/broadcast.js";
import { abs, add, div, exp, max, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../../../tensor/tensor.js";
import type { Tree } from "../../../tensor/tree.js";
import { filters } from "../../../training/params/filters.js";
import { positive } from "../../../training/params/positive.js";
import { type Proof, prover } from "../../../witness.js";
import type { Measurement } from "../examples.js";
import { solverData } from "../methods.js";
import { imageTerms, inside, LEARNED_RATIO, requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";
import { logSum } from "./log-sum.js";
import { weightedConvex } from "./weighted.js";

export interface WeakOptions {
  readonly count: number;
  readonly size: number;
  readonly rho: number;
  /** Multiplies every ε_c: small ones are less convex. Not learned but tuned, see `lossSpace`. */
  readonly knee: number;
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
export function weaklyConvex(ct: Tomography, options: WeakOptions): Model {
  const { count, rho } = options;
  requireRho("weaklyConvex", rho);
  const image = { height: ct.size, width: ct.size };
  return define({
    name: "l2o_weak",
    params: weakParams(options),
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

/** Filters K [count, 1, size, size] of mean 0, weights τ [count] > 0 and knees ε = knee · e [count] in units of σ. @throws parameter, see `filters` */
export function weakParams({ count, size, knee }: Pick<WeakOptions, "count" | "size" | "knee">) {
  return {
    K: filters({ count, size }),
    tau: positive([count], () => 1),
    epsilon: { ...positive([count], () => 1), read: (raw: Tensor) => mul(knee, exp(raw)) },
  } satisfies Record<string, Param>;
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

/** Least σ that knees are measured in, in units of the data: exact data have knees too. */
const LEAST_SIGMA = 1e-6;

/** ε_c: [N, count, 1, 1], of those in units of σ. */
function knees(ct: Tomography, epsilon: Tensor, delta: Tensor): Tensor {
  const count = epsilon.shape[0] as number;
  const sigma = max(mul(delta, 1 / Math.sqrt(ct.matrix.rows)), LEAST_SIGMA);
  const wide = reshape(epsilon, [count, 1, 1]);
  return mul(reshape(sigma, ["N", 1, 1, 1]), wide);
}

/** Slopes of the regularizer at x, the weights of its convex majorant there: Λ_c = τ_c ε_c/(ε_c + |K_c ⋆ x|). */
export function majorantWeights(
  ct: Tomography,
  K: Tensor,
  tau: Tensor,
  epsilon: Tensor,
  delta: Tensor,
  x: Tensor,
): Tensor {
  const at = knees(ct, epsilon, delta);
  const response = abs(conv2d(K, { height: ct.size, width: ct.size }).apply(x));
  return div(mul(reshape(tau, [tau.shape[0] as number, 1, 1]), at), add(at, response));
}

/**
 * What is proven of an answer: the convex problem with Σ ⟨Λ_c(x), |K_c ⋆ ·|⟩ in the regularizer's place, which majorizes it up to a
 * constant, has no feasible point that is better than x by more than the gap, relative to that sum. A gap of 0 is stationarity; it says
 * nothing of other stationary points.
 */
export function stationarity(ct: Tomography, options: WeakOptions, weights: Weights) {
  const traced = weaklyConvex(ct, options).trace();
  const x = input("x", ct.operator.domain);
  const { K, tau, epsilon } = traced.read as { readonly K: Tensor; readonly tau: Tensor; readonly epsilon: Tensor };
  const slopes = majorantWeights(ct, K, tau, epsilon, traced.data["delta"]!, x);
  const proving = prover(weightedConvex(ct, options).trace(), { K: weights["K"]! });
  return (measurement: Measurement, answer: Proof["x"], duals: Solution["duals"]): Proof => {
    const { d, delta } = solverData([measurement]);
    const at = (point: Proof["x"]) => {
      const feeds = { ...feedParams(weights), "data.delta": delta, x: point };
      const [slope] = interpret([slopes], feeds);
      const data = { d, delta, weights: { shape: slope!.shape, data: Float32Array.from(slope!.data) } };
      return proving.prove(data, { x: point, y: duals });
    };
    const first = at(answer);
    return first.moved > 0 ? { ...at(first.x), moved: first.moved } : first;
  };
}
