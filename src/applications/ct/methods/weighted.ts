/** @file The convex problem of given weights, which two methods end with. */

import { weightedL1 } from "../../../functions/weighted-l1.js";
import { conv2d } from "../../../linear/conv2d.js";
import { define, type Model } from "../../../model.js";
import type { Operator } from "../../../operator.js";
import type { Problem } from "../../../problem.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { filters } from "../../../training/params/filters.js";
import { imageTerms, inside, LEARNED_RATIO, requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";

export interface WeightedOptions {
  readonly count: number;
  readonly size: number;
  readonly rho: number;
}

/**
 * min Σ_c ⟨Λ_c, |K_c ⋆ x|⟩ s.t. x ∈ [0, 1]ⁿ, ‖Ax − d‖ ≤ ρδ.
 *
 * Λ [N, count, size, size] > 0 are data: given them the problem is convex and its answers are provable, wherever they are from.
 *
 * @throws parameter if ρ is out of range
 * @source Kofler et al. 2023 and Goujon et al. 2024 (arXiv 2406.12289), weights from data; Candès, Wakin & Boyd 2008 (reweighted ℓ1)
 */
export function weightedConvex(ct: Tomography, { count, size, rho }: WeightedOptions): Model {
  requireRho("weightedConvex", rho);
  return define({
    name: "weighted",
    params: { K: filters({ count, size }) },
    data: {
      d: ["N", ct.matrix.rows],
      delta: ["N"],
      weights: ["N", count, ct.size, ct.size],
    },
    problem: ({ K }, { d, delta, weights }) => weightedTerms(ct, rho, K, weights, d, delta),
    split: (problem, _, { d, delta }) => weightedSplitting(problem, ct, rho, d, delta),
  });
}

/** The terms of `weightedConvex`, Λ from wherever. */
export function weightedTerms(ct: Tomography, rho: number, K: Tensor, weights: Tensor, d: Tensor, delta: Tensor) {
  const { box, fidelity } = imageTerms(ct, d, delta, rho);
  const of = conv2d(K, { height: ct.size, width: ct.size });
  return { box, fidelity, regularization: { prox: weightedL1(weights), of } };
}

/** Its splitting. */
export function weightedSplitting(problem: Problem, ct: Tomography, rho: number, d: Tensor, delta: Tensor): Operator {
  return linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio: LEARNED_RATIO });
}
