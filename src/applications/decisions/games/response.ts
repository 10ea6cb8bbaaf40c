/** @file How a player answers what his actions earn: regularised best responses on the simplex. */

import { softmax } from "../../../networks/softmax.js";
import { simplex } from "../../../sets/simplex.js";
import type { Tensor } from "../../../tensor/tensor.js";

export interface Response {
  readonly name: string;
  /** argmax_x ⟨u, x⟩ − h(x) over the simplex, for each row of u [N, n]. */
  to(u: Tensor): Tensor;
  /** ‖to(u) − to(v)‖ ≤ lipschitz ‖u − v‖. */
  readonly lipschitz: number;
}

/**
 * h = Σ x log x: all shares are > 0, as in quantal response equilibria.
 *
 * @source Gao & Pavel 2017, On the properties of the softmax function, Propositions 1 and 4; its constant 1 is halved by `softmax`
 */
export const softmaxResponse: Response = { name: "softmax", to: softmax, lipschitz: 0.5 };

/** h = ½‖x‖²: the nearest point of the simplex; shares can be 0, as in Nash equilibria. @source Beck 2017, Theorem 6.42 */
export const projectionResponse: Response = { name: "projection", to: (u) => simplex().project(u), lipschitz: 1 };

/** The responses by name. */
export const RESPONSES = { softmax: softmaxResponse, projection: projectionResponse } as const;
export type ResponseName = keyof typeof RESPONSES;
