/** @file Seeded random numbers: one generator, the distributions the data recipes ask for, independent streams by label. */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { VouchError } from "./errors.js";

/** A stream of random numbers. Each draw advances this stream and no other. */
export interface Random {
  /** U[0, 1), a multiple of 2⁻⁵³. */
  uniform(): number;
  /** N(0, 1), by Marsaglia's polar method. */
  normal(): number;
  /** Uniform on {0, …, n − 1}. @throws parameter unless n is an integer in 1 … 2³² */
  integer(n: number): number;
  /** Poisson of the given mean ≥ 0; costs mean + 1 logarithms. @throws parameter if mean is negative or not finite */
  poisson(mean: number): number;
  /** Exponential of the given mean ≥ 0 (not rate). @throws parameter if mean is negative or not finite */
  exponential(mean: number): number;
  /** Uniform permutation of 0 … n − 1, by Fisher–Yates. @throws parameter unless n is an integer in 0 … 2³¹ − 1 */
  permutation(n: number): Int32Array;
  /** Stream fixed by the seed and the labels on the way to it: draws from this stream do not change it. 1 and "1" differ. */
  fork(label: string | number): Random;
}

/**
 * Stream of a seed: xoroshiro128+ whose 128-bit state is a hash of the seed.
 *
 * @param seed  any safe integer
 * @throws parameter if seed is not a safe integer
 * @source Blackman & Vigna 2021, Scrambled linear pseudorandom number generators; Marsaglia & Bray 1964 (polar method)
 */
export function random(seed: number): Random {
  requireThat("random", Number.isSafeInteger(seed), "a safe integer seed", seed);
  return stream([seed]);
}

function stream(path: readonly (string | number)[]): Random {
  const generator = xoroshiro128plusFromState(hash(JSON.stringify(path)));
  let spare: number | undefined;

  const uniform = () => uniformFloat64(generator);
  const normal = () => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    let u = 0;
    let v = 0;
    let s = 0;
    do {
      u = 2 * uniform() - 1;
      v = 2 * uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const scale = Math.sqrt((-2 * Math.log(s)) / s);
    spare = v * scale;
    return u * scale;
  };
  const integer = (n: number) => {
    requireThat("integer", Number.isInteger(n) && n >= 1 && n <= 2 ** 32, "an integer in 1 … 2^32", n);
    return uniformInt(generator, 0, n - 1);
  };
  const exponential = (mean: number) => {
    requireThat("exponential", mean >= 0 && Number.isFinite(mean), "a finite mean ≥ 0", mean);
    return -mean * Math.log1p(-uniform());
  };
  const poisson = (mean: number) => {
    requireThat("poisson", mean >= 0 && Number.isFinite(mean), "a finite mean ≥ 0", mean);
    let count = -1;
    for (let time = 0; time <= mean; time += exponential(1)) count++;
    return count;
  };
  const permutation = (n: number) => {
    requireThat("permutation", Number.isInteger(n) && n >= 0 && n < 2 ** 31, "an integer in 0 … 2^31 - 1", n);
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order;
  };
  const fork = (label: string | number) => {
    requireThat("fork", typeof label === "string" || Number.isSafeInteger(label), "a string or a safe integer", label);
    return stream([...path, label]);
  };
  return { uniform, normal, integer, poisson, exponential, permutation, fork };
}

/** Four 32-bit hashes of a text: from each start, h ← fmix32(h ⊕ c) per UTF-16 unit c (fmix32 of MurmurHash3, Appleby 2011). */
function hash(text: string): number[] {
  return [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667].map((start) => {
    let h = start;
    for (let i = 0; i < text.length; i++) {
      h ^= text.charCodeAt(i);
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      h ^= h >>> 16;
    }
    return h | 0;
  });
}

function requireThat(name: string, holds: boolean, expected: string, got: number | string): void {
  if (!holds) throw new VouchError("parameter", { name, expected, got: String(got), remedy: `Pass ${expected}.` });
}
