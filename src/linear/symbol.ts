/** @file A norm bound of convolutions over all frequencies, tight for many channels. */

import { reshape, sum } from "../tensor/primitives/broadcast.js";
import { add, div, max, mul, sub } from "../tensor/primitives/elementwise.js";
import { transpose } from "../tensor/primitives/layout.js";
import { constant, stopGradient } from "../tensor/primitives/leaf.js";
import { matmul } from "../tensor/primitives/matmul.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Bound, ROUNDING_MARGIN, root, squareRootBound, TINY } from "./linear.js";

/** q where there are several channels on both sides: the trace is at most min(out, in)^(1/16) above the norm. A power of two. */
const POWER = 8;

/**
 * ‖K‖^2q ≤ sup_ω tr (K̂(ω)ᴴK̂(ω))^q ≤ max over a g×g grid / cos²(πq(k−1)/g),  K̂(ω) the out×in matrix at frequency ω.
 *
 * Zero padding compresses the convolution on ℤ², whose norm is the supremum over frequencies of ‖K̂(ω)‖; the trace is a
 * trigonometric polynomial of degree q(k − 1) in each variable, so the grid maximum bounds it up to the cosine factor. With one
 * channel on a side the trace is the norm, and q = 1.
 *
 * @param K  filters [out, in, k, k]
 * @source Ehlich & Zeller 1964 (grid maxima of polynomials), once per variable; the trace of a power is a Schatten norm
 */
export function symbolBound(K: Tensor): Bound {
  const [out, channels, k] = K.shape as [number, number, number, number];
  const q = powerFor(out, channels);
  const grid = Math.max(32, 8 * k, 4 * q * (k - 1));
  const factor = 1 / Math.cos((Math.PI * q * (k - 1)) / grid) ** 2;
  return largestTrace(K, grid, factor, `from a ${grid}² grid with the Ehlich–Zeller factor ${factor.toFixed(3)}`);
}

/**
 * ‖K‖^2q ≤ max tr (K̂(ω)ᴴK̂(ω))^q over the frequencies of a torus of max(height, width) + (k−1)/2 pixels a side.
 *
 * Zero padding compresses the convolution on that torus, where what wraps around meets zeros: no factor is needed, and for images
 * smaller than the grid of `symbolBound` it is tighter, and as much cheaper as the torus is smaller.
 *
 * @param K  filters [out, in, k, k], k odd
 */
export function torusBound(K: Tensor, { height, width }: { readonly height: number; readonly width: number }): Bound {
  const grid = Math.max(height, width) + ((K.shape[2] as number) - 1) / 2;
  return largestTrace(K, grid, 1, `of a ${grid}² torus`);
}

function powerFor(out: number, channels: number): number {
  return Math.min(out, channels) === 1 ? 1 : POWER;
}

/** (factor · max tr (K̂ᴴK̂)^q over a grid)^(1/2q). */
function largestTrace(K: Tensor, grid: number, factor: number, where: string): Bound {
  const [out, channels] = K.shape as [number, number, number, number];
  const q = powerFor(out, channels);
  const how = `over frequencies, ${where}`;
  const { real, imaginary } = symbol(K, grid);
  const square = sum(add(mul(real, real), mul(imaginary, imaginary)), [1, 2]);
  if (q === 1) {
    return squareRootBound(mul(maximum(square), factor * ROUNDING_MARGIN), `sup of Σ|K̂|² ${how}`);
  }
  // The bound does not depend on the scale t, which keeps the powers representable.
  const t = stopGradient(max(maximum(square), TINY));
  let G = scaled(gram(real, imaginary), t);
  for (let power = 2; power < q; power *= 2) G = squared(G);
  const trace = sum(add(mul(G.real, G.real), mul(G.imaginary, G.imaginary)), [1, 2]);
  const norm = root(max(mul(maximum(trace), factor), TINY), q);
  return squareRootBound(mul(mul(t, norm), ROUNDING_MARGIN), `sup of tr (K̂ᴴK̂)^${q} ${how}`);
}

/** A matrix for each frequency: [F, m, n]. */
interface Complex {
  readonly real: Tensor;
  readonly imaginary: Tensor;
}

/** K̂(ω) = Σ K[·,·,i,j] e^{iω·(i,j)}, the smaller side last. K is real: half of the plane has all values up to conjugation. */
function symbol(K: Tensor, grid: number): Complex {
  const [out, channels, k] = K.shape as [number, number, number, number];
  const { cosines, sines } = fourier(k, grid);
  const taps = transpose(reshape(K, [out * channels, k * k]), [1, 0]);
  const [real, imaginary] = [cosines, sines].map((waves) => {
    const values = reshape(matmul(waves, taps), [waves.shape[0]!, out, channels]);
    return out < channels ? transposed(values) : values;
  }) as [Tensor, Tensor];
  return { real, imaginary };
}

/** KᴴK = KrᵀKr + KiᵀKi + i(KrᵀKi − (KrᵀKi)ᵀ). */
function gram(real: Tensor, imaginary: Tensor): Complex {
  const [realT, imaginaryT] = [transposed(real), transposed(imaginary)];
  const cross = matmul(realT, imaginary);
  return { real: add(matmul(realT, real), matmul(imaginaryT, imaginary)), imaginary: sub(cross, transposed(cross)) };
}

/** (P + iS)² for P symmetric and S antisymmetric: P² − S² + i(PS − (PS)ᵀ). */
function squared({ real: P, imaginary: S }: Complex): Complex {
  const cross = matmul(P, S);
  return { real: sub(matmul(P, P), matmul(S, S)), imaginary: sub(cross, transposed(cross)) };
}

function scaled({ real, imaginary }: Complex, t: Tensor): Complex {
  return { real: div(real, t), imaginary: div(imaginary, t) };
}

function transposed(x: Tensor): Tensor {
  return transpose(x, [0, 2, 1]);
}

/** cos and sin of ω·(i, j) for each frequency of half a grid and each tap (i, j): [g(⌊g/2⌋ + 1), k²]. */
function fourier(k: number, grid: number): { cosines: Tensor; sines: Tensor } {
  const half = Math.floor(grid / 2) + 1;
  const shape = [grid * half, k * k];
  const cosines = new Float32Array(shape[0]! * shape[1]!);
  const sines = new Float32Array(cosines.length);
  for (let p = 0; p < grid; p++)
    for (let q = 0; q < half; q++)
      for (let i = 0; i < k; i++)
        for (let j = 0; j < k; j++) {
          const angle = (2 * Math.PI * (i * p + j * q)) / grid;
          const at = ((p * half + q) * k + i) * k + j;
          cosines[at] = Math.cos(angle);
          sines[at] = Math.sin(angle);
        }
  return { cosines: constant(cosines, shape), sines: constant(sines, shape) };
}
