/** @file Two-dimensional convolution (cross-correlation, stride 1, zero padding) and its two adjoints. */

import { type Enclosed, innerProduct, largest, moved } from "../rounding.js";
import { apply, concrete, type Primitive, shapeError, showShape, type Tensor, type Value } from "../tensor.js";
import { filterGradient } from "./conv-filter.js";

interface Padded {
  readonly padding: number;
}

export const conv2dPrimitive: Primitive<Padded> = {
  name: "conv2d",
  exact: true,
  shape: ([x, w], { padding }) => {
    const [n, ci, h, width] = x!.shape;
    const [co, wi, kh, kw] = w!.shape;
    if (x!.shape.length !== 4 || w!.shape.length !== 4 || ci !== wi) {
      throw shapeError(
        "conv2d",
        "x [N, in, H, W] and filters [out, in, h, w]",
        `${showShape(x!.shape)} and ${showShape(w!.shape)}`,
      );
    }
    const height = (h as number) + 2 * padding - (kh as number) + 1;
    const wide = (width as number) + 2 * padding - (kw as number) + 1;
    if (height < 1 || wide < 1)
      throw shapeError("conv2d", "filters no larger than the padded image", showShape(w!.shape));
    return [{ shape: [n!, co!, height, wide], dtype: "float" }];
  },
  vjp: ({ inputs: [x, w], attributes: { padding } }, [g]) => [
    g && conv2dAdjoint(g, w!, padding),
    g && conv2dFilter(x!, g, padding),
  ],
  onnx: (build, [x, w], { attributes: { padding } }) => [
    build.node("Conv", [x!, w!], { pads: [padding, padding, padding, padding] }),
  ],
  enclose: ([x, w], [y]) => [{ value: y!, radius: filtered(x!, w!, 0) }],
  eval64: ([x, w], { outputs, attributes: { padding } }, batch) => {
    const shape = concrete(outputs[0]!.shape, batch) as [number, number, number, number];
    return [correlate(spread(x!, padding, padding), w!, shape)];
  },
};

/** Zeros around the images; where a margin is negative, that much cut off. */
function spread(x: Value, above: number, beside: number): Value {
  if (above === 0 && beside === 0) return x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [height, width] = [h + 2 * above, w + 2 * beside];
  const data = new Float64Array(n * c * height * width);
  const cut = Math.max(0, -beside);
  for (let image = 0; image < n * c; image++)
    for (let r = Math.max(0, -above); r < Math.min(h, h + above); r++) {
      const from = (image * h + r) * w;
      data.set(x.data.subarray(from + cut, from + w - cut), (image * height + r + above) * width + beside + cut);
    }
  return { shape: [n, c, height, width], data };
}

/** y[n,o,r,q] = Σ w[o,c,i,j] x[n,c,r+i,q+j], four taps of a row at a time. */
function correlate(x: Value, w: Value, shape: readonly [number, number, number, number]): Value {
  const [n, co, ho, wo] = shape;
  const [, ci, h, width] = x.shape as [number, number, number, number];
  const [, , kh, kw] = w.shape as [number, number, number, number];
  const data = new Float64Array(n * co * ho * wo);
  for (let s = 0; s < n; s++)
    for (let o = 0; o < co; o++)
      for (let c = 0; c < ci; c++)
        for (let i = 0; i < kh; i++) {
          const taps = w.data.subarray(((o * ci + c) * kh + i) * kw, ((o * ci + c) * kh + i + 1) * kw);
          for (let r = 0; r < ho; r++) {
            addRow(data, ((s * co + o) * ho + r) * wo, x.data, ((s * ci + c) * h + r + i) * width, taps, wo);
          }
        }
  return { shape, data };
}

function addRow(out: Float64Array, at: number, x: Float64Array, from: number, w: Float64Array, length: number): void {
  let j = 0;
  for (; j + 4 <= w.length; j += 4) {
    const [w0, w1, w2, w3] = [w[j]!, w[j + 1]!, w[j + 2]!, w[j + 3]!];
    const start = from + j;
    for (let q = 0; q < length; q++) {
      const k = start + q;
      out[at + q]! += w0 * x[k]! + w1 * x[k + 1]! + (w2 * x[k + 2]! + w3 * x[k + 3]!);
    }
  }
  if (w.length - j === 3) {
    const [w0, w1, w2] = [w[j]!, w[j + 1]!, w[j + 2]!];
    for (let q = 0, k = from + j; q < length; q++, k++) out[at + q]! += w0 * x[k]! + w1 * x[k + 1]! + w2 * x[k + 2]!;
    return;
  }
  for (; j < w.length; j++) {
    const tap = w[j]!;
    for (let q = 0, k = from + j; q < length; q++, k++) out[at + q]! += tap * x[k]!;
  }
}

