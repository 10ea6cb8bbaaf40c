/** @file Samples of a batch, taken out and put back. */

import type { Float32 } from "../engine/session.js";

/** Rows of an array along the sample axis. */
export function gather(array: Float32, rows: readonly number[]): Float32 {
  const size = array.data.length / array.shape[0]!;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    data.set(array.data.subarray(row * size, (row + 1) * size), i * size);
  });
  return { shape: [rows.length, ...array.shape.slice(1)], data };
}

/** Write rows back where `gather` took them. */
export function scatter(from: Float32, rows: readonly number[], into: Float32): void {
  const size = from.data.length / Math.max(1, rows.length);
  rows.forEach((row, i) => {
    into.data.set(from.data.subarray(i * size, (i + 1) * size), row * size);
  });
}
