/** @file The phantom gradient. */

import { VouchError } from "../errors.js";
import { add, mul, sub } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import { mapTensors, tensorLeaves, unflatten } from "../tensor/tree.js";
import { requireCount } from "./count.js";
import type { BackwardRule } from "./rule.js";

/**
 * k damped steps from z*, all attached: z⁺ = z + τ(T(z) − z), so that a cotangent g goes on as vᵀ∂T/∂Θ with
 *
 *     v = τ Σ_{i<k} (τJᵀ + (1 − τ)I)ⁱ g,    J = ∂T/∂z at z*
 *
 * τ = 1 is the Neumann series of k terms, k = τ = 1 is JFB. Memory grows with k, not with the solver's steps. Its direction
 * tends to the implicit gradient's as k grows where that of `neumann` does, and, as damping averages, also where J has
 * eigenvalues that only τJ + (1 − τ)I brings inside the unit circle.
 *
 * @param k    attached steps, an integer ≥ 1
 * @param tau  τ in (0, 1]
 * @throws parameter if either is out of range
 * @source Geng et al. 2021, On Training Implicit Models, the unrolling-based phantom gradient
 */
export function phantom(k: number, tau = 1): BackwardRule {
  requireCount("phantom", k, 1);
  if (!(tau > 0 && tau <= 1)) {
    throw new VouchError("parameter", {
      name: "phantom: tau",
      expected: "a number in (0, 1]",
      got: `${tau}`,
      remedy: "1 is no damping.",
    });
  }
  return (T, zStar) => {
    let z = mapTensors(zStar, stopGradient);
    for (let i = 0; i < k; i++) {
      const moved = tensorLeaves(T.apply(z)).map(([, leaf]) => leaf);
      const next = tensorLeaves(z).map(([, leaf], j) => add(leaf, mul(tau, sub(moved[j]!, leaf))));
      z = unflatten(z, next);
    }
    return z;
  };
}
