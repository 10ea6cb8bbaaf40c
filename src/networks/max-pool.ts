/** @file The largest of each neighbourhood, at half the resolution. */

import { reshape } from "../tensor/primitives/broadcast.js";
import { max } from "../tensor/primitives/elementwise.js";
import { concat, slice } from "../tensor/primitives/layout.js";
import { type Dim, shapeError, showShape, type Tensor } from "../tensor/tensor.js";

/**
 * y[i, j] = max over |p − 2i| ≤ 1, |q − 2j| ≤ 1 of x[p, q], rows then columns: x [N, C, H, W] → [N, C, H/2, W/2].
 *
 * @throws shape unless H and W are even
 * @source PyTorch's MaxPool2d with kernel 3, stride 2 and padding 1
 */
export function maxPool(x: Tensor): Tensor {
  return halved(halved(x, 2), 3);
}

/** max(x[2i − 1], x[2i], x[2i + 1]) along an axis; at the edge of the two that are there. */
function halved(x: Tensor, axis: number): Tensor {
  const length = x.shape[axis] as number;
  if (length % 2 !== 0) throw shapeError("maxPool", "an even height and width", showShape(x.shape));
  const shape = (inserted: readonly Dim[]) => [...x.shape.slice(0, axis), ...inserted, ...x.shape.slice(axis + 1)];
  const pairs = reshape(x, shape([length / 2, 2]));
  const one = (k: number) => reshape(slice(pairs, axis + 1, k, k + 1), shape([length / 2]));
  const [even, odd] = [one(0), one(1)];
  const first = slice(even, axis, 0, 1);
  const before = length === 2 ? first : concat([first, slice(odd, axis, 0, length / 2 - 1)], axis);
  return max(max(before, even), odd);
}
