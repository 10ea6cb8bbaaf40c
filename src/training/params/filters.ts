/** @file Learned filters. */

import { VouchError } from "../../errors.js";
import type { Param } from "../../model.js";
import { sumKeep } from "../../tensor/primitives/broadcast.js";
import { div, sub } from "../../tensor/primitives/elementwise.js";

export interface FilterOptions {
  /** Number of filters, ≤ size² − 1. */
  readonly count: number;
  /** Side in pixels, odd. */
  readonly size: number;
}

/**
 * Zero-mean filters [count, 1, size, size], started at the lowest non-constant cosine modes of the patch.
 *
 * Zero mean makes the regularizer blind to constant offsets.
 */
export function filters({ count, size }: FilterOptions): Param {
  if (size % 2 === 0 || count > size * size - 1 || count < 1) {
    throw new VouchError("parameter", {
      name: "filters",
      expected: "an odd size and 1 ≤ count ≤ size² − 1",
      got: `count ${count}, size ${size}`,
      remedy: "Take fewer or larger filters.",
    });
  }
  return {
    shape: [count, 1, size, size],
    init: () => cosineModes(count, size),
    read: (raw) => sub(raw, div(sumKeep(raw, [2, 3]), size * size)),
  };
}

/** Orthonormal cosine modes of a size×size patch, lowest frequencies first, without the constant one. */
function cosineModes(count: number, size: number): Float32Array {
  const modes = Array.from(
    { length: size * size - 1 },
    (_, i) => [Math.floor((i + 1) / size), (i + 1) % size] as const,
  );
  modes.sort(([a, b], [c, d]) => a * a + b * b - (c * c + d * d) || a - c);
  const scale = (k: number) => Math.sqrt((k === 0 ? 1 : 2) / size);
  const data = new Float32Array(count * size * size);
  modes.slice(0, count).forEach(([p, q], f) => {
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const value =
          scale(p) * Math.cos((Math.PI * (i + 0.5) * p) / size) * scale(q) * Math.cos((Math.PI * (j + 0.5) * q) / size);
        data[(f * size + i) * size + j] = value;
      }
  });
  return data;
}
