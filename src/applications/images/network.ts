/** @file The image classifier: a fixed-point network and its explicit twin of the same parameters. */

import { confidence } from "../../certificates/properties/confidence.js";
import { VouchError } from "../../errors.js";
import type { Proximable } from "../../functions/function.js";
import { leakyRelu } from "../../layers/activation.js";
import { affine } from "../../layers/affine.js";
import { compose } from "../../layers/compose.js";
import type { Layer } from "../../layers/layer.js";
import { pointwise } from "../../layers/pointwise.js";
import { residualAverage } from "../../layers/residual-average.js";
import { conv2d, type ImageSize } from "../../linear/conv2d.js";
import { spectrallyNormalized } from "../../linear/spectrally-normalized.js";
import { torusBound } from "../../linear/symbol.js";
import { define, type Model, type Param } from "../../model.js";
import { softmax } from "../../networks/softmax.js";
import type { Operator } from "../../operator.js";
import { random } from "../../random.js";
import { inner, norm } from "../../sets/set.js";
import { simplex } from "../../sets/simplex.js";
import { reshape, zeros } from "../../tensor/primitives/broadcast.js";
import { conv2d as convolve } from "../../tensor/primitives/conv.js";
import { add, div, max, mul, leakyRelu as rectified, sub } from "../../tensor/primitives/elementwise.js";
import { slice, transpose } from "../../tensor/primitives/layout.js";
import { constant } from "../../tensor/primitives/leaf.js";
import { matmul } from "../../tensor/primitives/matmul.js";
import { maximum } from "../../tensor/primitives/maximum.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Tree } from "../../tensor/tree.js";
import { CLASSES } from "./data.js";

export interface NetworkOptions {
  /** Pixels a side of the images. */
  readonly side: number;
  /** Side of the squares of which the largest response is kept, ≥ 1. */
  readonly pool: number;
  /** Contraction factor of T, in (0, 1). */
  readonly gamma: number;
  /** Mean and standard deviation of training pixels, by which images are standardised. */
  readonly mean: number;
  readonly deviation: number;
  /** Of the initial weights. */
  readonly seed: number;
}

/** Channels after the first and second convolution, of the state, and before the last map. */
const CHANNELS = { first: 16, latent: 32, last: 16 };
const LAYERS = 2;
const SLOPE = 0.1;

/**
 * Classify an image u by u* = T(u*; Q(u)), x = S(u*), a distribution over ten classes:
 *
 *     Q = conv 3×3 → leaky ReLU → max-pool → conv 3×3 → leaky ReLU          T(z; v) = γ R₂(R₁(z + v))
 *     Rᵢ = ½I + ½N,  N = (leaky ReLU ∘ (conv 3×3)/max(1, bound))²            S = softmax ∘ matrix ∘ leaky ReLU ∘ conv 3×3
 *
 * T is a γ-contraction in z at any weights: each convolution is divided by a proven bound of its norm. Nothing mixes samples and
 * nothing is drawn, so that the network evaluated is the network trained. Certified by the confidence of x, Table 2.
 *
 * @throws parameter if γ or a size is out of range
 * @source Wu Fung et al. 2022, JFB, the MNIST network (github.com/howardheaton/jacobian_free_backprop); deviates: averaging with
 * the identity and division by bounds make T contract, where the authors rescale the weights by one random probe; no batch
 * normalization, which makes T depend on the batch, and no dropout
 */
export function fixedPointNetwork(options: NetworkOptions): Model {
  return network("image-fpn", options, (T) => T);
}

/** x = S(T(0; Q(u))): one application of the same T with the same parameters, whose JFB is its exact gradient. */
export function explicitNetwork(options: NetworkOptions): Model {
  return network("image-explicit", options, (T, zero) => () => T(zero));
}

/** What is known of x, and certified of it; of no objective, so that nothing can be proven optimal. */
const distribution: Proximable = { name: "simplex", prox: (v) => simplex().project(v), property: confidence() };

type Map = (z: Tensor) => Tensor;

