/** @file Convolutions as matrices, max-pooling as a map of windows, and networks of both as implicit models. */

import { VouchError } from "../../../errors.js";
import { type Dense, dense } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import type { DenseLayer } from "./networks.js";
import { activate, affineSignal, inputSignal, type Layered, mapped, modelOf, pick, type Signal } from "./signal.js";

/** Images [channels, height, width], rows one after the other. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface Convolution {
  readonly kind: "convolution";
  /** [out, in, height, width], cross-correlation as networks have it. */
  readonly kernel: { readonly shape: readonly [number, number, number, number]; readonly data: ArrayLike<number> };
  /** [out] */
  readonly w?: ArrayLike<number>;
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
  readonly activation: Layered;
}

/** The largest number of each window. */
export interface MaxPooling {
  readonly kind: "max-pooling";
  readonly size: number;
  readonly stride?: number;
}

/** A signal that is an image. */
export interface ImageSignal {
  readonly shape: ImageShape;
  readonly signal: Signal;
}

/** Convolutions and poolings, then dense layers of the image as a vector. @throws shape @source El Ghaoui et al. 2021, §3 */
export function convolutional(
  shape: ImageShape,
  layers: readonly (Convolution | MaxPooling)[],
  head: readonly DenseLayer[],
): ImplicitModel {
  const u = inputSignal(shape.channels * shape.height * shape.width);
  let image: ImageSignal = { shape, signal: u };
  for (const layer of layers) image = layer.kind === "convolution" ? convolve(image, layer) : pool(image, layer);
  const body = head.reduce((s, { W, w, activation }) => mapped(affineSignal(W, s, w), activation), image.signal);
  return modelOf(body, u);
}

/** One convolution with its map. @throws shape */
export function convolve({ shape, signal }: ImageSignal, layer: Convolution): ImageSignal {
  const { matrix, out } = convolutionMatrix(shape, layer);
  const pixels = out.height * out.width;
  const w = Float64Array.from({ length: matrix.rows }, (_, i) => layer.w?.[Math.floor(i / pixels)] ?? 0);
  return { shape: out, signal: mapped(affineSignal(matrix, signal, w), layer.activation) };
}

/** Windows side by side, each a block whose first state is its maximum. @throws shape */
export function pool({ shape, signal }: ImageSignal, { size, stride = size }: MaxPooling): ImageSignal {
  const { channels, height, width } = shape;
  const out = {
    channels,
    height: outer("pool", height, size, stride, 0),
    width: outer("pool", width, size, stride, 0),
  };
  const places: number[] = [];
  const count = channels * out.height * out.width;
  for (let k = 0; k < count; k++) {
    const [c, i, j] = [Math.floor(k / (out.height * out.width)), Math.floor(k / out.width) % out.height, k % out.width];
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) places.push((c * height + i * stride + a) * width + j * stride + b);
    }
  }
  const window = { map: "max-pool", size: size * size } as const;
  const windows = activate(
    Array.from({ length: count }, () => window),
    pick(signal, places),
  );
  return {
    shape: out,
    signal: pick(
      windows,
      Int32Array.from({ length: count }, (_, k) => k * size * size),
    ),
  };
}

/** The matrix of a convolution: constant along its diagonals but for the borders. @throws shape */
export function convolutionMatrix(
  { channels, height, width }: ImageShape,
  { kernel, stride = 1, padding = 0 }: Pick<Convolution, "kernel" | "stride" | "padding">,
): { readonly matrix: Dense; readonly out: ImageShape } {
  const [count, depth, tall, wide] = kernel.shape;
  if (depth !== channels) {
    throw new VouchError("shape", {
      name: "convolutionMatrix",
      expected: `kernels of ${channels} channels`,
      got: `[${kernel.shape}]`,
      remedy: "Kernels are [out, in, height, width].",
    });
  }
  const out = {
    channels: count,
    height: outer("convolutionMatrix", height, tall, stride, padding),
    width: outer("convolutionMatrix", width, wide, stride, padding),
  };
  const matrix = dense(count * out.height * out.width, channels * height * width);
  for (let row = 0; row < matrix.rows; row++) {
    const o = Math.floor(row / (out.height * out.width));
    const [i, j] = [Math.floor(row / out.width) % out.height, row % out.width];
    for (let c = 0; c < channels; c++) {
      for (let a = 0; a < tall; a++) {
        for (let b = 0; b < wide; b++) {
          const [y, x] = [i * stride + a - padding, j * stride + b - padding];
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          const tap = kernel.data[((o * channels + c) * tall + a) * wide + b]!;
          matrix.data[row * matrix.columns + (c * height + y) * width + x] = tap;
        }
      }
    }
  }
  return { matrix, out };
}

function outer(name: string, length: number, window: number, stride: number, padding: number): number {
  const count = Math.floor((length + 2 * padding - window) / stride) + 1;
  if (count >= 1) return count;
  const remedy = "Take a smaller window or a larger image.";
  throw new VouchError("shape", {
    name,
    expected: `a window of at most ${length + 2 * padding}`,
    got: `${window}`,
    remedy,
  });
}
