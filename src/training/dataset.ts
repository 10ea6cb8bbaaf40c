/** @file Seeded passes over a training set. */

import type { Float32 } from "../engine/session.js";
import { VouchError } from "../errors.js";
import { random } from "../random.js";

export interface Examples {
  /** Data of the model by name, samples first. */
  readonly data: Readonly<Record<string, Float32>>;
  /** What x should be: [N, …]. */
  readonly target: Float32;
}

export interface TrainingSet {
  readonly count: number;
  /** The examples at these indices; noise is drawn anew for each phase and stays fixed within it. */
  examples(indices: readonly number[], phase: number): Examples;
}

/** Indices 0 … count−1 in a seeded order, cut into batches; the last one may be shorter. */
export function batches(count: number, size: number, seed: number, pass: number): number[][] {
  if (!(Number.isInteger(size) && size > 0)) {
    throw new VouchError("parameter", {
      name: "fit: batch",
      expected: "an integer > 0",
      got: `${size}`,
      remedy: "Leave it out for the default.",
    });
  }
  const order = Array.from(random(seed).fork(`pass ${pass}`).permutation(count));
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => order.slice(i * size, (i + 1) * size));
}

/** The phase of held-out examples: no phase of training. */
export const VALIDATION = -1;

/** Mean over a set of what `losses` gives each example, in batches, the noise drawn for no phase of training. */
export async function meanLoss(
  set: TrainingSet,
  batch: number,
  losses: (examples: Examples, indices: readonly number[]) => Promise<Float32>,
): Promise<number> {
  let total = 0;
  for (let start = 0; start < set.count; start += batch) {
    const indices = Array.from({ length: Math.min(batch, set.count - start) }, (_, i) => start + i);
    const { data } = await losses(set.examples(indices, VALIDATION), indices);
    total += data.reduce((a, b) => a + b, 0);
  }
  return total / set.count;
}
