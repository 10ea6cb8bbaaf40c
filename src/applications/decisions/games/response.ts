/** @file How a player answers what his actions earn: regularised best responses on the simplex. */

import { simplex } from "../../../sets/simplex.js";
import { reshape, sumKeep } from "../../../tensor/primitives/broadcast.js";
import { div, exp, sub } from "../../../tensor/primitives/elementwise.js";
import { stopGradient } from "../../../tensor/primitives/leaf.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import type { Tensor } from "../../../tensor/tensor.js";

export interface Response {
  readonly name: string;
  /** argmax_x ⟨u, x⟩ − h(x) over the simplex, for each row of u [N, n]. */
  to(u: Tensor): Tensor;
  /** ‖to(u) − to(v)‖ ≤ lipschitz ‖u − v‖. */
  readonly lipschitz: number;
}

/**
 * h = Σ x log x: softmax(u), ½-Lipschitz; all shares are > 0, as in quantal response equilibria.
 *
 * @source Gao & Pavel 2017, On the properties of the softmax function, Proposition 4 with λ = 1; its constant 1 is halved because the
 * Jacobian diag(x) − xxᵀ has row sums of absolute values 2xᵢ(1 − xᵢ) ≤ ½
 */
export const softmaxResponse: Response = {
  name: "softmax",
  to: (u) => {
    const top = stopGradient(reshape(maximum(u, [1]), ["N", 1]));
    const powers = exp(sub(u, top));
    return div(powers, sumKeep(powers, [1]));
  },
  lipschitz: 0.5,
};

/** h = ½‖x‖²: the nearest point of the simplex, 1-Lipschitz; shares can be 0, as in Nash equilibria. @source Beck 2017, Theorem 6.42 */
export const projectionResponse: Response = {
  name: "projection",
  to: (u) => simplex().project(u),
  lipschitz: 1,
};

/** The responses by name. */
export const RESPONSES = { softmax: softmaxResponse, projection: projectionResponse } as const;
export type ResponseName = keyof typeof RESPONSES;
