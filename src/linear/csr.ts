/** @file Sparse matrices by compressed rows: float32 values, float64 arithmetic, fixed summation order. */

import { VouchError } from "../errors.js";

/**
 * Sparse matrix, shape [rows, columns], in canonical CSR form: the entries of row r are at positions
 * indptr[r] … indptr[r + 1] − 1, their columns strictly increasing.
 */
export interface Csr {
  readonly rows: number;
  readonly columns: number;
  /** Shape [rows + 1], nondecreasing from 0 to the number of entries. */
  readonly indptr: Int32Array;
  /** Column of each entry. */
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * Check that a matrix is in canonical form with finite values.
 *
 * @param name  public function the user called
 * @throws shape if the arrays do not fit together; data if an entry is out of order, out of range or not finite
 */
export function validateCsr(name: string, csr: Csr): void {
  const { rows, columns, indptr, indices, values } = csr;
  const entries = values.length;
  const shapes: [string, number, number][] = [
    ["indptr", indptr.length, rows + 1],
    ["indices", indices.length, entries],
    ["last indptr", indptr[rows] ?? -1, entries],
  ];
  for (const [what, got, expected] of shapes) {
    if (got !== expected) {
      throw new VouchError("shape", {
        name,
        expected: `${what} ${expected} for ${rows} rows and ${entries} values`,
        got: String(got),
        remedy: "Rebuild the CSR arrays together.",
      });
    }
  }
  const remedy = "Put the matrix in canonical CSR form (sorted columns, duplicates summed, finite values).";
  for (let r = 0; r < rows; r++) {
    const start = r === 0 ? 0 : indptr[r]!;
    if (indptr[r] !== start || indptr[r + 1]! < start) {
      throw new VouchError("data", {
        name,
        expected: "indptr nondecreasing from 0",
        got: `a break at row ${r}`,
        remedy,
      });
    }
    for (let e = start, last = -1; e < indptr[r + 1]!; e++) {
      const column = indices[e]!;
      if (column <= last || column >= columns || !Number.isFinite(values[e])) {
        const expected = `columns increasing within 0 … ${columns - 1} and finite values`;
        throw new VouchError("data", {
          name,
          expected,
          got: `column ${column}, value ${values[e]} in row ${r}`,
          remedy,
        });
      }
      last = column;
    }
  }
}

/** Aᵀ, in canonical form. */
export function transposeCsr(csr: Csr): Csr {
  const indptr = new Int32Array(csr.columns + 1);
  for (const column of csr.indices) indptr[column + 1]! += 1;
  for (let c = 0; c < csr.columns; c++) indptr[c + 1]! += indptr[c]!;
  const next = indptr.slice(0, csr.columns);
  const indices = new Int32Array(csr.indices.length);
  const values = new Float32Array(csr.values.length);
  for (let r = 0; r < csr.rows; r++) {
    for (let e = csr.indptr[r]!; e < csr.indptr[r + 1]!; e++) {
      const column = csr.indices[e]!;
      const at = next[column]!;
      next[column] = at + 1;
      indices[at] = r;
      values[at] = csr.values[e]!;
    }
  }
  return { rows: csr.columns, columns: csr.rows, indptr, indices, values };
}

/**
 * Ax in float64, each row summed in column order.
 *
 * @param x  shape [columns]
 * @throws shape if x has another length
 */
export function csrApply(csr: Csr, x: Float64Array): Float64Array {
  requireLength("csrApply", x, csr.columns);
  const { indptr, indices, values } = csr;
  const y = new Float64Array(csr.rows);
  for (let r = 0; r < csr.rows; r++) {
    let sum = 0;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) sum += values[e]! * x[indices[e]!]!;
    y[r] = sum;
  }
  return y;
}

/**
 * Aᵀy in float64, each column summed in row order.
 *
 * @param y  shape [rows]
 * @throws shape if y has another length
 */
export function csrAdjoint(csr: Csr, y: Float64Array): Float64Array {
  requireLength("csrAdjoint", y, csr.rows);
  const { indptr, indices, values } = csr;
  const x = new Float64Array(csr.columns);
  for (let r = 0; r < csr.rows; r++) {
    const weight = y[r]!;
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) x[indices[e]!]! += values[e]! * weight;
  }
  return x;
}

/**
 * Rows scaled to unit Euclidean norm; zero rows stay zero.
 *
 * @returns matrix, and norms: the norm each row had, shape [rows], 0 for a zero row
 */
export function normalizeRows(csr: Csr): { matrix: Csr; norms: Float64Array } {
  const values = new Float32Array(csr.values.length);
  const norms = new Float64Array(csr.rows);
  for (let r = 0; r < csr.rows; r++) {
    const [start, end] = [csr.indptr[r]!, csr.indptr[r + 1]!];
    let sum = 0;
    for (let e = start; e < end; e++) sum += csr.values[e]! * csr.values[e]!;
    const norm = Math.sqrt(sum);
    norms[r] = norm;
    for (let e = start; e < end; e++) values[e] = norm > 0 ? csr.values[e]! / norm : 0;
  }
  return { matrix: { ...csr, values }, norms };
}

/**
 * The matrix without its zero rows.
 *
 * @returns matrix, and kept: the original index of each row of it, increasing
 */
export function dropZeroRows(csr: Csr): { matrix: Csr; kept: Int32Array } {
  const { indptr } = csr;
  const isKept = (r: number) => csr.values.subarray(indptr[r]!, indptr[r + 1]!).some((v) => v !== 0);
  const kept = Int32Array.from({ length: csr.rows }, (_, r) => r).filter(isKept);
  return { matrix: csrRows(csr, kept), kept };
}

/** The matrix of some rows of a matrix, in the order given. */
export function csrRows(csr: Csr, rows: Int32Array): Csr {
  const { indptr } = csr;
  const starts = new Int32Array(rows.length + 1);
  rows.forEach((r, k) => {
    starts[k + 1] = starts[k]! + indptr[r + 1]! - indptr[r]!;
  });
  const indices = new Int32Array(starts[rows.length]!);
  const values = new Float32Array(starts[rows.length]!);
  rows.forEach((r, k) => {
    indices.set(csr.indices.subarray(indptr[r]!, indptr[r + 1]!), starts[k]!);
    values.set(csr.values.subarray(indptr[r]!, indptr[r + 1]!), starts[k]!);
  });
  return { rows: rows.length, columns: csr.columns, indptr: starts, indices, values };
}

function requireLength(name: string, x: Float64Array, length: number): void {
  if (x.length === length) return;
  const remedy = "Pass a vector of the matrix's own size.";
  throw new VouchError("shape", { name, expected: `[${length}]`, got: `[${x.length}]`, remedy });
}
