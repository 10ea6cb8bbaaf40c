/** @file The affine set: a system of linear equations. */

import { VouchError } from "../errors.js";
import { graphInputs } from "../tensor/graph.js";
import { interpret } from "../tensor/interpret.js";
import { reshape } from "../tensor/primitives/broadcast.js";
import { abs, lessEqual, mul, select, sub } from "../tensor/primitives/elementwise.js";
import { matmul } from "../tensor/primitives/matmul.js";
import { maximum } from "../tensor/primitives/maximum.js";
import { elements, shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { type DenseMatrix, factorsOf } from "./factors.js";
import { type ConvexSet, flat, norm } from "./set.js";

/** ‖b − UUᵀb‖/‖b‖ up to which a right-hand side counts as in the range of A: what float32 may cost it. */
const CONSISTENT = 1e-5;

/**
 * { v : Av = b }, over all elements of a sample; A may lack rank.
 *
 *     P(v) = v − Q(Qᵀv − c),  A = UΣQᵀ of rank r,  c = Σ⁻¹Uᵀb
 *
 * A is factorised once, in float64; singular values up to max(m, n) 2⁻²³ σ₁ count as zero. Where b is not in the range of A the
 * set is empty: a constant b is refused, and for data the distance is ∞ and P finds the least squares.
 *
 * No support function; what is to be proven states { prox: indicator(point(b)), of: matrix(A) } instead.
 *
 * @param A  [m, n], n the number of elements of a sample of v: the same object gives the same factors
 * @param b  [N, m] or [m]
 * @throws shape if A or b does not fit; data if A is not finite; parameter if A is zero, or b is constant and out of its range
 * @source Beck 2017, First-Order Methods in Optimization, Lemma 6.26; deviates: by singular values, because A may
 * lack rank (Golub & Van Loan 2013, Matrix Computations, 4th ed., §5.5.2)
 */
export function affine(A: DenseMatrix, b: Tensor): ConvexSet {
  const { columns, rank, rows, basis, basisTransposed, coordinates, range, rangeTransposed, transposed } = factorsOf(A);
  if (elements(b.shape) !== rows || b.shape.length !== (b.shape[0] === "N" ? 2 : 1)) {
    throw shapeError("affine", `a right-hand side [N, ${rows}] or [${rows}]`, showShape(b.shape));
  }
  const right = b.shape[0] === "N" ? b : reshape(b, [1, rows]);
  const c = matmul(right, coordinates);
  const offRange = () => norm(sub(right, matmul(matmul(right, range), rangeTransposed)));
  const inRange = () => lessEqual(offRange(), mul(CONSISTENT, norm(right)));
  if (rank < rows && graphInputs([b]).length === 0) requireInRange(inRange(), offRange());

  const row = (v: Tensor) => {
    if (v.shape[0] === "N" && elements(v.shape) === columns) return flat(v);
    throw shapeError("affine", `samples of ${columns} elements`, showShape(v.shape));
  };
  const off = (v: Tensor) => sub(matmul(row(v), basis), c);
  return {
    name: `affine ${rows}×${columns}`,
    project: (v) => sub(v, reshape(matmul(off(v), basisTransposed), v.shape)),
    distance: (v) => {
      const distance = norm(off(v));
      return rank === rows ? distance : select(inRange(), distance, Number.POSITIVE_INFINITY);
    },
    excess: (v) => maximum(abs(sub(matmul(row(v), transposed), right)), [1]),
  };
}

/** @throws parameter */
function requireInRange(inRange: Tensor, offRange: Tensor): void {
  const [holds, off] = interpret([inRange, offRange], {}).map(({ data }) => data[0]!);
  if (holds === 1) return;
  throw new VouchError("parameter", {
    name: "affine",
    expected: "a right-hand side in the range of A",
    got: `one ${off!.toPrecision(3)} away from it`,
    remedy: "Equations that contradict each other have no solution: check those that depend on others.",
  });
}
