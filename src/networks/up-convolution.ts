/** @file A transposed convolution that doubles the side of an image. */

import { reshape } from "../tensor/primitives/broadcast.js";
import { conv2dAdjoint } from "../tensor/primitives/conv.js";
import { add } from "../tensor/primitives/elementwise.js";
import { pad } from "../tensor/primitives/layout.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * The adjoint of a 3×3 convolution of stride 2 and padding 1, plus a bias: x [N, in, H, W] → [N, out, 2H, 2W].
 *
 *     y = Wᵀ ⋆ s + b,  s = x with a zero after each row and column element
 *
 * @param W  [in, out, 3, 3]
 * @param b  [out]
 * @source Dumoulin & Visin 2016, A guide to convolution arithmetic, §4.5; PyTorch's ConvTranspose2d with output padding 1
 */
export function upConvolution(x: Tensor, W: Tensor, b: Tensor): Tensor {
  const [, channels, height, width] = x.shape as ["N", number, number, number];
  const apart = pad(pad(reshape(x, ["N", channels, height, 1, width, 1]), 3, 0, 1), 5, 0, 1);
  const spread = reshape(apart, ["N", channels, 2 * height, 2 * width]);
  return add(conv2dAdjoint(spread, W, 1), reshape(b, [W.shape[1] as number, 1, 1]));
}
