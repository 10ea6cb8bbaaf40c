/** @file Random networks of four kinds, computed directly layer by layer, each with the implicit model it converts to. */

import { type Convolution, convolutional, type MaxPooling } from "../src/applications/implicit/convert/convolution.js";
import { type DenseLayer, feedForward, recurrent, residual } from "../src/applications/implicit/convert/networks.js";
import type { Layered } from "../src/applications/implicit/convert/signal.js";
import { type Dense, dense, denseOf } from "../src/applications/implicit/dense.js";
import type { ImplicitModel } from "../src/applications/implicit/model.js";
import type { Random } from "../src/random.js";

export interface Network {
  readonly model: ImplicitModel;
  readonly inputs: number;
  /** The output for one input, by the network's own recursion. */
  direct(u: Float64Array): Float64Array;
}

const MAPS: readonly Layered[] = [
  { map: "relu" },
  { map: "leaky-relu", slope: Math.fround(0.1) },
  { map: "tanh" },
  { map: "sigmoid" },
  { map: "softmax" },
];

export const networks: Readonly<Record<string, (stream: Random) => Network>> = {
  "feed-forward": (stream) => {
    const sizes = Array.from({ length: 3 + stream.integer(3) }, () => 1 + stream.integer(12));
    const layers = sizes.slice(1).map((out, k) => layer(stream, out, sizes[k]!, k === sizes.length - 2));
    return { model: feedForward(layers), inputs: sizes[0]!, direct: (u) => layers.reduce(through, u) };
  },
  residual: (stream) => {
    const width = 2 + stream.integer(8);
    const blocks = Array.from({ length: 1 + stream.integer(3) }, () => ({
      branch: [layer(stream, 1 + stream.integer(10), width, false)].flatMap((first) => [
        first,
        layer(stream, width, first.W.rows, true),
      ]),
      activation: mapOf(stream),
    }));
    const last = layer(stream, 1 + stream.integer(4), width, true);
    const direct = (u: Float64Array) => {
      const body = blocks.reduce((s, { branch, activation }) => {
        const moved = branch.reduce(through, s);
        return applied(
          s.map((value, i) => value + moved[i]!),
          activation,
        );
      }, u);
      return through(body, last);
    };
    return { model: residual(blocks, last), inputs: width, direct };
  },
  recurrent: (stream) => {
    const [p, h, steps] = [1 + stream.integer(4), 1 + stream.integer(8), 1 + stream.integer(6)];
    const cell = { W: weights(stream, h, h), V: weights(stream, h, p), w: noise(stream, h), activation: mapOf(stream) };
    const last = layer(stream, 1 + stream.integer(4), h, true);
    const direct = (u: Float64Array) => {
      let state: Float64Array = new Float64Array(h);
      for (let t = 0; t < steps; t++) {
        const [own, driven] = [product(cell.W, state), product(cell.V, u.subarray(t * p, (t + 1) * p))];
        state = applied(
          own.map((value, i) => value + driven[i]! + cell.w[i]!),
          cell.activation,
        );
      }
      return through(state, last);
    };
    return { model: recurrent(cell, steps, last), inputs: p * steps, direct };
  },
  convolutional: (stream) => {
    const shape = { channels: 1 + stream.integer(2), height: 6 + stream.integer(3), width: 6 + stream.integer(3) };
    const count = 1 + stream.integer(3);
    const side = 1 + stream.integer(3);
    const size = [count, shape.channels, side, side] as const;
    const convolution: Convolution = {
      ...{ kind: "convolution", activation: mapOf(stream), stride: 1 + stream.integer(2), padding: stream.integer(2) },
      kernel: {
        shape: size,
        data: noise(
          stream,
          size.reduce((a, b) => a * b, 1),
        ),
      },
      w: noise(stream, count),
    };
    const pooling: MaxPooling = { kind: "max-pooling", size: 2, stride: 1 + stream.integer(2) };
    const layers = [convolution, pooling];
    const image = (u: Float64Array) => pooled(convolved({ ...shape, data: u }, convolution), pooling);
    const width = image(new Float64Array(shape.channels * shape.height * shape.width)).data.length;
    const head = [layer(stream, 1 + stream.integer(5), width, true)];
    return {
      model: convolutional(shape, layers, head),
      inputs: shape.channels * shape.height * shape.width,
      direct: (u) => through(image(u).data, head[0]!),
    };
  },
};

