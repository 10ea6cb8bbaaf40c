/** @file The matrix A of the state: dense, low-rank or sparse. */

import { VouchError } from "../../errors.js";
import { applyRows, type Dense, dense, times, transposed } from "./dense.js";

/** A = L Rᵀ, with L and R of shape [n, k]. */
export interface LowRank {
  readonly kind: "low-rank";
  readonly L: Dense;
  readonly R: Dense;
}

/** Entries of row i at indptr[i] … indptr[i + 1] − 1, columns increasing. */
export interface Sparse {
  readonly kind: "sparse";
  readonly n: number;
  readonly indptr: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** Dense A may be triangular or block-triangular: its zeros are found where they serve. */
export type StateMatrix = (Dense & { readonly kind?: undefined }) | LowRank | Sparse;

/** Order n of A. */
export function orderOf(A: StateMatrix): number {
  return A.kind === "low-rank" ? A.L.rows : A.kind === "sparse" ? A.n : A.rows;
}

/** A with all its entries. */
export function denseA(A: StateMatrix): Dense {
  if (A.kind === undefined) return A;
  if (A.kind === "low-rank") return applyRows(A.L, A.R);
  const whole = dense(A.n, A.n);
  for (let i = 0; i < A.n; i++) {
    for (let e = A.indptr[i]!; e < A.indptr[i + 1]!; e++) whole.data[i * A.n + A.indices[e]!] = A.values[e]!;
  }
  return whole;
}

/** A square matrix without its zeros. */
export function sparseA({ rows: n, columns, data }: Dense): Sparse {
  if (n !== columns) throw notSquare(n, columns);
  const [indptr, indices, values] = [new Int32Array(n + 1), [] as number[], [] as number[]];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const value = data[i * n + j]!;
      if (value === 0) continue;
      indices.push(j);
      values.push(value);
    }
    indptr[i + 1] = indices.length;
  }
  return { kind: "sparse", n, indptr, indices: Int32Array.from(indices), values: Float64Array.from(values) };
}

/** X Aᵀ for samples in rows. */
export function applyA(A: StateMatrix, X: Dense): Dense {
  if (A.kind === undefined) return applyRows(X, A);
  if (A.kind === "low-rank") return applyRows(times(X, A.R), A.L);
  const { n, indptr, indices, values } = A;
  const Y = dense(X.rows, n);
  for (let s = 0; s < X.rows; s++) {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let e = indptr[i]!; e < indptr[i + 1]!; e++) sum += values[e]! * X.data[s * n + indices[e]!]!;
      Y.data[s * n + i] = sum;
    }
  }
  return Y;
}

/** Aᵀ in the same structure. */
export function transposedA(A: StateMatrix): StateMatrix {
  if (A.kind === undefined) return transposed(A);
  if (A.kind === "low-rank") return { kind: "low-rank", L: A.R, R: A.L };
  return sparseA(transposed(denseA(A)));
}

/** Every number of A, for checks. */
export function entriesOf(A: StateMatrix): readonly Float64Array[] {
  return A.kind === undefined ? [A.data] : A.kind === "low-rank" ? [A.L.data, A.R.data] : [A.values];
}

/** @throws shape unless A is square of order n and its arrays fit together */
export function requireStateMatrix(name: string, A: StateMatrix, n: number): void {
  const fits =
    A.kind === undefined
      ? A.rows === n && A.columns === n && A.data.length === n * n
      : A.kind === "low-rank"
        ? [A.L, A.R].every(
            ({ rows, columns, data }) => rows === n && columns === A.L.columns && data.length === n * columns,
          )
        : A.n === n && sparseFits(A);
  if (fits) return;
  throw new VouchError("shape", {
    name: `${name}: A`,
    expected: `a matrix [${n}, ${n}], dense, L Rᵀ, or sparse with increasing columns in each row`,
    got: A.kind ?? `[${A.rows}, ${A.columns}]`,
    remedy: "Give A as many rows and columns as B has rows.",
  });
}

function sparseFits({ n, indptr, indices, values }: Sparse): boolean {
  if (indptr.length !== n + 1 || indptr[0] !== 0 || indptr[n] !== indices.length) return false;
  if (indices.length !== values.length) return false;
  for (let i = 0; i < n; i++) {
    if (indptr[i + 1]! < indptr[i]!) return false;
    for (let e = indptr[i]!; e < indptr[i + 1]!; e++) {
      const before = e > indptr[i]! ? indices[e - 1]! : -1;
      if (indices[e]! <= before || indices[e]! >= n) return false;
    }
  }
  return true;
}

function notSquare(rows: number, columns: number): VouchError {
  return new VouchError("shape", {
    name: "sparseA",
    expected: "a square matrix",
    got: `[${rows}, ${columns}]`,
    remedy: "A maps states to states.",
  });
}
