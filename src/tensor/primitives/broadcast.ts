/** @file Broadcasting and its adjoint: broadcastTo, sum over axes, reshape. */

import { moved, sumOf } from "../rounding.js";
import {
  apply,
  concrete,
  elements,
  type Primitive,
  type Shape,
  sameShape,
  shapeError,
  showShape,
  type Tensor,
  type Value,
} from "../tensor.js";
import { constant } from "./leaf.js";

/** Row-major strides; 0 on broadcast axes (size 1). */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) strides[axis + rank - shape.length] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Calls `visit(k, offset)` for each output position k and its offset in an array of the given strides. */
export function forEachOffset(
  shape: readonly number[],
  strides: readonly number[],
  visit: (k: number, offset: number) => void,
) {
  const rank = shape.length;
  const total = shape.reduce((p, n) => p * n, 1);
  if (total === 0) return;
  if (rank === 0) {
    visit(0, 0);
    return;
  }
  const inner = shape[rank - 1]!;
  const step = strides[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  let base = 0;
  for (let k = 0; k < total; k += inner) {
    for (let i = 0, offset = base; i < inner; i++, offset += step) visit(k + i, offset);
    for (let axis = rank - 2; axis >= 0; axis--) {
      base += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      base -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

export const reshapePrimitive: Primitive<{ readonly shape: Shape }> = {
  name: "reshape",
  exact: true,
  shape: ([x], { shape }) => {
    const batched = x!.shape[0] === "N";
    if (elements(x!.shape) !== elements(shape) || batched !== (shape[0] === "N")) {
      throw shapeError("reshape", `as many elements as ${showShape(x!.shape)}, the sample axis kept`, showShape(shape));
    }
    return [{ shape, dtype: x!.dtype }];
  },
  vjp: ({ inputs }, [g]) => [g && reshape(g, inputs[0]!.shape)],
  onnx: (build, [x], { attributes }) => [
    build.node("Reshape", [x!, build.int64(attributes.shape.map((dim) => (dim === "N" ? -1 : dim)))]),
  ],
  eval64: ([x], { attributes }, batch) => [{ shape: concrete(attributes.shape, batch), data: x!.data }],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
};

/** Same elements in row-major order under another shape; the sample axis stays first. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(reshapePrimitive, [x], { shape });
}

export const sumPrimitive: Primitive<{ readonly axes: readonly number[] }> = {
  name: "sum",
  exact: true,
  shape: ([x], { axes }) => {
    if (axes.some((axis) => axis < 0 || axis >= x!.shape.length)) {
      throw shapeError("sum", `axes of ${showShape(x!.shape)}`, `axes [${axes}]`);
    }
    return [{ shape: x!.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)), dtype: x!.dtype }];
  },
  vjp: ({ inputs }, [g]) => [g && broadcastTo(g, inputs[0]!.shape)],
  // The last axis first: to one float32 total of a whole image, small elements would add nothing.
  onnx: (build, [x], { attributes }) => {
    const axes = [...attributes.axes].sort((a, b) => a - b);
    const stages = axes.length > 1 ? [axes.slice(-1), axes.slice(0, -1)] : [axes];
    return [stages.reduce((y, stage) => build.node("ReduceSum", [y, build.int64(stage)], { keepdims: 1 }), x!)];
  },
  eval64: ([x], { attributes }) => {
    const shape = x!.shape.map((dim, axis) => (attributes.axes.includes(axis) ? 1 : dim));
    const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
    const run = x!.shape.at(-1) ?? 1;
    const strides = broadcastStrides(shape, shape.length);
    const step = strides.at(-1) ?? 0;
    forEachOffset(x!.shape.slice(0, -1), strides.slice(0, -1), (row, offset) => {
      const start = row * run;
      if (step === 0) {
        let total = data[offset]!;
        for (let i = 0; i < run; i++) total += x!.data[start + i]!;
        data[offset] = total;
      } else for (let i = 0; i < run; i++) data[offset + i]! += x!.data[start + i]!;
    });
    return [{ shape, data }];
  },
  enclose: ([x], [y]) => [{ value: y!, radius: sumOf(x!.value.data.length / Math.max(1, y!.data.length), x!) }],
};

/** Σ over `axes`, which stay with size 1. */
export function sumKeep(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : apply(sumPrimitive, [x], { axes });
}

/** Σ over `axes` (all of them by default), which disappear. */
export function sum(x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis)): Tensor {
  return reshape(
    sumKeep(x, axes),
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

/** Axes of a tensor other than the sample axis. */
export function sampleAxes(x: Tensor): number[] {
  return x.shape.flatMap((_, axis) => (axis === 0 && x.shape[0] === "N" ? [] : [axis]));
}

export function broadcastable(from: Shape, to: Shape): boolean {
  const lead = to.length - from.length;
  return lead >= 0 && from.every((dim, axis) => dim === 1 || dim === to[axis + lead]);
}

export const broadcastPrimitive: Primitive<{ readonly shape: Shape }> = {
  name: "broadcastTo",
  exact: true,
  shape: ([x], { shape }) => {
    if (!broadcastable(x!.shape, shape))
      throw shapeError("broadcastTo", `a shape ${showShape(x!.shape)} broadcasts to`, showShape(shape));
    return [{ shape, dtype: x!.dtype }];
  },
  vjp: ({ inputs }, [g]) => [g && sumTo(g, inputs[0]!.shape)],
  onnx: (build, [x], { attributes: { shape } }) => {
    const target =
      shape[0] === "N"
        ? build.node("Concat", [build.batch(), build.int64(shape.slice(1) as number[])], { axis: 0 })
        : build.int64(shape as number[]);
    return [build.node("Expand", [x!, target])];
  },
  eval64: ([x], { attributes }, batch) => [broadcastValue(x!, concrete(attributes.shape, batch))],
  enclose: (inputs, [y]) => [moved(inputs, y!)],
};

function broadcastValue(x: Value, shape: number[]): Value {
  return { shape, data: broadcastData(x, shape) };
}

/** Elements of x under a larger shape. */
export function broadcastData(x: Value, shape: readonly number[]): Float64Array {
  const data = new Float64Array(shape.reduce((p, n) => p * n, 1));
  if (x.data.length === 1) return data.fill(x.data[0]!);
  const strides = broadcastStrides(x.shape, shape.length);
  const run = shape.at(-1) ?? 1;
  const outer = { shape: shape.slice(0, -1), strides: strides.slice(0, -1) };
  const repeats = strides.at(-1) === 0;
  forEachOffset(outer.shape, outer.strides, (row, offset) => {
    if (repeats) data.fill(x.data[offset]!, row * run, (row + 1) * run);
    else data.set(x.data.subarray(offset, offset + run), row * run);
  });
  return data;
}

/** x repeated along missing and unit axes, NumPy's rule. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastPrimitive, [x], { shape });
}

/** Adjoint of broadcastTo: sums what was repeated. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((dim, axis) => (axis < lead || (shape[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  return reshape(sumKeep(x, axes), shape);
}

export function zeros(shape: Shape): Tensor {
  return broadcastTo(constant(0), shape);
}
