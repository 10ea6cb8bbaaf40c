/** @file A dense matrix as a linear operator. */

import { sum } from "../tensor/primitives/broadcast.js";
import { div, max, mul, sqrt } from "../tensor/primitives/elementwise.js";
import { transpose } from "../tensor/primitives/layout.js";
import { matmul, matmulTransposed } from "../tensor/primitives/matmul.js";
import { shapeError, showShape, type Tensor } from "../tensor/tensor.js";
import { type Bound, type LinearOperator, ROUNDING_MARGIN, root, TINY } from "./linear.js";

/** Squarings of the Gram matrix: the bound is at most n^(1/64) above ‖A‖₂. */
const SQUARINGS = 4;

/** x ↦ A x for A [m, n], learned or constant: x [N, n] → [N, m]. */
export function matrix(A: Tensor): LinearOperator {
  if (A.shape.length !== 2 || A.shape[0] === "N") throw shapeError("matrix", "[m, n]", showShape(A.shape));
  const [m, n] = A.shape as [number, number];
  // Made once: a graph that applies A often then holds one Aᵀ, not one for each use.
  const At = transpose(A, [1, 0]);
  return {
    name: `matrix ${m}×${n}`,
    domain: ["N", n],
    range: ["N", m],
    apply: (x) => matmul(x, At),
    adjoint: (y) => matmul(y, A),
    stated: { kind: "matrix", tensors: { A } },
    norm: () => gramPowerBound(A),
  };
}

/**
 * ‖A‖₂ ≤ ‖(AᵀA/t)^q‖_F^{1/2q} √t with t = ‖A‖_F², q = 2^SQUARINGS: a Schatten norm of the Gram matrix, exact as q → ∞.
 */
function gramPowerBound(A: Tensor): Bound {
  const [m, n] = A.shape as [number, number];
  const total = max(sum(mul(A, A)), TINY);
  const scaled = div(
    m < n ? matmulTransposed(transpose(A, [1, 0]), transpose(A, [1, 0])) : matmulTransposed(A, A),
    total,
  );
  let power = scaled;
  let scale = 1;
  // ‖G‖₂ ≤ ‖G^q‖_F^{1/q}; each square is rescaled to unit Frobenius norm, so that no power underflows.
  let bound: Tensor = frobenius(power);
  power = div(power, bound);
  for (let i = 0; i < SQUARINGS; i++) {
    power = matmul(power, power);
    scale *= 2;
    const norm = frobenius(power);
    bound = mul(bound, root(norm, scale));
    power = div(power, norm);
  }
  return {
    value: mul(sqrt(mul(bound, total)), ROUNDING_MARGIN),
    how: `Frobenius norm of the ${2 ** SQUARINGS}th power of the Gram matrix`,
  };
}

function frobenius(x: Tensor): Tensor {
  return sqrt(max(sum(mul(x, x)), TINY));
}
