/** @file Softmax along the last axis. */

import { reshape, sumKeep } from "../tensor/primitives/broadcast.js";
import { div, exp, sub } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";

/** e^l / Σ e^l along the last axis, shifted by the largest: ½-Lipschitz there, as |diag(x) − xxᵀ| has row sums 2xᵢ(1 − xᵢ). */
export function softmax(logits: Tensor): Tensor {
  const axis = logits.shape.length - 1;
  const top = stopGradient(reshape(maximum(logits, [axis]), [...logits.shape.slice(0, -1), 1]));
  const powers = exp(sub(logits, top));
  return div(powers, sumKeep(powers, [axis]));
}
