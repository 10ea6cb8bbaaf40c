/** @file The gradient of the iteration itself. */

import { stopGradient } from "../tensor/primitives/leaf.js";
import { mapTensors } from "../tensor/tree.js";
import { requireCount } from "./count.js";
import type { BackwardRule } from "./rule.js";

/**
 * zₖ = Tᵏ(z₀) from T's own start z₀, all k steps attached: the gradient of k steps of Picard iteration, whatever they reach.
 *
 * It is that of the fixed point as k → ∞ where `neumann` converges. The point is Tᵏ(z₀) and not z*, which is used for
 * nothing: take k as large as the solve. Memory and the size of the graph grow in proportion to k, as every step keeps what
 * its reverse needs, and the engine's time to load the graph faster still: half a minute for 200 steps of L-ADMM. Steps attached
 * at z* are `phantom(k, 1)`.
 *
 * @param k  an integer ≥ 1
 * @throws parameter if k is out of range
 * @source Monga, Li & Eldar 2021, Algorithm Unrolling
 */
export function unrolled(k: number): BackwardRule {
  requireCount("unrolled", k, 1);
  return (T) => {
    let z = mapTensors(T.init(), stopGradient);
    for (let i = 0; i < k; i++) z = T.apply(z);
    return z;
  };
}
