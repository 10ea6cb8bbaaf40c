/** @file The gradient of a convex network of one hidden layer. */

import type { LinearOperator } from "../linear/linear.js";
import { add, mul } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Activation } from "./activation.js";
import { gradientLayer, type Layer } from "./layer.js";
import { elementSum } from "./pointwise.js";

/**
 * x ↦ Sᵀσ(Sx + b) = ∇ Σ ψ((Sx + b)ᵢ), convex ridges with ψ′ = σ: ‖S‖² sup σ′-Lipschitz.
 *
 * With S of norm at most 1 at any weights it is firmly nonexpansive, and the prox of a convex function.
 *
 * @param bias  broadcast against Sx: [C, 1, 1] for one a channel
 * @source Goujon et al. 2023, A neural-network-based convex regularizer for inverse problems (arXiv 2211.12461): sums of convex ridges
 */
export function ridgeGradient(S: LinearOperator, sigma: Activation, bias?: Tensor): Layer {
  const inside = (x: Tensor) => (bias ? add(S.apply(x), bias) : S.apply(x));
  const { value, how, atMost } = S.norm();
  return gradientLayer({
    name: `ridges of ${S.name} and ${sigma.name}`,
    apply: (x) => S.adjoint(sigma.apply(inside(x))),
    lipschitz: {
      value: mul(sigma.slope, mul(value, value)),
      how: `${sigma.slope} times the square of the ${how}`,
      ...(atMost === undefined ? {} : { atMost: sigma.slope * atMost ** 2 }),
    },
    potential: (x) => elementSum(sigma.potential(inside(x))),
  });
}
