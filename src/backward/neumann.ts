/** @file The implicit gradient's Neumann series, cut off. */

import { adjointIteration } from "./adjoint-iteration.js";
import { requireCount } from "./count.js";
import { linearise } from "./jacobian.js";
import type { BackwardRule } from "./rule.js";

/**
 * A cotangent g of z* goes on as vᵀ∂T/∂Θ with
 *
 *     v = Σ_{i≤k} (Jᵀ)ⁱ g,    J = ∂T/∂z at z*
 *
 * computed in a loop of the graph, so that memory does not grow with k. k = 0 is JFB; as k → ∞ it is the implicit gradient
 * where the spectral radius of J is below 1 (error ρᵏ⁺¹) and where T is averaged.
 *
 * @param k  an integer ≥ 0
 * @throws parameter if k is out of range
 * @source Wu Fung et al. 2022, JFB, the Neumann baseline; deviates: not divided by i! as in eq. (35) of McKenzie, Heaton & Wu
 * Fung's 2023 preprint, because (I − J)⁻¹ is the plain geometric series
 */
export function neumann(k: number): BackwardRule {
  requireCount("neumann", k, 0);
  return (T, zStar, report) => {
    const { jacobian, attached } = linearise(T, zStar);
    return attached((g) => {
      const { v, solve } = adjointIteration(jacobian, g, { tolerance: 0, limit: k + 1 });
      report?.(solve);
      return v;
    });
  };
}
