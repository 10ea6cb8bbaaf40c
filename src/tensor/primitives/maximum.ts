/** @file Maximum over axes, and where it is. */

import { moved, up } from "../rounding.js";
import { apply, type Primitive, shapeError, showShape, type Tensor, type Value } from "../tensor.js";
import { broadcastStrides, forEachOffset, reshape, sumKeep } from "./broadcast.js";
import { div, less, mul, select } from "./elementwise.js";
import { lastLength } from "./gather.js";

export const maximumPrimitive: Primitive<{ readonly axes: readonly number[] }> = {
  name: "maximum",
  exact: true,
  shape: ([x], { axes }) => {
    if (axes.some((axis) => axis < 0 || axis >= x!.shape.length)) {
      throw shapeError("maximum", `axes of ${showShape(x!.shape)}`, `axes [${axes}]`);
    }
    return [{ shape: x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)), dtype: "float" }];
  },
  vjp: ({ inputs, outputs, attributes }, [g]) => {
    if (g === undefined) return [undefined];
    const x = inputs[0]!;
    const attained = select(less(x, outputs[0]!), 0, 1);
    return [mul(attained, div(g, sumKeep(attained, attributes.axes)))];
  },
  onnx: (build, [x], { attributes }) => [build.node("ReduceMax", [x!, build.int64(attributes.axes)], { keepdims: 1 })],
  eval64: ([x], { attributes }) => {
    const shape = x!.shape.map((dim, axis) => (attributes.axes.includes(axis) ? 1 : dim));
    const data = new Float64Array(shape.reduce((p, n) => p * n, 1)).fill(Number.NEGATIVE_INFINITY);
    const run = x!.shape.at(-1) ?? 1;
    const strides = broadcastStrides(shape, shape.length);
    const step = strides.at(-1) ?? 0;
    forEachOffset(x!.shape.slice(0, -1), strides.slice(0, -1), (row, offset) => {
      for (let i = 0; i < run; i++)
        data[offset + i * step] = Math.max(data[offset + i * step]!, x!.data[row * run + i]!);
    });
    return [{ shape, data }];
  },
  enclose: (inputs, [y]) => [moved(inputs, y!)],
};

/** Maximum over `axes` (all by default), which disappear; the gradient is shared where it is attained more than once. */
export function maximum(x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis)): Tensor {
  return reshape(
    apply(maximumPrimitive, [x], { axes }),
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

/** ONNX's float32. */
const AS_NUMBERS = { to: 1 };

export const argmaxPrimitive: Primitive<Record<string, never>> = {
  name: "argmax",
  exact: true,
  shape: ([x]) => {
    lastLength("argmax", x!);
    return [{ shape: [...x!.shape.slice(0, -1), 1], dtype: "float" }];
  },
  vjp: () => [undefined],
  onnx: (build, [x], { inputs }) => {
    const axis = inputs[0]!.shape.length - 1;
    return [build.node("Cast", [build.node("ArgMax", [x!], { axis, keepdims: 1 })], AS_NUMBERS)];
  },
  eval64: ([x]) => [{ shape: [...x!.shape.slice(0, -1), 1], data: Float64Array.from(leading(x!), ([first]) => first) }],
  enclose: ([x], [y]) => {
    const near = up(2 * x!.radius);
    const clear = near === 0 || leading(x!.value).every(([, lead]) => lead > near);
    return [{ value: y!, radius: clear ? 0 : x!.value.shape.at(-1)! - 1 }];
  },
};

/** For each row the place of its largest element, the first of equal ones, and how far it is above every other. */
function leading({ shape, data }: Value): [place: number, lead: number][] {
  const run = shape.at(-1)!;
  return Array.from({ length: data.length / run }, (_, row) => {
    const values = data.subarray(row * run, (row + 1) * run);
    let place = 0;
    values.forEach((value, i) => {
      if (value > values[place]!) place = i;
    });
    const second = values.reduce((most, value, i) => (i === place ? most : Math.max(most, value)), -Infinity);
    return [place, values[place]! - second];
  });
}

/** Place of the largest element of each row of the last axis, the first of equal ones: x [N, …, n] → [N, …, 1], for `gather`. */
export function argmax(x: Tensor): Tensor {
  return apply(argmaxPrimitive, [x], {});
}
