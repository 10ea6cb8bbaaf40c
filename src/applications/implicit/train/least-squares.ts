/** @file Ridge regression: the (C, D)-step, and any linear read-out. */

import { Matrix, solve } from "ml-matrix";
import { blocks, type Dense, dense, fromMatrix, submatrix, times, toMatrix, transposed } from "../dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "../model.js";
import { equilibrium } from "./adjoint.js";
import type { Samples } from "./train-projected.js";

/** argmin_W ½‖Y − F Wᵀ‖² + ½ ridge ‖W‖², [q, k], by the normal equations. */
export function leastSquares(F: Dense, Y: Dense, ridge: number): Dense {
  const Ft = transposed(F);
  const gram = toMatrix(times(Ft, F)).add(Matrix.eye(F.columns).mul(ridge));
  return transposed(fromMatrix(solve(gram, toMatrix(times(Ft, Y)))));
}

/** C, D and the constant of the outputs refitted at the states that A, B give. @source El Ghaoui et al., eq. (12) without its bound */
export function refitOutputs(model: ImplicitModel, { U, Y }: Samples, ridge: number): ImplicitModel {
  const { n, p, q } = sizesOf(model);
  const { X } = equilibrium(model, U);
  const m = U.rows;
  const ones = dense(m, 1, new Float64Array(m).fill(1));
  const W = leastSquares(blocks([m], [n, p, 1], [[X, U, ones]]), Y, ridge);
  const all = Int32Array.from({ length: q }, (_, i) => i);
  const part = (from: number, to: number) =>
    submatrix(
      W,
      all,
      Int32Array.from({ length: to - from }, (_, j) => from + j),
    );
  return implicitModel({ ...model, C: part(0, n), D: part(n, n + p), outputBias: part(n + p, n + p + 1).data });
}
