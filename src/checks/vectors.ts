/** @file Float64 vectors of the checks. */

import type { Random } from "../random.js";
import type { Value } from "../tensor/tensor.js";

/** N(0, 1) elements. */
export function gaussian(shape: readonly number[], draws: Random): Value {
  const count = shape.reduce((p, n) => p * n, 1);
  return { shape, data: Float64Array.from({ length: count }, () => draws.normal()) };
}

/** ⟨a, b⟩. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** ‖a‖₂. */
export function length(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

/** a − b. */
export function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]!);
}
