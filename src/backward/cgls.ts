/** @file Conjugate gradients on the normal equations of the adjoint system. */

import { dot, plus, zerosLike } from "../points.js";
import { div, lessEqual, max, mul, sqrt } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";
import { type AdjointSolver, adjointSolver, TINY } from "./adjoint.js";

/**
 * The shortest minimiser of ‖Mv − g‖, M = (I − J)ᵀ, one product with Jᵀ and one with J a step.
 *
 *     q = Mp,  α = ‖s‖²/‖q‖²,  v⁺ = v + αp,  r⁺ = r − αq,  s⁺ = Mᵀr⁺,  p⁺ = s⁺ + (‖s⁺‖²/‖s‖²)p
 *
 * Needs no condition on J: I − J may be singular, as for Davis–Yin, where v solves the system if g is in the range of M and
 * is its least-squares solution of least norm if not. A sample also stops where ‖Mᵀr‖ ≤ tolerance ‖M‖‖r‖, at a least-squares
 * solution, with its residual as it is. Converges with the condition of M squared.
 *
 * @source Björck 1996, Numerical Methods for Least Squares Problems, Section 7.4; Paige & Saunders 1982, LSQR, stopping rules S1 and
 * S2
 */
export const cgls: AdjointSolver = adjointSolver((J) => {
  const M = (v: Tree) => plus(v, -1, J.transpose(v));
  const Mt = (u: Tree) => plus(u, -1, J.apply(u));
  return {
    products: { start: 1, step: 2 },
    start: (g) => {
      const s = Mt(g);
      const square = dot(s, s);
      return { v: zerosLike(g), r: g, p: s, square, size: square } as State;
    },
    step: ({ v, r, p, square, size }: State) => {
      const q = M(p);
      const [along, ahead] = [dot(p, p), dot(q, q)];
      const alpha = div(square, max(ahead, TINY));
      const r1 = plus(r, mul(-1, alpha), q);
      const s = Mt(r1);
      const next = dot(s, s);
      return {
        v: plus(v, alpha, p),
        r: r1,
        p: plus(s, div(next, max(square, TINY)), p),
        square: next,
        size: max(size, div(ahead, max(along, TINY))),
      };
    },
    settled: ({ r, square, size }: State, tolerance) =>
      lessEqual(sqrt(square), mul(tolerance, sqrt(mul(size, dot(r, r))))),
  };
});

/** s = Mᵀr by ‖s‖², and ‖M‖² from below. */
interface State {
  readonly v: Tree;
  readonly r: Tree;
  readonly p: Tree;
  readonly square: Tensor;
  readonly size: Tensor;
  readonly [name: string]: Tree;
}
