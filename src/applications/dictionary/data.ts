/** @file Data of the implicit dictionary: signals with few atoms in an unknown dictionary M, measured by a known A. */

import { VouchError } from "../../errors.js";
import { type Random, random } from "../../random.js";

/** A fixed pair of matrices; the model sees A, never M. */
export interface DictionaryProblem {
  readonly seed: number;
  /** Measurements. */
  readonly m: number;
  /** Unknowns. */
  readonly n: number;
  /** Atoms. */
  readonly r: number;
  /** Shape [m, n], row-major; columns of unit norm to float32 rounding. */
  readonly A: Float32Array;
  /** Shape [n, r], row-major; entries N(0, 1). */
  readonly M: Float32Array;
}

/** Signals and their noise-free measurements, one sample a row. */
export interface DictionarySignals {
  /** Shape [count, n]; entries have variance r/10 = 5. */
  readonly x: Float32Array;
  /** Shape [count, m]. */
  readonly d: Float32Array;
}

/** Sizes of a problem; the paper's by default. */
export interface DictionarySizes {
  /** Measurements, default 100. */
  readonly m?: number;
  /** Unknowns, default 250. */
  readonly n?: number;
  /** Atoms, default 50. */
  readonly r?: number;
}

/**
 * A = Gaussian with unit columns, M = Gaussian.
 *
 * @param seed  any safe integer
 * @throws parameter if seed is not a safe integer, or a size not an integer > 0
 * @source Heaton & Wu Fung 2023, *Implicit dictionary learning*; unit columns and the law of s from TypalAcademy/xai-l2o
 */
export function dictionaryProblem(seed: number, { m = 100, n = 250, r = 50 }: DictionarySizes = {}): DictionaryProblem {
  if (!Number.isSafeInteger(seed)) refuse("dictionaryProblem", "a safe integer seed", seed);
  for (const size of [m, n, r]) {
    if (!(Number.isSafeInteger(size) && size > 0)) refuse("dictionaryProblem", "sizes integers > 0", size);
  }
  const gaussian = (label: string, length: number) => {
    const stream = random(seed).fork(label);
    return Float64Array.from({ length }, () => stream.normal());
  };
  const A = gaussian("A", m * n);
  for (let j = 0; j < n; j++) {
    let squares = 0;
    for (let i = 0; i < m; i++) squares += A[i * n + j]! ** 2;
    for (let i = 0; i < m; i++) A[i * n + j]! /= Math.sqrt(squares);
  }
  return { seed, m, n, r, A: Float32Array.from(A), M: Float32Array.from(gaussian("M", n * r)) };
}

/**
 * Draw signals x = Ms with s_k = b·g, b ~ Bernoulli(0.1), g ~ N(0, 1), and d = Ax.
 *
 * x is computed in float64 and rounded; d is A times the rounded x, in float64, rounded. s = 0 in 0.9⁵⁰ ≈ 0.5 % of them.
 *
 * @param count   samples, an integer ≥ 0
 * @param stream  label of the draws, such as "train"; the same problem, count and label give the same signals, and a larger
 *                count continues a smaller one
 * @throws parameter if count is not an integer ≥ 0
 * @source TypalAcademy/xai-l2o, src/utils.py, `create_dict_loaders`
 */
export function signals(problem: DictionaryProblem, count: number, stream: string | number): DictionarySignals {
  if (!Number.isInteger(count) || count < 0) refuse("signals", "count an integer ≥ 0", count);
  const { seed, m, n, A, M } = problem;
  const draws = random(seed).fork("signals").fork(stream);
  const x = new Float32Array(count * n);
  const d = new Float32Array(count * m);
  for (let k = 0; k < count; k++) {
    x.set(sparseCombination(M, n, problem.r, draws), k * n);
    const signal = x.subarray(k * n, (k + 1) * n);
    for (let i = 0; i < m; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += A[i * n + j]! * signal[j]!;
      d[k * m + i] = sum;
    }
  }
  return { x, d };
}

/** Ms in float64, atoms in order. */
function sparseCombination(M: Float32Array, n: number, r: number, draws: Random): Float64Array {
  const x = new Float64Array(n);
  for (let k = 0; k < r; k++) {
    if (draws.uniform() >= 0.1) continue;
    const weight = draws.normal();
    for (let j = 0; j < n; j++) x[j]! += M[j * r + k]! * weight;
  }
  return x;
}

function refuse(name: string, expected: string, got: number): never {
  throw new VouchError("parameter", { name, expected, got: String(got), remedy: `Pass ${expected}.` });
}
