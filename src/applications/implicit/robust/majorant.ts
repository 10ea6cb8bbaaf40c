/** @file Bounds of (I − |A|)⁻¹b from above, proven by the inequality they satisfy. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";
import type { Dense } from "../dense.js";

/** Relative change at which the iteration ends, its most steps, and by what share of max b the answer is raised until it is proven. */
const SETTLED = 1e-14;
const MOST = 10_000;
const RAISES = [1e-12, 1e-10, 1e-8, 1e-6];

/**
 * s with s > |A|s + b in real arithmetic: then λ_pf(|A|) < 1 and s ≥ (I − |A|)⁻¹b.
 *
 * Sums for b and for 1 are iterated, a little of the second is added to the first, and the inequality is checked with bounded
 * rounding: nothing rests on the iteration having converged.
 *
 * @param A  [n, n]
 * @param b  ≥ 0, [n]
 * @throws parameter if no such s is found, as where λ_pf(|A|) ≥ 1
 * @source Berman & Plemmons 1994, Nonnegative Matrices in the Mathematical Sciences, ch. 6, Theorem 2.3 (I₂₇): a positive s with
 * |A|s < s makes I − |A| a nonsingular M-matrix, whose inverse is nonnegative
 */
export function majorant(A: Dense, b: Float64Array): Float64Array {
  const n = A.rows;
  const largest = Math.max(
    b.reduce((a, c) => Math.max(a, c), 0),
    2 ** -900,
  );
  const [ofB, ofOnes] = [b, new Float64Array(n).fill(1)].map((right) => summed(A, right));
  for (const raise of RAISES) {
    const s = ofB!.map((value, i) => value + raise * largest * ofOnes![i]!);
    if (step(A, s, b).every((value, i) => up(value * (1 + gamma(n + 2))) < s[i]!)) return s;
  }
  throw new VouchError("parameter", {
    name: "majorant",
    expected: "an A with λ_pf(|A|) < 1",
    got: "one for which no s > |A|s was found",
    remedy: "Train or project A to ‖A‖_∞ < 1.",
  });
}

/** Σ |A|ᵏb until nothing is added. */
function summed(A: Dense, b: Float64Array): Float64Array {
  let s = b;
  for (let k = 0; k < MOST; k++) {
    const next = step(A, s, b);
    const moved = next.reduce((most, value, i) => Math.max(most, Math.abs(value - s[i]!)), 0);
    s = next;
    if (!(moved > SETTLED * s.reduce((a, c) => Math.max(a, c), 0))) break;
  }
  return s;
}

/** |A|s + b, computed. */
function step({ columns, data }: Dense, s: Float64Array, b: Float64Array): Float64Array {
  return b.map((value, i) => {
    let total = value;
    for (let j = 0; j < columns; j++) total += Math.abs(data[i * columns + j]!) * s[j]!;
    return total;
  });
}
