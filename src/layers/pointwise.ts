/** @file An activation, element by element. */

import { numberBound } from "../linear/linear.js";
import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Activation } from "./activation.js";
import { gradientLayer, type Layer } from "./layer.js";

/**
 * x ↦ σ(x) = ∇ Σ ψ(xᵢ), sup σ′-Lipschitz.
 *
 * @source Combettes & Pesquet 2020, Deep neural network structures solving variational inequalities, §2.1: activations with slopes
 * in [0, 1] are proximity operators
 */
export function pointwise(sigma: Activation): Layer {
  return gradientLayer({
    name: sigma.name,
    apply: (x) => sigma.apply(x),
    lipschitz: numberBound(sigma.slope, `the largest slope of ${sigma.name}`),
    potential: (x) => elementSum(sigma.potential(x)),
  });
}

/** Σ over the elements of each sample: [N]. */
export function elementSum(v: Tensor): Tensor {
  return sum(v, sampleAxes(v));
}
