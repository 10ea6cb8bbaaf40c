/** @file The Perron–Frobenius eigenvalue of a nonnegative matrix, from above. */

import { placed } from "../activations/phi.js";
import { blockTriangular } from "../components.js";
import { type Dense, dense, submatrix } from "../dense.js";

export interface Perron {
  /** ≥ λ_pf(N): maxᵢ (Nv)ᵢ/vᵢ, which is λ_pf at the Perron vector. */
  readonly value: number;
  /** v > 0. */
  readonly vector: Float64Array;
}

const STEPS = 2000;
/** Relative width of the Collatz–Wielandt interval at which the iteration stops. */
const WIDTH = 1e-12;

/**
 * λ_pf(N) of N ≥ 0, block by block of its triangular form, each by v ← (N + sI)v, whose limit exists for periodic N too.
 *
 * The value is an upper bound at every v > 0, converged or not.
 *
 * @source Collatz 1942, Wielandt 1950; Horn & Johnson, Matrix Analysis, Corollary 8.1.31
 */
export function perron(N: Dense): Perron {
  const vector = new Float64Array(N.rows).fill(1);
  const { components } = blockTriangular(N, placed([{ map: "linear", size: N.rows }]));
  let value = 0;
  for (const { states, explicit } of components) {
    if (explicit) continue;
    const part = irreducible(submatrix(N, states, states));
    value = Math.max(value, part.value);
    part.vector.forEach((entry, i) => {
      vector[states[i]!] = entry;
    });
  }
  return { value, vector };
}

function irreducible(N: Dense): Perron {
  const n = N.rows;
  let v = new Float64Array(n).fill(1);
  let [low, high] = [0, Infinity];
  for (let step = 0; step < STEPS; step++) {
    const Nv = dense(n, 1).data;
    let [least, most] = [Infinity, 0];
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += N.data[i * n + j]! * v[j]!;
      Nv[i] = sum;
      least = Math.min(least, sum / v[i]!);
      most = Math.max(most, sum / v[i]!);
    }
    [low, high] = [least, most];
    if (high - low <= WIDTH * high) break;
    const shift = 0.5 * high;
    const next = Nv.map((sum, i) => sum + shift * v[i]!);
    const scale = Math.max(...next);
    v = next.map((entry) => entry / scale);
  }
  return { value: high, vector: v };
}

/**
 * d > 0 with max_i Σ_j d_i⁻¹|A_ij|d_j ≤ λ_pf + share max(λ_pf, 1) of a reducible matrix too: for each component its Perron vector, later
 * components so much larger that what they take from earlier ones stays within the share.
 */
export function perronScaling(N: Dense, share = 1e-3): Float64Array {
  const { components } = blockTriangular(N, placed([{ map: "linear", size: N.rows }]));
  const { vector, value } = perron(N);
  const room = share * Math.max(value, 1);
  const scaled = new Float64Array(N.rows);
  for (const { states } of components) {
    let factor = 1;
    for (const i of states) {
      let outside = 0;
      for (let j = 0; j < N.columns; j++) outside += N.data[i * N.columns + j]! * scaled[j]!;
      factor = Math.max(factor, outside / (room * vector[i]!));
    }
    for (const i of states) scaled[i] = factor * vector[i]!;
  }
  return scaled;
}
