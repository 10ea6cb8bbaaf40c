/** @file Maximum over axes. */

import { moved } from "../rounding.js";
import { apply, type Primitive, shapeError, showShape, type Tensor } from "../tensor.js";
import { broadcastStrides, broadcastTo, forEachOffset, reshape, sumKeep } from "./broadcast.js";
import { div, less, mul, select } from "./elementwise.js";

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
    const attained = select(less(x, broadcastTo(outputs[0]!, x.shape)), 0, 1);
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
