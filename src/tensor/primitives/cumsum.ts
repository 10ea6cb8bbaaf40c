/** @file Running sums along the last axis. */

import { sumOf } from "../rounding.js";
import { apply, type Primitive, type Tensor } from "../tensor.js";
import { lastLength } from "./gather.js";

export const cumsumPrimitive: Primitive<{ readonly reverse: boolean }> = {
  name: "cumsum",
  exact: true,
  shape: ([x]) => {
    lastLength("cumsum", x!);
    return [{ shape: x!.shape, dtype: "float" }];
  },
  vjp: ({ attributes: { reverse } }, [g]) => [g && apply(cumsumPrimitive, [g], { reverse: !reverse })],
  onnx: (build, [x], { inputs, attributes: { reverse } }) => [
    build.node("CumSum", [x!, build.int64([inputs[0]!.shape.length - 1], [])], { reverse: reverse ? 1 : 0 }),
  ],
  eval64: ([x], { attributes: { reverse } }) => {
    const run = x!.shape.at(-1)!;
    const data = new Float64Array(x!.data.length);
    for (let start = 0; start < data.length; start += run) {
      let total = 0;
      for (let i = 0; i < run; i++) {
        const at = start + (reverse ? run - 1 - i : i);
        total += x!.data[at]!;
        data[at] = total;
      }
    }
    return [{ shape: x!.shape, data }];
  },
  enclose: ([x], [y]) => [{ value: y!, radius: sumOf(x!.value.shape.at(-1)!, x!) }],
};

/** y[…, k] = Σ_{i ≤ k} x[…, i] along the last axis, added in order: x [N, …, n]. */
export function cumsum(x: Tensor): Tensor {
  return apply(cumsumPrimitive, [x], { reverse: false });
}
