/** @file Minimum-norm least squares: the answer that uses the data and nothing else. */

import { VouchError } from "../../errors.js";
import type { DictionaryProblem } from "./data.js";

/**
 * x = Aᵀ(AAᵀ)⁻¹d in float64, by Cholesky, rounded; A of full row rank.
 *
 * @param d  [N, m], row-major
 * @returns [N, n], row-major
 * @throws data if AAᵀ is not positive definite
 */
export function leastSquares({ m, n, A }: DictionaryProblem, d: Float32Array): Float32Array {
  const L = cholesky(gram(A, m, n), m);
  const count = d.length / m;
  const x = new Float32Array(count * n);
  for (let k = 0; k < count; k++) {
    const y = solve(L, m, Float64Array.from(d.subarray(k * m, (k + 1) * m)));
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += A[i * n + j]! * y[i]!;
      x[k * n + j] = sum;
    }
  }
  return x;
}

function gram(A: Float32Array, m: number, n: number): Float64Array {
  const G = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += A[i * n + j]! * A[k * n + j]!;
      G[i * m + k] = sum;
      G[k * m + i] = sum;
    }
  }
  return G;
}

/** Lower L with LLᵀ = G, in place of G. */
function cholesky(G: Float64Array, m: number): Float64Array {
  for (let i = 0; i < m; i++) {
    for (let k = 0; k <= i; k++) {
      let rest = G[i * m + k]!;
      for (let j = 0; j < k; j++) rest -= G[i * m + j]! * G[k * m + j]!;
      if (i > k) {
        G[i * m + k] = rest / G[k * m + k]!;
        continue;
      }
      if (!(rest > 0)) {
        throw new VouchError("data", {
          name: "leastSquares",
          expected: "A of full row rank",
          got: `pivot ${rest} in row ${i}`,
          remedy: "Take fewer measurements than unknowns.",
        });
      }
      G[i * m + i] = Math.sqrt(rest);
    }
  }
  return G;
}

/** y with LLᵀy = b, in place of b. */
function solve(L: Float64Array, m: number, b: Float64Array): Float64Array {
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < i; k++) b[i]! -= L[i * m + k]! * b[k]!;
    b[i]! /= L[i * m + i]!;
  }
  for (let i = m - 1; i >= 0; i--) {
    for (let k = i + 1; k < m; k++) b[i]! -= L[k * m + i]! * b[k]!;
    b[i]! /= L[i * m + i]!;
  }
  return b;
}
