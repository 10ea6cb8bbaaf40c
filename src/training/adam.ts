/** @file Adam. */

import { add, div, exp, mul, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Optimizer } from "./optimizer.js";

export interface AdamOptions {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment, > 0. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * m⁺ = β₁m + (1−β₁)g,  v⁺ = β₂v + (1−β₂)g²,  Θ⁺ = Θ − η (m⁺/(1−β₁ᵗ)) / (√(v⁺/(1−β₂ᵗ)) + ε).
 *
 * @source Kingma & Ba 2015, Algorithm 1
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): Optimizer {
  return {
    name: "adam",
    slots: ["m", "v"],
    update(param, g, [m, v], t, learningRate) {
      const m1 = add(mul(beta1, m!), mul(1 - beta1, g));
      const v1 = add(mul(beta2, v!), mul(1 - beta2, mul(g, g)));
      const unbiased1 = div(m1, sub(1, exp(mul(t, Math.log(beta1)))));
      const unbiased2 = div(v1, sub(1, exp(mul(t, Math.log(beta2)))));
      const step = div(mul(learningRate, unbiased1), add(sqrt(unbiased2), epsilon));
      return { param: sub(param, step), slots: [m1, v1] };
    },
  };
}
