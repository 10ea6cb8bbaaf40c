/** @file Sorting along the last axis. */

import { largest, up } from "../rounding.js";
import { applyAll, type Primitive, type Tensor, type Value } from "../tensor.js";
import { zeros } from "./broadcast.js";
import { lastLength, scatterAdd } from "./gather.js";

/** ONNX's float32: places in a row are whole numbers, exact up to 2²⁴. */
const AS_NUMBERS = { to: 1 };

export const sortPrimitive: Primitive<{ readonly descending: boolean }> = {
  name: "sort",
  exact: true,
  shape: ([x]) => {
    lastLength("sort", x!);
    return [
      { shape: x!.shape, dtype: "float" },
      { shape: x!.shape, dtype: "float" },
    ];
  },
  vjp: ({ inputs: [x], outputs: [, order] }, [g]) => [g && scatterAdd(zeros(x!.shape), order!, g)],
  onnx: (build, [x], { inputs, attributes: { descending } }) => {
    const length = build.int64([lastLength("sort", inputs[0]!)]);
    const axis = inputs[0]!.shape.length - 1;
    const [values, order] = build.multiple("TopK", 2, [x!, length], { axis, largest: descending ? 1 : 0, sorted: 1 });
    return [values!, build.node("Cast", [order!], AS_NUMBERS)];
  },
  eval64: ([x], { attributes: { descending } }) => {
    const { shape, data } = x!;
    const run = shape.at(-1)!;
    const values = new Float64Array(data.length);
    const order = new Float64Array(data.length);
    const places = new Int32Array(run);
    for (let start = 0; start < data.length; start += run) {
      for (let i = 0; i < run; i++) places[i] = i;
      // A comparison with NaN is no order: what it leaves undecided stays in the order of places.
      if (descending) places.sort((i, j) => data[start + j]! - data[start + i]! || i - j);
      else places.sort((i, j) => data[start + i]! - data[start + j]! || i - j);
      for (let i = 0; i < run; i++) {
        order[start + i] = places[i]!;
        values[start + i] = data[start + places[i]!]!;
      }
    }
    return [
      { shape, data: values },
      { shape, data: order },
    ];
  },
  // The k-th largest of a row moves no further than the elements of the row do; their order may change where two are near.
  enclose: ([x], [values, order]) => [
    { value: values!, radius: x!.radius },
    { value: order!, radius: x!.radius === 0 || closest(values!) > up(2 * x!.radius) ? 0 : largest(order!) },
  ],
};

/** Least distance of two neighbours in rows that are sorted. */
function closest({ shape, data }: Value): number {
  const run = shape.at(-1)!;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < data.length; k++) if (k % run > 0) least = Math.min(least, Math.abs(data[k]! - data[k - 1]!));
  return least;
}

export interface Sorted {
  readonly values: Tensor;
  /** Where each value stood in its row: whole numbers; no gradient flows through them. */
  readonly order: Tensor;
}

/** Each row of the last axis from its least element up; equal ones stay in order. x [N, …, n], both outputs of its shape. */
export function sort(x: Tensor): Sorted {
  const [values, order] = applyAll(sortPrimitive, [x], { descending: false });
  return { values: values!, order: order! };
}

/** Each row of the last axis from its largest element down; equal ones stay in order. */
export function sortDescending(x: Tensor): Sorted {
  const [values, order] = applyAll(sortPrimitive, [x], { descending: true });
  return { values: values!, order: order! };
}
