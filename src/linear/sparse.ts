/** @file A constant sparse matrix as a linear operator. */

import { VouchError } from "../errors.js";
import { reshape } from "../tensor/primitives/broadcast.js";
import { type SparseMatrix, type SparseRows, sparseMatmul, type Tiles, tile } from "../tensor/primitives/sparse.js";
import { elements, type Shape } from "../tensor/tensor.js";
import { type LinearOperator, numberBound } from "./linear.js";

export interface SparseOptions {
  /** Shape of x, sample axis first; default [N, columns]. */
  readonly domain?: Shape;
  /** Columns of each dense tile, all groups of one length: neighbours that meet the same rows. Default: runs of 64. */
  readonly groups?: readonly Int32Array[];
}

/** x ↦ A x for a constant sparse A: x [N, …] → [N, rows]. */
export function sparse(name: string, rows: SparseRows, options: SparseOptions = {}): LinearOperator {
  const domain = options.domain ?? ["N", rows.columns];
  if (elements(domain) !== rows.columns) {
    throw new VouchError("shape", {
      name: "sparse",
      expected: `a domain of ${rows.columns} elements`,
      got: `[${domain.join(", ")}]`,
      remedy: "The matrix has one column per element of x.",
    });
  }
  let tiles: Tiles | undefined;
  const matrix: SparseMatrix = {
    rows,
    // Made for the engine alone: a verifier never asks.
    get tiles() {
      tiles ??= tile(rows, options.groups ?? runs(rows.columns, 64));
      return tiles;
    },
  };
  let bound: number | undefined;
  return {
    name,
    domain,
    range: ["N", rows.rows],
    apply: (x) => sparseMatmul(reshape(x, ["N", rows.columns]), matrix),
    adjoint: (y) => reshape(sparseMatmul(y, matrix, true), domain),
    stated: {
      kind: "sparse",
      numbers: { rows: rows.rows, columns: rows.columns },
      arrays: {
        indptr: { shape: [rows.indptr.length], data: rows.indptr },
        indices: { shape: [rows.indices.length], data: rows.indices },
        values: { shape: [rows.values.length], data: rows.values },
      },
    },
    norm: () => {
      bound ??= Math.sqrt(collatzWielandt(rows));
      return numberBound(bound * (1 + 1e-6), "Collatz–Wielandt bound on |A|ᵀ|A|");
    },
  };
}

function runs(columns: number, width: number): Int32Array[] {
  const size = columns % width === 0 ? width : 1;
  return Array.from({ length: columns / size }, (_, b) => Int32Array.from({ length: size }, (_, i) => b * size + i));
}

/**
 * λ_max(AᵀA) ≤ λ_max(|A|ᵀ|A|) ≤ max_i (|A|ᵀ|A|v)_i / v_i for every v > 0; v from power steps, kept positive.
 *
 * @source Perron–Frobenius; Horn & Johnson, Matrix Analysis, 2nd ed., Corollary 8.1.29
 */
function collatzWielandt({ rows, columns, indptr, indices, values }: SparseRows): number {
  let v = new Float64Array(columns).fill(1);
  let best = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 60; step++) {
    const w = new Float64Array(columns);
    for (let r = 0; r < rows; r++) {
      let total = 0;
      for (let e = indptr[r]!; e < indptr[r + 1]!; e++) total += Math.abs(values[e]!) * v[indices[e]!]!;
      for (let e = indptr[r]!; e < indptr[r + 1]!; e++) w[indices[e]!]! += Math.abs(values[e]!) * total;
    }
    let ratio = 0;
    let top = 0;
    for (let i = 0; i < columns; i++) {
      ratio = Math.max(ratio, w[i]! / v[i]!);
      top = Math.max(top, w[i]!);
    }
    best = Math.min(best, ratio);
    if (top === 0) return 0;
    // A floor keeps v positive where columns are empty or nearly so.
    v = w.map((value) => Math.max(value / top, 1e-3));
  }
  return best;
}
