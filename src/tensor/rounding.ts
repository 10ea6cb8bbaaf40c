/**
 * @file What the float64 evaluation of a primitive may have lost: the arithmetic of the primitives' `radius` rules.
 *
 * Every quantity here is an upper bound, itself computed in float64; `up` puts back what that rounding may have taken.
 */

import type { Value } from "./tensor.js";

/**
 * A computed array and how far each of its elements may be from that of real arithmetic on the same leaves. A boolean one
 * has radius 0 and marks the elements whose comparison the radii leave open.
 */
export interface Enclosed {
  readonly value: Value;
  /** ≥ 0, absolute, one for all elements; Infinity where nothing is known. */
  readonly radius: number;
  /** Booleans only: 1 where true and false are both possible. */
  readonly doubt?: Uint8Array;
}

/** Unit roundoff of float64. */
export const UNIT = 2 ** -53;

/** Beyond what twenty float64 operations, and the underflow of 2⁷⁰ products, can take from a bound. */
export function up(bound: number): number {
  return bound === 0 ? 0 : bound * (1 + 2 ** -40) + 2 ** -1000;
}

/** γₙ = nu/(1 − nu): n roundings in a row. @source Higham 2002, Accuracy and Stability of Numerical Algorithms, 2nd ed., Lemma 3.1 */
export function gamma(n: number): number {
  return up((n * UNIT) / (1 - n * UNIT));
}

const known = new WeakMap<Value, number>();

/** max |v|; NaN if there is one. */
export function largest(value: Value): number {
  const kept = known.get(value);
  if (kept !== undefined) return kept;
  let most = 0;
  for (const v of value.data) {
    const size = Math.abs(v);
    if (!(size <= most)) most = size;
    if (Number.isNaN(most)) break;
  }
  known.set(value, most);
  return most;
}

/** Radius of a sum of `terms` products a·b, each rounded, added in any order: `rowSum` bounds Σ|a| of computed a. */
export function innerProduct(
  terms: number,
  rowSum: number,
  a: { readonly radius: number },
  b: { readonly largest: number; readonly radius: number },
): number {
  const carried = rowSum * b.radius + terms * a.radius * (b.largest + b.radius);
  return up(gamma(terms + 1) * rowSum * b.largest + carried + terms * 2 ** -1074);
}

/** Radius of sums of `terms` elements. */
export function sumOf(terms: number, x: Enclosed): number {
  return up(terms * x.radius + gamma(terms) * terms * largest(x.value));
}

/** Moving, choosing and repeating elements keeps their radius; a moved boolean is in doubt wherever it was. */
export function moved(inputs: readonly Enclosed[], output: Value): Enclosed {
  const radius = inputs.reduce((most, x) => Math.max(most, x.radius), 0);
  const doubtful = inputs.some(({ doubt }) => doubt?.includes(1));
  return { value: output, radius, ...(doubtful ? { doubt: new Uint8Array(output.data.length).fill(1) } : {}) };
}
