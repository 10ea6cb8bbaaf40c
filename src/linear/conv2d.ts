/** @file A two-dimensional convolution as a linear operator, its adjoint tied by construction. */

import { conv2dAdjoint, conv2d as convolve } from "../tensor/primitives/conv.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import type { Bound, LinearOperator } from "./linear.js";
import { symbolBound } from "./symbol.js";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * x ↦ K ⋆ x, zero padding, same size: x [N, in, H, W] → [N, out, H, W] for filters K [out, in, k, k] with k odd.
 *
 * @param bound  of its norm: `symbolBound` for any size of image, `torusBound` for small ones
 */
export function conv2d(
  K: Tensor,
  { height, width }: ImageSize,
  bound: (K: Tensor, size: ImageSize) => Bound = symbolBound,
): LinearOperator {
  const [out, channels, k, l] = K.shape as [number, number, number, number];
  if (K.shape.length !== 4 || k !== l || k % 2 === 0)
    throw shapeError("conv2d", "filters [out, in, k, k] with k odd", showShape(K.shape));
  const padding = (k - 1) / 2;
  return {
    name: `conv ${out}×${channels}×${k}×${k}`,
    domain: ["N", channels, height, width],
    range: ["N", out, height, width],
    apply: (x) => convolve(x, K, padding),
    adjoint: (y) => conv2dAdjoint(y, K, padding),
    stated: { kind: "conv2d", numbers: { height, width }, tensors: { K } },
    norm: () => bound(K, { height, width }),
  };
}
