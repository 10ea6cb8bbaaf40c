/** @file The adjoint fixed point. */

import { plus, zerosLike } from "../points.js";
import { type AdjointSolver, adjointSolver } from "./adjoint.js";

/**
 * v⁺ = g + Jᵀv from v = 0, one product with Jᵀ a step: v = Σ_{i<k} (Jᵀ)ⁱg after k steps, with residual (Jᵀ)ᵏg.
 *
 * Converges linearly where the spectral radius of J is below 1; for averaged T also where it is 1, if g is in the range of
 * (I − J)ᵀ. Elsewhere a sample ends at its limit, and its residual says so.
 *
 * @source Christianson 1994, Reverse accumulation and attractive fixed points
 */
export const adjointIteration: AdjointSolver = adjointSolver((J) => ({
  products: { start: 0, step: 1 },
  start: (g) => ({ v: zerosLike(g), r: g }),
  step: ({ v, r }) => ({ v: plus(v, 1, r), r: J.transpose(r) }),
}));
