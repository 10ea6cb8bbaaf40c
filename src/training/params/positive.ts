/** @file Positive parameters. */

import type { Param } from "../../model.js";
import { exp } from "../../tensor/primitives/elementwise.js";

/** τ = exp(θ) > 0, θ stored: multiplicative steps, no projection. */
export function positive(shape: readonly number[], initial: (index: number) => number): Param {
  const count = shape.reduce((p, n) => p * n, 1);
  return { shape, init: () => Float32Array.from({ length: count }, (_, i) => Math.log(initial(i))), read: exp };
}
