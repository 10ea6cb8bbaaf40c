/** @file A two-dimensional convolution as a linear operator, its adjoint tied by construction. */

import { reshape, sum } from "../tensor/primitives/broadcast.js";
import { conv2dAdjoint, conv2d as convolve } from "../tensor/primitives/conv.js";
import { add, mul } from "../tensor/primitives/elementwise.js";
import { constant } from "../tensor/primitives/leaf.js";
import { matmul } from "../tensor/primitives/matmul.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { type LinearOperator, ROUNDING_MARGIN, squareRootBound } from "./linear.js";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** x ↦ K ⋆ x, zero padding, same size: x [N, in, H, W] → [N, out, H, W] for filters K [out, in, k, k] with k odd. */
export function conv2d(K: Tensor, { height, width }: ImageSize): LinearOperator {
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
    norm: () => symbolBound(K),
  };
}

/**
 * ‖K‖² ≤ sup_ω Σ_{o,c} |K̂_{oc}(ω)|² ≤ max over a g×g grid / cos²(π(k−1)/g).
 *
 * Zero padding compresses the convolution on ℤ², whose norm is the supremum over frequencies; the sum over channels is
 * a trigonometric polynomial of degree k − 1 in each variable, so the grid maximum bounds it up to the cosine factor.
 *
 * @source Ehlich & Zeller 1964 (grid maxima of polynomials), once per variable
 */
function symbolBound(K: Tensor) {
  const [out, channels, k] = K.shape as [number, number, number, number];
  const grid = Math.max(32, 8 * k);
  const { cosines, sines } = fourier(k, grid);
  const flat = reshape(K, [out * channels, k * k]);
  const real = matmul(flat, cosines);
  const imaginary = matmul(flat, sines);
  const power = sum(add(mul(real, real), mul(imaginary, imaginary)), [0]);
  const factor = 1 / Math.cos((Math.PI * (k - 1)) / grid) ** 2;
  return squareRootBound(
    mul(maximum(power), factor * ROUNDING_MARGIN),
    `sup of Σ|K̂|² over frequencies, from a ${grid}² grid with the Ehlich–Zeller factor ${factor.toFixed(3)}`,
  );
}

/** cos and sin of ω·(i, j) for each tap (i, j) and each grid frequency: [k², g²]. */
function fourier(k: number, grid: number): { cosines: Tensor; sines: Tensor } {
  const cosines = new Float32Array(k * k * grid * grid);
  const sines = new Float32Array(cosines.length);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++)
      for (let p = 0; p < grid; p++)
        for (let q = 0; q < grid; q++) {
          const angle = (2 * Math.PI * (i * p + j * q)) / grid;
          const at = ((i * k + j) * grid + p) * grid + q;
          cosines[at] = Math.cos(angle);
          sines[at] = Math.sin(angle);
        }
  const shape = [k * k, grid * grid];
  return { cosines: constant(cosines, shape), sines: constant(sines, shape) };
}
