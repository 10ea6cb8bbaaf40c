/** @file Float64 arrays in tests: seeded draws, inner products, rows of a batch. */

import { random } from "../src/random.js";
import type { Feeds } from "../src/tensor/interpret.js";
import { concrete, type Shape } from "../src/tensor/tensor.js";

export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** N(0, scale²), a stream of its own per seed. */
export function normal(shape: readonly number[], seed: number, scale = 1): Array64 {
  const stream = random(seed);
  return { shape, data: Float64Array.from({ length: count(shape) }, () => scale * stream.normal()) };
}

/** U[low, high). */
export function uniform(shape: readonly number[], seed: number, low: number, high: number): Array64 {
  const stream = random(seed);
  return { shape, data: Float64Array.from({ length: count(shape) }, () => low + (high - low) * stream.uniform()) };
}

/** N(0, scale²) for a batch of a symbolic shape. */
export function batchOf(shape: Shape, batch: number, seed: number, scale = 1): Array64 {
  return normal(concrete(shape, batch), seed, scale);
}

export function count(shape: readonly number[]): number {
  return shape.reduce((p, n) => p * n, 1);
}

export function scalar(value: number): Array64 {
  return { shape: [], data: Float64Array.of(value) };
}

export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, v, i) => sum + v * b[i]!, 0);
}

export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

/** s a + t b. */
export function combine(s: number, a: Float64Array, t: number, b: Float64Array): Float64Array {
  return a.map((v, i) => s * v + t * b[i]!);
}

export function minus(a: Float64Array, b: Float64Array): Float64Array {
  return combine(1, a, -1, b);
}

/** The samples of a batch, one array each. */
export function rows({ shape, data }: Array64): Float64Array[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, n) => data.slice(n * size, (n + 1) * size));
}

/** M v for M row-major with v.length columns. */
export function times(M: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  return Float64Array.from({ length: M.length / n }, (_, r) => dot(M.subarray(r * n, (r + 1) * n), v));
}

/** Mᵀ y for M row-major with y.length rows. */
export function timesTransposed(M: Float64Array, y: Float64Array): Float64Array {
  const n = M.length / y.length;
  const x = new Float64Array(n);
  y.forEach((weight, r) => {
    for (let c = 0; c < n; c++) x[c]! += M[r * n + c]! * weight;
  });
  return x;
}

/** Power iteration on MᵀM from a generic start: a lower estimate of ‖M‖₂ for M row-major with n columns. */
export function spectralNorm(M: Float64Array, n: number, steps = 400): number {
  let v: Float64Array = normal([n], 5).data;
  let estimate = 0;
  for (let k = 0; k < steps; k++) {
    const length = norm(v);
    if (length === 0) return 0;
    const y = times(
      M,
      v.map((a) => a / length),
    );
    estimate = norm(y);
    v = timesTransposed(M, y);
  }
  return estimate;
}

/** Feeds with element k of one input moved by h. */
export function moved(feeds: Feeds, name: string, k: number, h: number): Feeds {
  const { shape, data } = feeds[name]!;
  const changed = Float64Array.from(data);
  changed[k]! += h;
  return { ...feeds, [name]: { shape, data: changed } };
}
