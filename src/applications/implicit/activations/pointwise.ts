/** @file Activations of one number: ReLU, leaky ReLU, tanh, sigmoid, the identity. */

import { type Activation, pointwise } from "./activation.js";

/** max(z, 0), the prox of the indicator of x ≥ 0. */
export const relu: Activation = pointwise(
  (z) => (z > 0 ? z : 0),
  (z) => (z > 0 ? 1 : 0),
  { constant: 1, homogeneous: true, resolvent: (v) => Math.max(v, 0) },
);

/**
 * z for z ≥ 0 and slope z below, the prox of (1/slope − 1) min(x, 0)²/2.
 *
 * @param slope  in (0, 1]
 */
export function leakyRelu(slope: number): Activation {
  return pointwise(
    (z) => (z > 0 ? z : slope * z),
    (z) => (z > 0 ? 1 : slope),
    { constant: 1, homogeneous: true, resolvent: (v, alpha) => (v > 0 ? v : v / (1 + alpha * (1 / slope - 1))) },
  );
}

export const tanh: Activation = pointwise(Math.tanh, (z) => 1 - Math.tanh(z) ** 2, { constant: 1, homogeneous: false });

/** 1/(1 + e^−z), of slope 1/4 at most. */
export const sigmoid: Activation = pointwise(
  (z) => 1 / (1 + Math.exp(-z)),
  (z) => {
    const s = 1 / (1 + Math.exp(-z));
    return s * (1 - s);
  },
  { constant: 0.25, homogeneous: false },
);

/** z itself: states of linear layers and of sums. */
export const linear: Activation = pointwise(
  (z) => z,
  () => 1,
  { constant: 1, homogeneous: true, resolvent: (v) => v },
);
