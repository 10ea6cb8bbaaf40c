/** @file Scalar activations that never decrease, with the bound of their slope and the convex function they are the slope of. */

import { VouchError } from "../errors.js";
import {
  abs,
  add,
  exp,
  tanh as hyperbolic,
  leakyRelu as leaky,
  log,
  max,
  min,
  mul,
  sub,
} from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";

export interface Activation {
  readonly name: string;
  /** σ(t), element by element. */
  apply(t: Tensor): Tensor;
  /** sup σ′; σ′ ≥ 0 throughout. */
  readonly slope: number;
  /** ψ(t), element by element: ψ′ = σ. */
  potential(t: Tensor): Tensor;
}

/** σ(t) = max(t, 0), ψ(t) = σ(t)²/2. */
export const relu: Activation = {
  name: "relu",
  apply: (t) => max(t, 0),
  slope: 1,
  potential: (t) => {
    const positive = max(t, 0);
    return mul(0.5, mul(positive, positive));
  },
};

/** σ(t) = t for t ≥ 0, st below; ψ(t) = tσ(t)/2. @throws parameter unless 0 ≤ s ≤ 1 */
export function leakyRelu(slope: number): Activation {
  if (!(slope >= 0 && slope <= 1)) {
    throw new VouchError("parameter", {
      name: "leakyRelu",
      expected: "a slope in [0, 1]",
      got: `${slope}`,
      remedy: "Other slopes are not 1-Lipschitz, or decrease.",
    });
  }
  return {
    name: `leakyRelu ${slope}`,
    apply: (t) => leaky(t, slope),
    slope: 1,
    potential: (t) => mul(0.5, mul(t, leaky(t, slope))),
  };
}

/** σ(t) = tanh t, ψ(t) = log cosh t = |t| + log(1 + e^(−2|t|)) − log 2. */
export const tanh: Activation = {
  name: "tanh",
  apply: (t) => hyperbolic(t),
  slope: 1,
  potential: (t) => {
    const size = abs(t);
    return sub(add(size, log(add(1, exp(mul(-2, size))))), Math.LN2);
  },
};

/** σ(t) = min(max(t, −1), 1), ψ(t) = m²/2 + |t| − m with m = min(|t|, 1), Huber's function. I − σ soft-thresholds at 1. */
export const clip: Activation = {
  name: "clip",
  apply: (t) => min(max(t, -1), 1),
  slope: 1,
  potential: (t) => {
    const size = abs(t);
    const inner = min(size, 1);
    return add(mul(0.5, mul(inner, inner)), sub(size, inner));
  },
};
