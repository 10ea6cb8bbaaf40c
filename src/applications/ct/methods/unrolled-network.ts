/** @file A small reconstruction network: a few learned gradient steps with shared filters; no guarantee. */

import { sparse } from "../../../linear/sparse.js";
import type { Param } from "../../../model.js";
import { convolution } from "../../../networks/convolution.js";
import { reshape, zeros } from "../../../tensor/primitives/broadcast.js";
import { add, leakyRelu, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { concat, slice } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { type Network, networkSize } from "../../../training/network.js";
import { constantWeights, uniformWeights } from "../../../training/params/weights.js";
import { hann } from "../fbp.js";
import type { Tomography } from "../tomography.js";
import { networkMethod, withStart } from "./external.js";
import { definitionOf, type LearnedMethod, trainNetwork } from "./learned.js";

export interface UnrolledOptions {
  /** Gradient steps, and channels between their convolutions. */
  readonly steps: number;
  readonly width: number;
  /** Channels handed from step to step. */
  readonly memory: number;
}

/** Slope of the rectifiers below 0. */
const LEAK = 0.1;
/** Share of the plain gradient in what a step is fed: it is large at low frequencies. */
const PLAIN = 0.1;

/**
 * x₀ = start; x⁺ = x + h₁, s⁺ = h₂ with h = W₃ ⋆ φ(W₂ ⋆ φ(W₁ ⋆ [x, s, F(Ax − d), Aᵀ(Ax − d)/10] + a_k) + b_k) + c, `steps` times.
 *
 * F is filtered backprojection as Aᵀ with a Hann filter along the detectors, φ a leaky rectifier; filters 3×3, shared by the steps, which
 * have their own a_k and b_k.
 *
 * @returns x [N, 1, size, size], bound to nothing
 * @source Adler & Öktem 2018, Learned primal-dual reconstruction, of which this is the gradient form with shared filters (Adler &
 * Öktem 2017)
 */
export function unrolledNetwork(ct: Tomography, options: UnrolledOptions, seed: number): Network {
  const { steps, width, memory } = options;
  const filters = (label: string, shape: readonly number[], gain: number) =>
    uniformWeights(shape, { seed, label, gain });
  const He = Math.sqrt(6);
  const params: Record<string, Param> = {
    W1: filters("W1", [width, memory + 3, 3, 3], He),
    W2: filters("W2", [width, width, 3, 3], He),
    W3: filters("W3", [1 + memory, width, 3, 3], 0.1),
    a: constantWeights([steps, width], 0),
    b: constantWeights([steps, width], 0),
    c: constantWeights([1 + memory], 0),
  };
  return {
    name: "unrolled",
    params,
    data: { d: ["N", ct.matrix.rows], start: ["N", 1, ct.size, ct.size] },
    apply: (p, { d, start }) => forward(ct, options, p, d!, start!),
  };
}

function forward(
  ct: Tomography,
  { steps, width, memory }: UnrolledOptions,
  p: Readonly<Record<string, Tensor>>,
  d: Tensor,
  start: Tensor,
) {
  const filtered = filteredAdjoint(ct);
  const row = (biases: Tensor, k: number) => reshape(slice(biases, 0, k, k + 1), [width]);
  let x = start;
  let s = zeros(["N", memory, ct.size, ct.size]);
  for (let k = 0; k < steps; k++) {
    const r = sub(ct.operator.apply(x), d);
    const seen = concat([x, s, filtered(r), mul(PLAIN, ct.operator.adjoint(r))], 1);
    const first = leakyRelu(convolution(seen, p["W1"]!, row(p["a"]!, k)), LEAK);
    const hidden = leakyRelu(convolution(first, p["W2"]!, row(p["b"]!, k)), LEAK);
    const h = convolution(hidden, p["W3"]!, p["c"]!);
    x = add(x, slice(h, 1, 0, 1));
    s = slice(h, 1, 1, 1 + memory);
  }
  return { x };
}

/** `unrolled` from filtered backprojections, by its gradient on mean squared error. */
export const unrolledMethod: LearnedMethod = {
  name: "unrolled",
  manifest: "ct-unrolled",
  summary: "eight learned gradient steps; no guarantee",
  definition: { steps: 8, width: 32, memory: 4 },
  recipe: { phases: 18, passes: 1, slices: 893, batch: 8, learningRate: 1e-3 },
  train: (ct, images, options) => {
    const network = unrolledNetwork(ct, options.definition as unknown as UnrolledOptions, options.seed);
    return trainNetwork(unrolledMethod, ct, network, (set) => withStart(ct, set), images, options);
  },
  method: (ct, bundle) => {
    const network = unrolledNetwork(ct, definitionOf(unrolledMethod, bundle) as unknown as UnrolledOptions, 0);
    return networkMethod(ct, network, bundle.weights, { name: "unrolled", parameters: networkSize(network) });
  },
};

/**
 * r [N, rows] ↦ (π/views) Aᵀ of Hann-filtered rows, in units of the image: filtered backprojection with A's own interpolation.
 *
 * Rows enter as line integrals, times what they were divided by, and leave so; detectors lie one spacing apart.
 */
export function filteredAdjoint(ct: Tomography): (r: Tensor) => Tensor {
  const [views, detectors] = ct.sinogram;
  const rows = ct.matrix.rows;
  const places = ct.kept;
  const norms = Float32Array.from(ct.norms);
  // Row m of the whole sinogram from the kept rows, times their norms.
  const full = views * detectors;
  const at = new Int32Array(full).fill(-1);
  places.forEach((place, kept) => {
    at[place] = kept;
  });
  const indptr = new Int32Array(full + 1);
  for (let m = 0; m < full; m++) indptr[m + 1] = indptr[m]! + (at[m]! < 0 ? 0 : 1);
  const indices = at.filter((kept) => kept >= 0);
  const whole = { rows: full, columns: rows, indptr, indices, values: norms };
  const spread = sparse("rows to sinogram", whole);
  const { spacing } = ct.geometry;
  const filter = Float32Array.from({ length: detectors ** 2 }, (_, k) => {
    const n = Math.abs((k % detectors) - Math.floor(k / detectors));
    return ((Math.PI / views) * hann(n)) / spacing ** 2;
  });
  const H = constant(filter, [detectors, detectors]);
  return (r) => {
    const sinogram = reshape(spread.apply(r), ["N", views, detectors]);
    return ct.operator.adjoint(spread.adjoint(reshape(matmul(sinogram, H), ["N", full])));
  };
}
