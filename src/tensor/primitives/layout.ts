/** @file Moving elements without arithmetic: transpose, slice, pad, concat. */

import { moved } from "../rounding.js";
import {
  apply,
  concrete,
  type Primitive,
  type Shape,
  shapeError,
  showShape,
  type Tensor,
  type Value,
} from "../tensor.js";
import { forEachOffset } from "./broadcast.js";

function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

function gatherStrided(x: Value, shape: number[], strides: number[], start = 0): Value {
  const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
  forEachOffset(shape, strides, (k, offset) => {
    data[k] = x.data[start + offset]!;
  });
  return { shape, data };
}

export const transposePrimitive: Primitive<{ readonly order: readonly number[] }> = {
  name: "transpose",
  exact: true,
  shape: ([x], { order }) => {
    const sorted = [...order].sort((a, b) => a - b);
    if (sorted.length !== x!.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw shapeError("transpose", `a permutation of the axes of ${showShape(x!.shape)}`, `[${order}]`);
    }
    return [{ shape: order.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  vjp: ({ attributes: { order } }, [g]) => [
    g &&
      transpose(
        g,
        order.map((_, axis) => order.indexOf(axis)),
      ),
  ],
  onnx: (build, [x], { attributes }) => [build.node("Transpose", [x!], { perm: attributes.order })],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
  eval64: ([x], { attributes: { order } }) => {
    const strides = rowMajor(x!.shape);
    return [
      gatherStrided(
        x!,
        order.map((axis) => x!.shape[axis]!),
        order.map((axis) => strides[axis]!),
      ),
    ];
  },
};

/** Axes in another order: output axis i is input axis order[i]. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  return apply(transposePrimitive, [x], { order });
}

interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

function lengthAlong(name: string, x: Tensor, axis: number): number {
  const dim = x.shape[axis];
  if (dim === undefined || dim === "N") {
    throw shapeError(name, "an axis other than the sample axis", `axis ${axis} of ${showShape(x.shape)}`);
  }
  return dim;
}

export const slicePrimitive: Primitive<Range> = {
  name: "slice",
  exact: true,
  shape: ([x], { axis, start, end }) => {
    const length = lengthAlong("slice", x!, axis);
    if (start < 0 || end > length || start >= end) {
      throw shapeError("slice", `0 ≤ start < end ≤ ${length}`, `${start} to ${end}`);
    }
    return [{ shape: withDim(x!.shape, axis, end - start), dtype: x!.dtype }];
  },
  vjp: ({ inputs, attributes: { axis, start, end } }, [g]) => [
    g && pad(g, axis, start, lengthAlong("slice", inputs[0]!, axis) - end),
  ],
  onnx: (build, [x], { attributes: { axis, start, end } }) => [
    build.node("Slice", [x!, build.int64([start]), build.int64([end]), build.int64([axis])]),
  ],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
  eval64: ([x], { attributes: { axis, start, end } }) => {
    const strides = rowMajor(x!.shape);
    const shape = x!.shape.map((dim, i) => (i === axis ? end - start : dim));
    return [gatherStrided(x!, shape, strides, start * strides[axis]!)];
  },
};

/** Elements start ≤ i < end along an axis. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  return apply(slicePrimitive, [x], { axis, start, end });
}

interface Padding {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

export const padPrimitive: Primitive<Padding> = {
  name: "pad",
  exact: true,
  shape: ([x], { axis, before, after }) => {
    const length = lengthAlong("pad", x!, axis);
    if (before < 0 || after < 0) throw shapeError("pad", "padding ≥ 0", `${before}, ${after}`);
    return [{ shape: withDim(x!.shape, axis, before + length + after), dtype: x!.dtype }];
  },
  vjp: ({ inputs, attributes: { axis, before } }, [g]) => [
    g && slice(g, axis, before, before + lengthAlong("pad", inputs[0]!, axis)),
  ],
  onnx: (build, [x], { inputs, attributes: { axis, before, after } }) => {
    const rank = inputs[0]!.shape.length;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = before;
    pads[rank + axis] = after;
    return [build.node("Pad", [x!, build.int64(pads)])];
  },
  enclose: (inputs, [y]) => [moved(inputs, y!)],
  eval64: ([x], { attributes: { axis, before, after } }) => {
    const shape = x!.shape.map((dim, i) => (i === axis ? before + dim + after : dim));
    const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
    const strides = rowMajor(shape);
    forEachOffset(x!.shape, strides, (k, offset) => {
      data[offset + before * strides[axis]!] = x!.data[k]!;
    });
    return [{ shape, data }];
  },
};

/** Zeros before and after along an axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  return apply(padPrimitive, [x], { axis, before, after });
}

export const concatPrimitive: Primitive<{ readonly axis: number }> = {
  name: "concat",
  exact: true,
  shape: (inputs, { axis }) => {
    const first = inputs[0]!;
    const total = inputs.reduce((length, x) => length + lengthAlong("concat", x, axis), 0);
    for (const x of inputs) {
      if (x.shape.length !== first.shape.length || x.shape.some((dim, i) => i !== axis && dim !== first.shape[i])) {
        throw shapeError("concat", `${showShape(first.shape)} but for axis ${axis}`, showShape(x.shape));
      }
    }
    return [{ shape: withDim(first.shape, axis, total), dtype: first.dtype }];
  },
  vjp: ({ inputs, attributes: { axis } }, [g]) => {
    let start = 0;
    return inputs.map((x) => {
      const end = start + lengthAlong("concat", x, axis);
      const part = g && slice(g, axis, start, end);
      start = end;
      return part;
    });
  },
  onnx: (build, inputs, { attributes }) => [build.node("Concat", inputs, { axis: attributes.axis })],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
  eval64: (inputs, { outputs, attributes: { axis } }, batch) => {
    const shape = concrete(outputs[0]!.shape, batch);
    const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
    const strides = rowMajor(shape);
    let start = 0;
    for (const x of inputs) {
      const shift = start * strides[axis]!;
      forEachOffset(x.shape, strides, (k, offset) => {
        data[offset + shift] = x.data[k]!;
      });
      start += x.shape[axis]!;
    }
    return [{ shape, data }];
  },
};

/** Tensors one after the other along an axis other than the sample axis. */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  return inputs.length === 1 ? inputs[0]! : apply(concatPrimitive, inputs, { axis });
}

function withDim(shape: Shape, axis: number, length: number): Shape {
  return shape.map((dim, i) => (i === axis ? length : dim));
}
