/** @file Forward finite differences of an image. */

import { zeros } from "../tensor/primitives/broadcast.js";
import { add, sub } from "../tensor/primitives/elementwise.js";
import { concat, pad, slice } from "../tensor/primitives/layout.js";
import type { Tensor } from "../tensor/tensor.js";
import type { ImageSize } from "./conv2d.js";
import { type LinearOperator, numberBound } from "./linear.js";

/**
 * x ↦ (x[r+1,q] − x[r,q], x[r,q+1] − x[r,q]), zero at the last row and column: x [N, 1, H, W] → [N, 2, H, W].
 *
 * @source Chambolle 2004, ‖∇‖² ≤ 8
 */
export function differences({ height, width }: ImageSize): LinearOperator {
  const along = (x: Tensor, axis: number, length: number) =>
    length === 1 ? zeros(x.shape) : pad(sub(slice(x, axis, 1, length), slice(x, axis, 0, length - 1)), axis, 0, 1);
  const back = (y: Tensor, axis: number, length: number) => {
    if (length === 1) return zeros(y.shape);
    const inner = slice(y, axis, 0, length - 1);
    return sub(pad(inner, axis, 1, 0), pad(inner, axis, 0, 1));
  };
  return {
    name: `differences ${height}×${width}`,
    domain: ["N", 1, height, width],
    range: ["N", 2, height, width],
    apply: (x) => concat([along(x, 2, height), along(x, 3, width)], 1),
    adjoint: (y) => add(back(slice(y, 1, 0, 1), 2, height), back(slice(y, 1, 1, 2), 3, width)),
    stated: { kind: "differences", numbers: { height, width } },
    norm: () => numberBound(Math.sqrt(8), "‖∇‖² ≤ 8"),
  };
}
