/** @file The worked example of model design: sparse recovery with a data-driven quadratic, and its operator with a free matrix. */

import type { Smooth } from "../../functions/function.js";
import { l1 } from "../../functions/weighted-l1.js";
import { matrix } from "../../linear/matrix.js";
import type { Operator } from "../../operator.js";
import type { Problem } from "../../problem.js";
import { inner, norm } from "../../sets/set.js";
import { zeros } from "../../tensor/primitives/broadcast.js";
import { add, asTensor, div, max, mul, sub, type TensorLike } from "../../tensor/primitives/elementwise.js";
import { concat, transpose } from "../../tensor/primitives/layout.js";
import { constant } from "../../tensor/primitives/leaf.js";
import { matmul } from "../../tensor/primitives/matmul.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Tree } from "../../tensor/tree.js";

export interface SparseRecovery {
  /** Measurements [m, n]. */
  readonly A: Tensor;
  /** [k, m] */
  readonly W1: Tensor;
  /** [n, m]; `tiedW2(A, W1)` makes eq. (6) follow from eq. (5). */
  readonly W2: Tensor;
  /** τ > 0. */
  readonly tau: TensorLike;
}

/**
 * min τ‖x‖₁ + ‖Ax − d‖² + ‖W₁Ax‖² + ⟨x, W₂d⟩: one proximable and one smooth term of x, for proximalGradient with x [N, n].
 *
 * It is bounded below if W₂d is in the range of Aᵀ, or |W₂d|_∞ ≤ τ; a free W₂ may make it fall without end.
 *
 * @param d  [N, m]
 * @source Heaton & Wu Fung 2023, eq. (5)
 */
export function sparseRecovery({ A, W1, W2, tau }: SparseRecovery, d: Tensor): Problem {
  return { sparsity: { prox: l1(tau) }, data: { smooth: dataDriven({ A, W1, W2 }, d) } };
}

/** ∇ = 2Aᵀ(Ax − d) + 2AᵀW₁ᵀW₁Ax + W₂d, with Lipschitz constant 2‖(A; W₁A)‖². */
function dataDriven({ A, W1, W2 }: Omit<SparseRecovery, "tau">, d: Tensor): Smooth {
  const WA = matmul(W1, A);
  const [measured, weighted, linear] = [matrix(A), matrix(WA), matrix(W2)];
  return {
    name: "fidelity and data-driven regularizer",
    value: (x) => {
      const residual = sub(measured.apply(x), d);
      const Wx = weighted.apply(x);
      return add(add(inner(residual, residual), inner(Wx, Wx)), inner(x, linear.apply(d)));
    },
    grad: (x) => {
      const fit = measured.adjoint(sub(measured.apply(x), d));
      return add(mul(2, add(fit, weighted.adjoint(weighted.apply(x)))), linear.apply(d));
    },
    lipschitz: () => {
      const { value } = matrix(concat([A, WA], 0)).norm();
      return mul(2, mul(value, value));
    },
  };
}

/**
 * W₂ = −2AᵀW₁ᵀW₁, the only W₂ with which the gradient of eq. (5) is W(Ax − d) for every x and d, as eq. (6) has it.
 *
 * deviates: the paper takes (6) from (5) for any W₂. The gradient is 2Aᵀ(I + W₁ᵀW₁)Ax − (2Aᵀ − W₂)d, so that W must be
 * 2Aᵀ(I + W₁ᵀW₁) by its first term (A of full row rank) and 2Aᵀ − W₂ by its second.
 */
export function tiedW2(A: Tensor, W1: Tensor): Tensor {
  return mul(-2, transpose(matmul(matmul(transpose(W1, [1, 0]), W1), A), [1, 0]));
}

/** W = 2Aᵀ(I + W₁ᵀW₁) = 2Aᵀ − W₂ of eq. (6), with the W₂ of `tiedW2`. */
export function tiedW(A: Tensor, W1: Tensor): Tensor {
  return sub(mul(2, transpose(A, [1, 0])), tiedW2(A, W1));
}

export interface FreeShrinkage {
  /** [m, n] */
  readonly A: Tensor;
  /** [n, m], learned, tied to nothing; the step size λ is in it. */
  readonly W: Tensor;
  /** θ > 0. */
  readonly theta: TensorLike;
}

/**
 * T(x) = η_θ(x − W(Ax − d)): an operator without an objective, as W need not be λ times a gradient's matrix.
 *
 * Averaged if ‖I − 2WA‖ ≤ 1, which a free W does not keep by itself; with another W it may diverge. A model of it states no
 * terms (`problem: () => ({})`): what its fixed points minimise is not known, and certificates say UNVERIFIABLE(no-objective).
 *
 * @param d  [N, m]
 * @source Heaton & Wu Fung 2023, eq. (7)–(9)
 */
export function freeShrinkage({ A, W, theta }: FreeShrinkage, d: Tensor): Operator {
  const n = A.shape[1] as number;
  const [measured, free] = [matrix(A), matrix(W)];
  const shrink = l1(1);
  const only = (z: Tree) => (z as { x: Tensor }).x;
  return {
    name: "freeShrinkage",
    averagedness: 2 / 3,
    init: () => ({ x: zeros(["N", n]) }),
    apply: (z) => {
      const x = only(z);
      return { x: shrink.prox(sub(x, free.apply(sub(measured.apply(x), d))), asTensor(theta)) };
    },
    read: only,
    residuals: (z, z1) => ({ x: div(norm(sub(only(z), only(z1))), max(max(norm(only(z)), norm(only(z1))), 1e-12)) }),
    // The norm bound is at most n^(1/64) too large, and I − 2WA has norm ≥ 1: hence the slack.
    conditions: () => [
      {
        text: "‖I − 2WA‖ ≤ 1, tested to a factor n^(1/64)",
        left: matrix(sub(identityMatrix(n), mul(2, matmul(W, A)))).norm().value,
        right: asTensor(n ** (1 / 64) * (1 + 1e-3)),
      },
    ],
    metric: (z) => inner(only(z), only(z)),
  };
}

function identityMatrix(n: number): Tensor {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return constant(data, [n, n]);
}