/** Radius of products with filters [out, in, h, w] summed over all but one axis: what goes into one element. */
function filtered(x: Enclosed, w: Enclosed, axis: 0 | 1): number {
  const [out, channels, h, width] = w.value.shape as [number, number, number, number];
  const terms = (axis === 0 ? channels : out) * h * width;
  const rowSum = largestRow(w.value, axis);
  return innerProduct(terms, rowSum, w, { largest: largest(x.value), radius: x.radius });
}

/** max over an axis of Σ|w| over the others. */
function largestRow({ shape, data }: Value, axis: 0 | 1): number {
  const [out, channels, h, w] = shape as [number, number, number, number];
  const sums = new Float64Array(axis === 0 ? out : channels);
  data.forEach((value, k) => {
    const at = axis === 0 ? Math.floor(k / (channels * h * w)) : Math.floor(k / (h * w)) % channels;
    sums[at]! += Math.abs(value);
  });
  return sums.reduce((a, b) => Math.max(a, b), 0);
}

/** Output positions q for which 0 ≤ q + shift < width. */
function inside(shift: number, outputs: number, width: number): [number, number] {
  return [Math.max(0, -shift), Math.min(outputs, width - shift)];
}

/** y[n,o,r,q] = Σ w[o,c,i,j] x[n,c,r+i−p,q+j−p], zeros outside; x [N, in, H, W], w [out, in, h, w]. */
export function conv2d(x: Tensor, w: Tensor, padding: number): Tensor {
  return apply(conv2dPrimitive, [x, w], { padding });
}

/** Below this many output channels ONNX Runtime's Conv falls back to products with one thin side. */
const THIN = 8;

export const conv2dAdjointPrimitive: Primitive<Padded> = {
  name: "conv2dAdjoint",
  exact: true,
  shape: ([y, w], { padding }) => {
    const [n, co, ho, wo] = y!.shape;
    const [wco, ci, kh, kw] = w!.shape;
    if (y!.shape.length !== 4 || w!.shape.length !== 4 || co !== wco) {
      throw shapeError(
        "conv2dAdjoint",
        "y [N, out, H, W] and filters [out, in, h, w]",
        `${showShape(y!.shape)} and ${showShape(w!.shape)}`,
      );
    }
    const size = (length: number, k: number) => length - 2 * padding + k - 1;
    return [{ shape: [n!, ci!, size(ho as number, kh as number), size(wo as number, kw as number)], dtype: "float" }];
  },
  vjp: ({ inputs: [y, w], attributes: { padding } }, [g]) => [
    g && conv2d(g, w!, padding),
    g && conv2dFilter(g, y!, padding),
  ],
  onnx: (build, [y, w], { attributes: { padding } }) => [
    build.node("ConvTranspose", [y!, w!], { pads: [padding, padding, padding, padding] }),
  ],
  enclose: ([x, w], [y]) => [{ value: y!, radius: filtered(x!, w!, 1) }],
  eval64: ([y, w], { outputs, attributes: { padding } }, batch) => {
    const shape = concrete(outputs[0]!.shape, batch) as [number, number, number, number];
    const [, , kh, kw] = w!.shape as [number, number, number, number];
    const wide = spread(y!, kh - 1 - padding, kw - 1 - padding);
    return [correlate(wide, flipped(w!), shape)];
  },
};

/**
 * Adjoint of conv2d in x, square filters: a transposed convolution where few channels come out, else a convolution with
 * the flipped filters and padding h − 1 − p, each where ONNX Runtime is fast.
 */
export function conv2dAdjoint(y: Tensor, w: Tensor, padding: number): Tensor {
  const [, ci, kh, kw] = w.shape as [number, number, number, number];
  if (kh !== kw) throw shapeError("conv2dAdjoint", "square filters", showShape(w.shape));
  if (ci < THIN) return apply(conv2dAdjointPrimitive, [y, w], { padding });
  return conv2d(y, flipFilter(w), kh - 1 - padding);
}

