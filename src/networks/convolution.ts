/** @file A convolution with a bias, same size. */

import { reshape } from "../tensor/primitives/broadcast.js";
import { conv2d } from "../tensor/primitives/conv.js";
import { add } from "../tensor/primitives/elementwise.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";

/** y = W ⋆ x + b, zeros outside: x [N, in, H, W], W [out, in, k, k] with k odd, b [out] → [N, out, H, W]. */
export function convolution(x: Tensor, W: Tensor, b: Tensor): Tensor {
  const [out, , k, l] = W.shape as [number, number, number, number];
  if (k !== l || k % 2 === 0) throw shapeError("convolution", "filters [out, in, k, k] with k odd", showShape(W.shape));
  return add(conv2d(x, W, (k - 1) / 2), reshape(b, [out, 1, 1]));
}
