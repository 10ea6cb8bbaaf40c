/** @file A matrix factorised for projections, once and in float64. */

import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { VouchError } from "../errors.js";
import { constant, constant64 } from "../tensor/primitives/leaf.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";

/** Rows of A one after the other, shape [m, n]; numbers count as float32 rounds them. */
export interface DenseMatrix {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What projecting onto { Av = b } takes of A = UΣQᵀ. */
export interface Factors {
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
  /** Aᵀ [n, m]. */
  readonly transposed: Tensor;
  /** Q [n, r] and Qᵀ. */
  readonly basis: Tensor;
  readonly basisTransposed: Tensor;
  /** U [m, r] and Uᵀ. */
  readonly range: Tensor;
  readonly rangeTransposed: Tensor;
  /** UΣ⁻¹ [m, r]. */
  readonly coordinates: Tensor;
}

const known = new WeakMap<DenseMatrix, Factors>();

/**
 * Factors of A by singular values, once for each object A.
 *
 * @throws shape, data, parameter, in the name of affine
 */
export function factorsOf(A: DenseMatrix): Factors {
  const found = known.get(A) ?? factorise(A);
  known.set(A, found);
  return found;
}

function factorise({ shape, data }: DenseMatrix): Factors {
  const [rows, columns] = shape as [number, number];
  if (shape.length !== 2 || data.length !== rows * columns || data.length === 0) {
    throw shapeError("affine", `a matrix [m, n] of ${data.length} elements`, showShape(shape));
  }
  const values = Float32Array.from(data);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const remedy = "Remove or repair the equations.";
    throw new VouchError("data", { name: "affine", expected: "finite numbers", got: `${data[bad]} in A`, remedy });
  }
  const At = Matrix.from1DArray(rows, columns, values).transpose();
  const svd = new SingularValueDecomposition(At, { autoTranspose: true });
  const [largest = 0] = svd.diagonal;
  const rank = svd.diagonal.filter((sigma) => sigma > Math.max(rows, columns) * 2 ** -23 * largest).length;
  if (rank === 0) {
    const remedy = "Leave the term out.";
    throw new VouchError("parameter", { name: "affine", expected: "A ≠ 0", got: "the zero matrix", remedy });
  }
  const Q = svd.leftSingularVectors.subMatrix(0, columns - 1, 0, rank - 1);
  const U = svd.rightSingularVectors.subMatrix(0, rows - 1, 0, rank - 1);
  const inverse = svd.diagonal.slice(0, rank).map((sigma) => 1 / sigma);
  return {
    rows,
    columns,
    rank,
    transposed: constant(Float32Array.from(At.to1DArray()), [columns, rows]),
    basis: constantOf(Q),
    basisTransposed: constantOf(Q.transpose()),
    range: constantOf(U),
    rangeTransposed: constantOf(U.transpose()),
    coordinates: constantOf(U.clone().mulRowVector(inverse)),
  };
}

function constantOf(M: Matrix): Tensor {
  return constant64(Float64Array.from(M.to1DArray()), [M.rows, M.columns]);
}
