/** @file Dense matrices as plain records, rows one after the other, float64. */

import { Matrix } from "ml-matrix";
import { VouchError } from "../../errors.js";

/** Shape [rows, columns], row-major. */
export interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A matrix of given entries; zeros without them. @throws shape if they are not rows × columns */
export function dense(
  rows: number,
  columns: number,
  data: ArrayLike<number> = new Float64Array(rows * columns),
): Dense {
  if (data.length !== rows * columns) {
    throw new VouchError("shape", {
      name: "dense",
      expected: `${rows * columns} entries for [${rows}, ${columns}]`,
      got: `${data.length}`,
      remedy: "Give the rows one after the other.",
    });
  }
  return { rows, columns, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

/** A matrix by its entries. */
export function denseOf(rows: number, columns: number, entry: (i: number, j: number) => number): Dense {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * columns + j] = entry(i, j);
  return { rows, columns, data };
}

/** I of order n. */
export function identityDense(n: number): Dense {
  return denseOf(n, n, (i, j) => (i === j ? 1 : 0));
}

/** A B. @throws shape */
export function times(A: Dense, B: Dense): Dense {
  requireInner(A.columns, B.rows, A, B);
  const [m, k, n] = [A.rows, A.columns, B.columns];
  const data = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const a = A.data[i * k + l]!;
      if (a === 0) continue;
      for (let j = 0; j < n; j++) data[i * n + j]! += a * B.data[l * n + j]!;
    }
  }
  return { rows: m, columns: n, data };
}

/** X Aᵀ: A applied to every row of X. @throws shape */
export function applyRows(X: Dense, A: Dense): Dense {
  requireInner(X.columns, A.columns, X, A);
  return times(X, transposed(A));
}

/** Aᵀ. */
export function transposed({ rows, columns, data }: Dense): Dense {
  return denseOf(columns, rows, (i, j) => data[j * columns + i]!);
}

/** alpha A + B. @throws shape */
export function addScaled(alpha: number, A: Dense, B: Dense): Dense {
  if (A.rows !== B.rows || A.columns !== B.columns) requireInner(Number.NaN, Number.NaN, A, B);
  return { ...A, data: A.data.map((value, i) => alpha * value + B.data[i]!) };
}

/** |A|, entry by entry. */
export function absolute(A: Dense): Dense {
  return { ...A, data: A.data.map(Math.abs) };
}

/** The matrix of blocks, row of blocks by row of blocks; zeros where `undefined`, in sizes that the others give. @throws shape */
export function blocks(
  rows: readonly number[],
  columns: readonly number[],
  parts: readonly (Dense | undefined)[][],
): Dense {
  const total = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
  const whole = dense(total(rows), total(columns));
  let top = 0;
  rows.forEach((height, r) => {
    let left = 0;
    columns.forEach((width, c) => {
      const part = parts[r]?.[c];
      if (part !== undefined) {
        if (part.rows !== height || part.columns !== width) requireInner(height, width, part, part);
        for (let i = 0; i < height; i++) {
          whole.data.set(part.data.subarray(i * width, (i + 1) * width), (top + i) * whole.columns + left);
        }
      }
      left += width;
    });
    top += height;
  });
  return whole;
}

/** Some rows and columns of A, in the order given. */
export function submatrix(A: Dense, rows: ArrayLike<number>, columns: ArrayLike<number>): Dense {
  return denseOf(rows.length, columns.length, (i, j) => A.data[rows[i]! * A.columns + columns[j]!]!);
}

/** For the factorisations of ml-matrix. */
export function toMatrix({ rows, columns, data }: Dense): Matrix {
  return Matrix.from1DArray(rows, columns, data);
}

export function fromMatrix(M: Matrix): Dense {
  return { rows: M.rows, columns: M.columns, data: Float64Array.from(M.to1DArray()) };
}

function requireInner(left: number, right: number, A: Dense, B: Dense): void {
  if (left === right) return;
  throw new VouchError("shape", {
    name: "implicit",
    expected: "matrices whose sizes fit",
    got: `[${A.rows}, ${A.columns}] and [${B.rows}, ${B.columns}]`,
    remedy: "Check rows and columns; samples are rows.",
  });
}