function network(name: string, options: NetworkOptions, used: (T: Map, zero: Tensor) => Map): Model {
  const { side, gamma, mean, deviation } = requireOptions(options);
  const latent = latentSize(options);
  const draws = random(options.seed);
  const filter = (key: string, out: number, channels: number) => he(draws.fork(key), [out, channels, 3, 3]);
  const layers = Array.from({ length: LAYERS }, (_, i) => [`latent.${i}.0`, `latent.${i}.1`] as const);
  const params: Record<string, Param> = {
    "first.K": filter("first", CHANNELS.first, 1),
    "first.b": bias(CHANNELS.first),
    "second.K": filter("second", CHANNELS.latent, CHANNELS.first),
    "second.b": bias(CHANNELS.latent),
  };
  for (const key of layers.flat()) {
    params[`${key}.K`] = filter(key, CHANNELS.latent, CHANNELS.latent);
    params[`${key}.b`] = bias(CHANNELS.latent);
  }
  params["last.K"] = filter("last", CHANNELS.last, CHANNELS.latent);
  params["last.b"] = bias(CHANNELS.last);
  params["classes"] = he(draws.fork("classes"), [CLASSES, CHANNELS.last * latent.height * latent.width]);
  return define({
    name,
    params,
    data: { u: ["N", 1, side, side] },
    problem: () => ({ confidence: { prox: distribution } }),
    split: (_, p, { u }) => {
      const convolved = (key: string, x: Tensor, padding: number) =>
        rectified(add(convolve(x, p[`${key}.K`]!, padding), channelwise(p[`${key}.b`]!)), SLOPE);
      const standard = div(sub(u, mean), deviation);
      const Q = convolved("second", maxPool(convolved("first", standard, 1), options.pool), 0);
      const R = compose(
        layers.map((pair) =>
          residualAverage(0.5, compose(pair.flatMap((key) => block(p[`${key}.K`]!, p[`${key}.b`]!, latent)))),
        ),
      );
      const zero = zeros(["N", CHANNELS.latent, latent.height, latent.width]);
      const T = used((z) => mul(gamma, R.apply(add(z, Q))), zero);
      const read = (z: Tensor) => softmax(matmulRows(convolved("last", z, 1), p["classes"]!));
      return contraction(name, gamma, mul(gamma, R.lipschitz.value), zero, T, read);
    },
  });
}

/** A convolution of norm at most 1 and a leaky ReLU. */
function block(K: Tensor, b: Tensor, size: ImageSize): Layer[] {
  const S = spectrallyNormalized(K, (W) => conv2d(W, size, torusBound));
  return [affine(S, channelwise(b)), pointwise(leakyRelu(SLOPE))];
}

function contraction(name: string, gamma: number, lipschitz: Tensor, zero: Tensor, T: Map, read: Map): Operator {
  const only = (z: Tree) => (z as { readonly z: Tensor }).z;
  return {
    name,
    init: () => ({ z: zero }),
    apply: (z) => ({ z: T(only(z)) }),
    read: (z) => read(only(z)),
    residuals: (z, z1) => ({ z: div(norm(sub(only(z1), only(z))), max(norm(only(z1)), TINY)) }),
    conditions: () => [{ text: `Lip(T) ≤ γ = ${gamma}`, left: lipschitz, right: constant(gamma) }],
    metric: (z) => inner(only(z), only(z)),
    averagedness: (1 + gamma) / 2,
  };
}

/** Below this a state counts as zero in relative residuals. */
const TINY = 1e-12;

/** The largest of each square of `size`² pixels; rows and columns that fill no square are left out. */
function maxPool(x: Tensor, size: number): Tensor {
  if (size === 1) return x;
  const [n, channels, height, width] = x.shape as [Tensor["shape"][0], number, number, number];
  const [rows, columns] = [Math.floor(height / size), Math.floor(width / size)];
  const cut = slice(slice(x, 2, 0, rows * size), 3, 0, columns * size);
  // Rows first: the gradient of a maximum over few neighbours in memory is the slowest part of a step.
  const beneath = maximum(reshape(cut, [n!, channels, rows, size, columns * size]), [3]);
  return maximum(reshape(beneath, [n!, channels, rows, columns, size]), [4]);
}

/** Rows of x, flattened, times Wᵀ for W [m, n]: [N, m]. */
function matmulRows(x: Tensor, W: Tensor): Tensor {
  const [m, n] = W.shape as [number, number];
  return reshape(matmul(reshape(x, ["N", n]), transpose(W, [1, 0])), ["N", m]);
}

function channelwise(b: Tensor): Tensor {
  return reshape(b, [b.shape[0]!, 1, 1]);
}

/** N(0, 2/n) entries, n inputs of an output. @source He et al. 2015, Delving Deep into Rectifiers, eq. (10) */
function he(stream: ReturnType<typeof random>, shape: readonly number[]): Param {
  const inputs = shape.slice(1).reduce((product, n) => product * n, 1);
  const length = inputs * shape[0]!;
  return {
    shape,
    init: () => {
      const draws = stream.fork("init");
      return Float32Array.from({ length }, () => draws.normal() * Math.sqrt(2 / inputs));
    },
  };
}

function bias(count: number): Param {
  return { shape: [count], init: () => new Float32Array(count) };
}

/** Side of the state: pooled, then without the border that an unpadded 3×3 convolution takes. */
function latentSize({ side, pool }: NetworkOptions): ImageSize {
  const left = Math.floor(side / pool) - 2;
  return { height: left, width: left };
}

function requireOptions(options: NetworkOptions): NetworkOptions {
  const { side, pool, gamma, deviation } = options;
  const fits = Number.isInteger(side) && Number.isInteger(pool) && pool >= 1 && latentSize(options).height >= 1;
  if (fits && gamma > 0 && gamma < 1 && deviation > 0) return options;
  throw new VouchError("parameter", {
    name: "fixedPointNetwork",
    expected: "γ in (0, 1), deviation > 0, and a state of at least one pixel: ⌊side/pool⌋ ≥ 3",
    got: `γ = ${gamma}, deviation ${deviation}, side ${side}, pool ${pool}`,
    remedy: "28 pixels a side and pool 3 are those of Fashion-MNIST.",
  });
}