/** Largest difference of the outputs at some inputs, relative to the largest output where that exceeds one. */
export function difference(network: Network, predicted: (U: Dense) => Dense, stream: Random, samples: number): number {
  const U = denseOf(samples, network.inputs, () => 2 * stream.normal());
  const Y = predicted(U);
  let worst = 0;
  for (let s = 0; s < samples; s++) {
    const expected = network.direct(U.data.subarray(s * U.columns, (s + 1) * U.columns));
    const scale = Math.max(1, ...expected.map(Math.abs));
    expected.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - Y.data[s * Y.columns + i]!) / scale);
    });
  }
  return worst;
}

export function layer(stream: Random, rows: number, columns: number, last: boolean): DenseLayer {
  return {
    W: weights(stream, rows, columns),
    w: noise(stream, rows),
    activation: last ? { map: "linear" } : mapOf(stream),
  };
}

function mapOf(stream: Random): Layered {
  return MAPS[stream.integer(MAPS.length)]!;
}

/** float32 numbers, as files of networks have them. */
function noise(stream: Random, length: number): Float64Array {
  return Float64Array.from({ length }, () => Math.fround(stream.normal()));
}

function weights(stream: Random, rows: number, columns: number): Dense {
  return dense(rows, columns, noise(stream, rows * columns));
}

function product(W: Dense, x: Float64Array): Float64Array {
  return Float64Array.from({ length: W.rows }, (_, i) =>
    x.reduce((sum, value, j) => sum + W.data[i * W.columns + j]! * value, 0),
  );
}

export function through(x: Float64Array, { W, w, activation }: DenseLayer): Float64Array {
  return applied(
    product(W, x).map((value, i) => value + (w?.[i] ?? 0)),
    activation,
  );
}

function applied(z: Float64Array, activation: Layered): Float64Array {
  if (activation.map === "softmax") {
    const powers = z.map(Math.exp);
    return powers.map((value) => value / powers.reduce((a, b) => a + b, 0));
  }
  const maps = {
    relu: (v: number) => Math.max(v, 0),
    "leaky-relu": (v: number) => (v < 0 && activation.map === "leaky-relu" ? activation.slope * v : v),
    tanh: (v: number) => (Math.exp(2 * v) - 1) / (Math.exp(2 * v) + 1),
    sigmoid: (v: number) => Math.exp(v) / (1 + Math.exp(v)),
    linear: (v: number) => v,
  };
  return z.map(maps[activation.map]);
}

interface Image {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

export function convolved(image: Image, { kernel, w, stride = 1, padding = 0, activation }: Convolution): Image {
  const [count, depth, tall, wide] = kernel.shape;
  const height = Math.floor((image.height + 2 * padding - tall) / stride) + 1;
  const width = Math.floor((image.width + 2 * padding - wide) / stride) + 1;
  const at = (c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= image.height || x >= image.width ? 0 : image.data[(c * image.height + y) * image.width + x]!;
  const data = new Float64Array(count * height * width);
  for (let o = 0; o < count; o++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        let total = w?.[o] ?? 0;
        for (let tap = 0; tap < depth * tall * wide; tap++) {
          const [c, a, b] = [Math.floor(tap / (tall * wide)), Math.floor(tap / wide) % tall, tap % wide];
          total +=
            kernel.data[o * depth * tall * wide + tap]! * at(c, i * stride + a - padding, j * stride + b - padding);
        }
        data[(o * height + i) * width + j] = total;
      }
    }
  }
  return { channels: count, height, width, data: applied(data, activation) };
}

export function pooled(image: Image, { size, stride = size }: MaxPooling): Image {
  const height = Math.floor((image.height - size) / stride) + 1;
  const width = Math.floor((image.width - size) / stride) + 1;
  const data = new Float64Array(image.channels * height * width).fill(-Infinity);
  data.forEach((_, k) => {
    const [c, i, j] = [Math.floor(k / (height * width)), Math.floor(k / width) % height, k % width];
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) {
        const value = image.data[(c * image.height + i * stride + a) * image.width + j * stride + b]!;
        data[k] = Math.max(data[k]!, value);
      }
    }
  });
  return { ...image, height, width, data };
}
