/** @file The CT models: isotropic TV and the learned convex regularizer, both under ‖Ax − d‖ ≤ ρδ and x in [0, 1]. */

import { distanceTo } from "../../certificates/properties/distance-to.js";
import { VouchError } from "../../errors.js";
import { groupL21 } from "../../functions/group-l21.js";
import { indicator } from "../../functions/indicator.js";
import { weightedL1 } from "../../functions/weighted-l1.js";
import { conv2d } from "../../linear/conv2d.js";
import { differences } from "../../linear/differences.js";
import { define, type Model } from "../../model.js";
import type { Problem, ProximableTerm } from "../../problem.js";
import { ball } from "../../sets/ball.js";
import { box } from "../../sets/box.js";
import { linearizedAdmm } from "../../splitting/linearized-admm.js";
import { reshape } from "../../tensor/primitives/broadcast.js";
import { mul } from "../../tensor/primitives/elementwise.js";
import type { Tensor } from "../../tensor/tensor.js";
import { filters } from "../../training/params/filters.js";
import { positive } from "../../training/params/positive.js";
import type { Tomography } from "./tomography.js";

/** Dual over primal progress: the best of {1, 10, 100, 1000}² in steps to a residual of 1e-4 on simulated chest slices. */
const RATIO = 100;
export const LEARNED_RATIO = 1500;
/** The operators solve in a ball this share smaller, so that an answer near the fixed point is feasible for the stated problem. */
const SHRINK = 1e-3;

/**
 * min ‖∇x‖₂₁ s.t. x ∈ [0, 1]ⁿ, ‖Ax − d‖ ≤ ρδ.
 *
 * @param rho  ρ in (0, 1]; the data's δ is δ_cert, see `fidelity`
 * @throws parameter if ρ is out of range
 * @source Heaton & Wu Fung 2023, CT baselines; deviates: isotropic with Neumann differences because the anisotropic
 * periodic form of the released code scores lower
 */
export function totalVariation(ct: Tomography, rho: number): Model {
  requireRho("totalVariation", rho);
  const image = { height: ct.size, width: ct.size };
  return define({
    name: "tv",
    params: {},
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: (_, { d, delta }) => ({
      box: { prox: indicator(box(0, 1)) },
      fidelity: fidelity(ct, rho, d, delta),
      regularization: { prox: groupL21(1), of: differences(image) },
    }),
    split: (problem, _, { d, delta }) => linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio: RATIO }),
  });
}

export interface ConvexOptions {
  readonly count?: number;
  readonly size?: number;
  /** ρ in (0, 1]; the data's δ is δ_cert, see `fidelity`. */
  readonly rho: number;
  /** Dual over primal progress of each term, see `linearizedAdmm`; the answer does not depend on it. */
  readonly ratio?: Readonly<Record<"fidelity" | "regularization", number>>;
}

/**
 * min Σ_c τ_c ‖K_c ⋆ x‖₁ s.t. x ∈ [0, 1]ⁿ, ‖Ax − d‖ ≤ ρδ: learned zero-mean filters K and weights τ > 0.
 *
 * Only the ratios of the τ_c matter, since the data term is a constraint; so the model has no noise-level parameter.
 *
 * @throws parameter if ρ is out of range
 * @source Heaton & Wu Fung 2023, eq. (17) with f the weighted ℓ1 norm
 */
export function learnedConvex(ct: Tomography, options: ConvexOptions): Model {
  const { count = 32, size = 7, rho, ratio = LEARNED_RATIO } = options;
  requireRho("learnedConvex", rho);
  const image = { height: ct.size, width: ct.size };
  return define({
    name: "l2o",
    params: { K: filters({ count, size }), tau: positive([count], () => 1) },
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: ({ K, tau }, { d, delta }) => ({
      box: { prox: indicator(box(0, 1)) },
      fidelity: fidelity(ct, rho, d, delta),
      regularization: { prox: weightedL1(reshape(tau, [count, 1, 1])), of: conv2d(K, image) },
    }),
    split: (problem, _, { d, delta }) => linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio }),
  });
}

/** What images of any method are measured by: the box, the ball of radius δ (solved in that of ρδ) and their total variation. */
export function imageTerms(ct: Tomography, d: Tensor, delta: Tensor, rho = 1) {
  return {
    box: { prox: indicator(box(0, 1)) },
    fidelity: fidelity(ct, rho, d, delta),
    regularization: { prox: groupL21(1), of: differences({ height: ct.size, width: ct.size }) },
  };
}

/**
 * Solved in the ball of radius ρδ, certified by the distance to the ball of radius δ: δ_cert bounds the noise and is the same
 * for every method, ρ is the method's own choice and leaves room for the tolerance of the solve.
 */
function fidelity(ct: Tomography, rho: number, d: Tensor, delta: Tensor): ProximableTerm {
  return {
    prox: indicator(ball(d, mul(rho, delta))),
    of: ct.operator,
    property: distanceTo(ball(d, delta), { tolerance: 0 }),
  };
}

/** The problem with its fidelity term in a ball of radius (1 − ε)ρδ. */
export function inside(problem: Problem, ct: Tomography, rho: number, d: Tensor, delta: Tensor): Problem {
  return { ...problem, fidelity: fidelity(ct, rho * (1 - SHRINK), d, delta) };
}

export function requireRho(caller: string, rho: number): void {
  if (rho > 0 && rho <= 1) return;
  throw new VouchError("parameter", {
    name: `${caller}: rho`,
    expected: "a number in (0, 1]",
    got: `${rho}`,
    remedy: "The ground truth lies within δ; larger balls only blur.",
  });
}
