/** @file The convex problem of given weights, which two methods end with. */

import { weightedL1 } from "../../../functions/weighted-l1.js";
import { conv2d } from "../../../linear/conv2d.js";
import { define, type Model } from "../../../model.js";
import { linearizedAdmm } from "../../../splitting/linearized-admm.js";
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
  const image = { height: ct.size, width: ct.size };
  return define({
    name: "weighted",
    params: { K: filters({ count, size }) },
    data: {
      d: ["N", ct.matrix.rows],
      delta: ["N"],
      weights: ["N", count, ct.size, ct.size],
    },
    problem: ({ K }, { d, delta, weights }) => {
      const { box, fidelity } = imageTerms(ct, d, delta, rho);
      return { box, fidelity, regularization: { prox: weightedL1(weights), of: conv2d(K, image) } };
    },
    split: (problem, _, { d, delta }) => linearizedAdmm(inside(problem, ct, rho, d, delta), { ratio: LEARNED_RATIO }),
  });
}
