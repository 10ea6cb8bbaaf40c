/** @file The convex problem whose weights are slopes at another image. */

import { define, type Model } from "../../../model.js";
import { perSample } from "../../../sets/set.js";
import { sum } from "../../../tensor/primitives/broadcast.js";
import { div } from "../../../tensor/primitives/elementwise.js";
import { elements, type Tensor } from "../../../tensor/tensor.js";
import { requireRho } from "../models.js";
import type { Tomography } from "../tomography.js";
import { majorantWeights, type WeakOptions, weakParams } from "./weak.js";
import { weightedSplitting, weightedTerms } from "./weighted.js";

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
    problem: ({ K, tau, epsilon }, { d, delta, guide }) =>
      weightedTerms(ct, rho, K, guidedWeights(ct, { K, tau, epsilon }, delta, guide), d, delta),
    split: (problem, _, { d, delta }) => weightedSplitting(problem, ct, rho, d, delta),
  });
}

/** Slopes of the weakly convex penalty at u, over their mean in each sample: the scale of an objective under constraints is immaterial. */
export function guidedWeights(
  ct: Tomography,
  { K, tau, epsilon }: Readonly<Record<"K" | "tau" | "epsilon", Tensor>>,
  delta: Tensor,
  u: Tensor,
): Tensor {
  const weights = majorantWeights(ct, K, tau, epsilon, delta, u);
  const mean = div(sum(weights, [1, 2, 3]), elements(weights.shape));
  return div(weights, perSample(mean, weights));
}