export const flipFilterPrimitive: Primitive<Record<string, never>> = {
  name: "flipFilter",
  exact: true,
  shape: ([w]) => {
    if (w!.shape.length !== 4) throw shapeError("flipFilter", "[out, in, h, w]", showShape(w!.shape));
    const [co, ci, kh, kw] = w!.shape;
    return [{ shape: [ci!, co!, kh!, kw!], dtype: "float" }];
  },
  vjp: (_, [g]) => [g && flipFilter(g)],
  onnx: (build, [w]) => {
    const flipped = build.node("Slice", [
      w!,
      build.int64([-1, -1]),
      build.int64([-(2 ** 31), -(2 ** 31)]),
      build.int64([2, 3]),
      build.int64([-1, -1]),
    ]);
    return [build.node("Transpose", [flipped], { perm: [1, 0, 2, 3] })];
  },
  enclose: (inputs, [y]) => [moved(inputs, y!)],
  eval64: ([w]) => [flipped(w!)],
};

function flipped(w: Value): Value {
  const [co, ci, kh, kw] = w.shape as [number, number, number, number];
  const data = new Float64Array(w.data.length);
  const area = kh * kw;
  for (let o = 0; o < co; o++)
    for (let c = 0; c < ci; c++)
      for (let t = 0; t < area; t++) data[(c * co + o) * area + t] = w.data[(o * ci + c) * area + area - 1 - t]!;
  return { shape: [ci, co, kh, kw], data };
}

/** w'[c,o,i,j] = w[o,c,h−1−i,w−1−j]: the filters of the adjoint. */
export function flipFilter(w: Tensor): Tensor {
  return apply(flipFilterPrimitive, [w], {});
}

export const conv2dFilterPrimitive: Primitive<Padded> = {
  name: "conv2dFilter",
  exact: true,
  shape: ([x, g], { padding }) => {
    const [n, ci, h, w] = x!.shape;
    const [m, co, ho, wo] = g!.shape;
    if (x!.shape.length !== 4 || g!.shape.length !== 4 || n !== m) {
      throw shapeError(
        "conv2dFilter",
        "x [N, in, H, W] and g [N, out, H', W']",
        `${showShape(x!.shape)} and ${showShape(g!.shape)}`,
      );
    }
    const size = (a: number, b: number) => a + 2 * padding - b + 1;
    return [{ shape: [co!, ci!, size(h as number, ho as number), size(w as number, wo as number)], dtype: "float" }];
  },
  vjp: ({ inputs: [x, y], attributes: { padding } }, [g]) => [
    g && conv2dAdjoint(y!, g, padding),
    g && conv2d(x!, g, padding),
  ],
  onnx: (build, [x, g], { inputs, outputs, attributes: { padding } }) => {
    const [, ci, height, width] = inputs[0]!.shape as [never, number, number, number];
    const [, out, above, beside] = inputs[1]!.shape as [never, number, number, number];
    const [, , rows, columns] = outputs[0]!.shape as [never, never, number, number];
    return [filterGradient(build, x!, g!, { in: ci, height, width, out, above, beside, rows, columns, padding })];
  },
  enclose: ([x, g], [y]) => {
    const [n, , h, w] = g!.value.shape as [number, number, number, number];
    const terms = n * h * w;
    return [
      {
        value: y!,
        radius: innerProduct(terms, terms * largest(g!.value), g!, { largest: largest(x!.value), radius: x!.radius }),
      },
    ];
  },
  eval64: ([x, g], { outputs, attributes: { padding } }) => {
    const [n, ci, h, w] = x!.shape as [number, number, number, number];
    const [, co, ho, wo] = g!.shape as [number, number, number, number];
    const [, , kh, kw] = outputs[0]!.shape as [number, number, number, number];
    const data = new Float64Array(co * ci * kh * kw);
    for (let s = 0; s < n; s++)
      for (let o = 0; o < co; o++)
        for (let c = 0; c < ci; c++)
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++) {
              const [first, last] = inside(j - padding, wo, w);
              let total = 0;
              for (let r = 0; r < ho; r++) {
                const row = r + i - padding;
                if (row < 0 || row >= h) continue;
                const at = ((s * co + o) * ho + r) * wo;
                const from = ((s * ci + c) * h + row) * w + j - padding;
                for (let q = first; q < last; q++) total += g!.data[at + q]! * x!.data[from + q]!;
              }
              data[((o * ci + c) * kh + i) * kw + j]! += total;
            }
    return [{ shape: [co, ci, kh, kw], data }];
  },
};

/** Gradient of ⟨conv2d(x, w), g⟩ in w, summed over samples: [out, in, h, w]. */
export function conv2dFilter(x: Tensor, g: Tensor, padding: number): Tensor {
  return apply(conv2dFilterPrimitive, [x, g], { padding });
}
