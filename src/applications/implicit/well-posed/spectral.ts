/** @file Largest eigenvalues of symmetric matrices. */

import { EigenvalueDecomposition } from "ml-matrix";
import { type Dense, denseOf, times, toMatrix, transposed } from "../dense.js";

/** λ_max of a symmetric matrix. */
export function largestEigenvalue(M: Dense): number {
  if (M.rows === 0) return 0;
  return Math.max(...new EigenvalueDecomposition(toMatrix(M), { assumeSymmetric: true }).realEigenvalues);
}

/** ‖A‖₂ = √λ_max(AᵀA), by the smaller of the two Gram matrices. */
export function spectralNorm(A: Dense): number {
  const At = transposed(A);
  return Math.sqrt(Math.max(0, largestEigenvalue(A.rows < A.columns ? times(A, At) : times(At, A))));
}

/** (A + Aᵀ)/2. */
export function symmetricPart(A: Dense): Dense {
  return denseOf(A.rows, A.rows, (i, j) => (A.data[i * A.rows + j]! + A.data[j * A.rows + i]!) / 2);
}
