/** @file U-Net: a feed-forward network after filtered backprojection. */

import { VouchError } from "../../../errors.js";
import { batchNorm, batchStatistics, runningStatistics } from "../../../networks/batch-norm.js";
import { convolution } from "../../../networks/convolution.js";
import { maxPool } from "../../../networks/max-pool.js";
import { upConvolution } from "../../../networks/up-convolution.js";
import { max } from "../../../tensor/primitives/elementwise.js";
import { concat } from "../../../tensor/primitives/layout.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { type Network, networkSize } from "../../../training/network.js";
import { constantWeights, uniformWeights } from "../../../training/params/weights.js";
import { networkMethod, withStart } from "./external.js";
import { definitionOf, type LearnedMethod, trainNetwork } from "./learned.js";

type Named = Readonly<Record<string, Tensor>>;
type Params = Network["params"];

/** Encoder: channels out and side of the filters. Decoder: channels out. */
const DOWN = [
  ["down1", 1, 32, 7],
  ["down2", 32, 64, 3],
  ["down3", 64, 128, 3],
] as const;
const UP = [
  ["up3", 128, 64],
  ["up2", 128, 32],
  ["up1", 64, 1],
] as const;

/**
 * start [N, 1, size, size] → x: three blocks down (7×7, 3×3, 3×3; 32, 64, 128 channels), three up, pooled encoder outputs beside
 * what comes up. 533,593 numbers are learned.
 *
 * @param seed  of the weights before training
 * @throws parameter unless size is a multiple of 8
 * @source Heaton & Wu Fung 2023, CT baselines; TypalAcademy/xai-l2o (no skip at full resolution, no residual, no activation of the
 * output)
 */
export function unet(size: number, seed: number): Network {
  if (size % 8 !== 0) {
    throw new VouchError("parameter", {
      name: "unet",
      expected: "an image side that is a multiple of 8",
      got: `${size}`,
      remedy: "It is halved three times.",
    });
  }
  const params: Params = Object.assign(
    {},
    ...DOWN.map(([name, from, to, side]) => block(name, from, to, side, seed)),
    ...UP.map(([name, from, to]) => ({ ...block(name, from, to, 3, seed), ...up(name, to, seed) })),
  );
  const follows = Object.keys(params).filter((name) => /\.(mean|variance)$/.test(name));
  return {
    name: "unet",
    params,
    data: { start: ["N", 1, size, size] },
    follows,
    apply: (p, { start }) => ({ x: forward(p, start!, normalizedBy(p)) }),
    train: (p, { start }) => {
      const next: Record<string, Tensor> = {};
      return { x: forward(p, start!, normalizedByBatch(p, next)), ...next };
    },
  };
}

type Normalize = (x: Tensor, name: string) => Tensor;

function forward(p: Named, start: Tensor, normalize: Normalize): Tensor {
  const twice = (x: Tensor, name: string) =>
    ["a", "b"].reduce((v, half) => {
      const at = `${name}.${half}`;
      return max(normalize(convolution(v, p[`${at}.weight`]!, p[`${at}.bias`]!), at), 0);
    }, x);
  const rise = (x: Tensor, name: string) =>
    upConvolution(twice(x, name), p[`${name}.rise.weight`]!, p[`${name}.rise.bias`]!);
  const one = maxPool(twice(start, "down1"));
  const two = maxPool(twice(one, "down2"));
  const three = maxPool(twice(two, "down3"));
  return rise(concat([rise(concat([rise(three, "up3"), two], 1), "up2"), one], 1), "up1");
}

const statistics = (p: Named, at: string) => ({ mean: p[`${at}.mean`]!, variance: p[`${at}.variance`]! });

function normalizedBy(p: Named): Normalize {
  return (x, at) => batchNorm(x, p[`${at}.gamma`]!, p[`${at}.beta`]!, statistics(p, at));
}

/** By the batch's own statistics; what running ones become goes into `next`. */
function normalizedByBatch(p: Named, next: Record<string, Tensor>): Normalize {
  return (x, at) => {
    const own = batchStatistics(x);
    const { mean, variance } = runningStatistics(statistics(p, at), own, x);
    Object.assign(next, { [`${at}.mean`]: mean, [`${at}.variance`]: variance });
    return batchNorm(x, p[`${at}.gamma`]!, p[`${at}.beta`]!, own);
  };
}

/** Two convolutions, each normalized. */
function block(name: string, from: number, to: number, side: number, seed: number): Params {
  const half = (at: string, channels: number): Params => ({
    [`${at}.weight`]: uniformWeights([to, channels, side, side], { seed, label: at }),
    [`${at}.bias`]: constantWeights([to], 0),
    [`${at}.gamma`]: constantWeights([to], 1),
    [`${at}.beta`]: constantWeights([to], 0),
    [`${at}.mean`]: constantWeights([to], 0),
    [`${at}.variance`]: constantWeights([to], 1),
  });
  return { ...half(`${name}.a`, from), ...half(`${name}.b`, to) };
}

function up(name: string, channels: number, seed: number): Params {
  return {
    [`${name}.rise.weight`]: uniformWeights([channels, channels, 3, 3], { seed, label: `${name}.rise` }),
    [`${name}.rise.bias`]: constantWeights([channels], 0),
  };
}

/** `unet` on filtered backprojections, by its gradient on mean squared error. */
export const unetMethod: LearnedMethod = {
  name: "unet",
  manifest: "ct-unet",
  summary: "feed-forward network after filtered backprojection; no guarantee",
  definition: {},
  recipe: { phases: 20, passes: 1, slices: 893, batch: 8, learningRate: 2e-3 },
  train: (ct, images, options) =>
    trainNetwork(unetMethod, ct, unet(ct.size, options.seed), (set) => withStart(ct, set), images, options),
  method: (ct, bundle) => {
    definitionOf(unetMethod, bundle);
    const network = unet(ct.size, 0);
    return networkMethod(ct, network, bundle.weights, { name: "unet", parameters: networkSize(network) });
  },
};
