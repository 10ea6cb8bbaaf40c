/** @file Batch normalization of channels. */

import { reshape, sum } from "../tensor/primitives/broadcast.js";
import { add, div, mul, onesLike, sqrt, sub } from "../tensor/primitives/elementwise.js";
import { slice } from "../tensor/primitives/layout.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";

/** Added to variances. */
const EPSILON = 1e-5;
/** Share of the batch in running statistics. */
const MOMENTUM = 0.1;

export interface Statistics {
  /** [C] each. */
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** y = γ(x − mean)/√(variance + 1e-5) + β of each channel: x [N, C, H, W], γ, β [C]. @source Ioffe & Szegedy 2015, Algorithm 1 */
export function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, { mean, variance }: Statistics): Tensor {
  const scale = div(gamma, sqrt(add(variance, EPSILON)));
  return add(mul(perChannel(scale), sub(x, perChannel(mean))), perChannel(beta));
}

/** Mean and biased variance of each channel over a batch and its pixels. It mixes samples: for training alone. */
export function batchStatistics(x: Tensor): Statistics {
  const mean = overBatch(x);
  const apart = sub(x, perChannel(mean));
  return { mean, variance: overBatch(mul(apart, apart)) };
}

/**
 * Running statistics after a batch: 0.9 of the old and 0.1 of the batch's, its variance unbiased. No gradient.
 *
 * @param x  what the statistics are of: n = N·H·W values a channel
 * @source PyTorch's BatchNorm2d
 */
export function runningStatistics(old: Statistics, { mean, variance }: Statistics, x: Tensor): Statistics {
  const n = mul(samples(x), pixels(x));
  const unbiased = div(mul(variance, n), sub(n, 1));
  const blend = (before: Tensor, now: Tensor) => add(mul(1 - MOMENTUM, before), mul(MOMENTUM, stopGradient(now)));
  return { mean: blend(old.mean, mean), variance: blend(old.variance, unbiased) };
}

function perChannel(v: Tensor): Tensor {
  return reshape(v, [v.shape[0] as number, 1, 1]);
}

/** Mean over samples and pixels: [C]. */
function overBatch(x: Tensor): Tensor {
  return div(sum(div(sum(x, [2, 3]), pixels(x)), [0]), samples(x));
}

function pixels({ shape }: Tensor): number {
  return (shape[2] as number) * (shape[3] as number);
}

/** N as a number of the graph. */
function samples(x: Tensor): Tensor {
  const corner = [1, 2, 3].reduce((v, axis) => slice(v, axis, 0, 1), x);
  return sum(onesLike(corner));
}
