/** @file Weights of networks before training. */

import type { Param } from "../../model.js";
import { random } from "../../random.js";

/**
 * Uniform in ±gain/√fan, fan the number of inputs of an output: the product of all axes but the first.
 *
 * @param gain   1 is PyTorch's default; √6 keeps variances through rectifiers (He et al. 2015)
 * @param label  its stream of the seed
 */
export function uniformWeights(
  shape: readonly number[],
  { seed, label, gain = 1 }: { readonly seed: number; readonly label: string; readonly gain?: number },
): Param {
  const fan = shape.slice(1).reduce((p, n) => p * n, 1);
  return {
    shape,
    init: () => {
      const rng = random(seed).fork(label);
      const bound = gain / Math.sqrt(fan);
      return filled(shape, () => bound * (2 * rng.uniform() - 1));
    },
  };
}

/** One number everywhere. */
export function constantWeights(shape: readonly number[], value: number): Param {
  return { shape, init: () => filled(shape, () => value) };
}

function filled(shape: readonly number[], value: () => number): Float32Array {
  return Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, value);
}
