/** @file Activations of a whole block: softmax, max-pooling, products. */

import type { Activation } from "./activation.js";

/**
 * e^zᵢ/Σ e^zⱼ over the block.
 *
 * Its Jacobian diag(p) − ppᵀ has rows of l1 norm 2pᵢ(1 − pᵢ) ≤ 1/2, and being symmetric no larger 2-norm.
 */
export const softmax: Activation = {
  componentwise: false,
  lipschitz: { infinity: 0.5, two: 0.5 },
  homogeneous: false,
  apply(z, x, from, to) {
    let top = -Infinity;
    for (let i = from; i < to; i++) top = Math.max(top, z[i]!);
    let total = 0;
    for (let i = from; i < to; i++) {
      x[i] = Math.exp(z[i]! - top);
      total += x[i]!;
    }
    for (let i = from; i < to; i++) x[i] = x[i]! / total;
  },
  pullback(z, v, from, to) {
    const p = new Float64Array(to);
    softmax.apply(z, p, from, to);
    let mean = 0;
    for (let i = from; i < to; i++) mean += p[i]! * v[i]!;
    for (let i = from; i < to; i++) v[i] = p[i]! * (v[i]! - mean);
  },
};

/** (max z, 0, …, 0): the largest of the block in its first entry. 1-Lipschitz from ‖·‖_∞ to any norm of the one entry. */
export const maxPool: Activation = {
  componentwise: false,
  lipschitz: { infinity: 1, two: 1 },
  homogeneous: true,
  apply(z, x, from, to) {
    const top = z[place(z, from, to)]!;
    x.fill(0, from, to);
    x[from] = top;
  },
  pullback(z, v, from, to) {
    const first = v[from]!;
    v.fill(0, from, to);
    v[place(z, from, to)] = first;
  },
};

function place(z: Float64Array, from: number, to: number): number {
  let at = from;
  for (let i = from + 1; i < to; i++) if (z[i]! > z[at]!) at = i;
  return at;
}

/**
 * (z₁ ⊙ z₂, 0) of the two halves of the block. Not Lipschitz: a model may use it where no state depends on itself through it.
 *
 * @source El Ghaoui et al. 2021, §2.6 "Multiplicative" (there of bounded factors)
 */
export const product: Activation = {
  componentwise: false,
  lipschitz: { infinity: Infinity, two: Infinity },
  homogeneous: false,
  apply(z, x, from, to) {
    const half = (to - from) >> 1;
    for (let i = from; i < from + half; i++) x[i] = z[i]! * z[i + half]!;
    x.fill(0, from + half, to);
  },
  pullback(z, v, from, to) {
    const half = (to - from) >> 1;
    for (let i = from; i < from + half; i++) [v[i], v[i + half]] = [v[i]! * z[i + half]!, v[i]! * z[i]!];
  },
};
