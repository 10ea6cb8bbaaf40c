/** @file A linear operator with a bias, as a layer. */

import type { LinearOperator } from "../linear/linear.js";
import { add } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Layer } from "./layer.js";

/**
 * x ↦ Sx + b, ‖S‖-Lipschitz.
 *
 * @param S     spectrallyNormalized(K, …) where the constant is to be 1 at any weights
 * @param bias  broadcast against Sx: [C, 1, 1] for one a channel
 */
export function affine(S: LinearOperator, bias?: Tensor): Layer {
  return {
    name: S.name,
    apply: (x) => (bias ? add(S.apply(x), bias) : S.apply(x)),
    lipschitz: S.norm(),
  };
}
