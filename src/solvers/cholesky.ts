/** @file Small positive definite systems, one a sample. */

import { add, div, max, mul, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";

/** Diagonals never vanish: a zero matrix gives a zero solution. */
const TINY = 1e-30;
/** Least pivot over the shift, where rounding has made one negative. */
const FLOOR = 1e-3;

/**
 * c with (G + ridge tr(G) I) c = b, by Cholesky factorization written out.
 *
 * @param G      lower triangle, m rows of up to m arrays [N], positive semidefinite to rounding
 * @param b      m arrays [N]
 * @param ridge  > 0
 * @source Golub & Van Loan 2013, Matrix Computations, 4th ed., Algorithm 4.2.1
 */
export function solvePositive(G: readonly (readonly Tensor[])[], b: readonly Tensor[], ridge: number): Tensor[] {
  const m = b.length;
  const trace = G.map((row, i) => row[i]!).reduce((u, v) => add(u, v));
  const shift = add(mul(ridge, trace), TINY);
  const L: Tensor[][] = [];
  for (let i = 0; i < m; i++) {
    L.push([]);
    for (let j = 0; j <= i; j++) {
      let rest = i === j ? add(G[i]![j]!, shift) : G[i]![j]!;
      for (let k = 0; k < j; k++) rest = sub(rest, mul(L[i]![k]!, L[j]![k]!));
      L[i]!.push(i === j ? sqrt(max(rest, mul(FLOOR, shift))) : div(rest, L[j]![j]!));
    }
  }
  const y: Tensor[] = [];
  for (let i = 0; i < m; i++) {
    let rest = b[i]!;
    for (let k = 0; k < i; k++) rest = sub(rest, mul(L[i]![k]!, y[k]!));
    y.push(div(rest, L[i]![i]!));
  }
  const c = new Array<Tensor>(m);
  for (let i = m - 1; i >= 0; i--) {
    let rest = y[i]!;
    for (let k = i + 1; k < m; k++) rest = sub(rest, mul(L[k]![i]!, c[k]!));
    c[i] = div(rest, L[i]![i]!);
  }
  return c;
}
