/** @file Newton's method with backtracking for small smooth convex functions. */

/** Value of a function, and into `g` and the lower triangle of `H` [k, k] its gradient and Hessian where they are asked for. */
export type Smooth = (x: Float64Array, g?: Float64Array, H?: Float64Array) => number;

export interface NewtonOptions {
  /** Largest entry of the gradient at which it ends. */
  readonly tolerance: number;
  readonly limit: number;
}

/** Share of the promised decrease that a step must keep. @source Boyd & Vandenberghe 2004, Algorithm 9.2 */
const ARMIJO = 1e-4;

/** Minimise in place from x, where f is finite; f is Infinity outside its domain. */
export function newton(f: Smooth, x: Float64Array, { tolerance, limit }: NewtonOptions): void {
  const k = x.length;
  const [g, H] = [new Float64Array(k), new Float64Array(k * k)];
  for (let step = 0; step < limit; step++) {
    const value = f(x, g, H);
    if (g.every((entry) => Math.abs(entry) <= tolerance)) return;
    const d = solvePositive(H, g, k);
    let slope = 0;
    for (let i = 0; i < k; i++) slope += g[i]! * d[i]!;
    let t = 1;
    let moved = x.map((entry, i) => entry - t * d[i]!);
    while (!(f(moved) <= value - ARMIJO * t * slope)) {
      t /= 2;
      if (t < 1e-12) return;
      moved = x.map((entry, i) => entry - t * d[i]!);
    }
    x.set(moved);
  }
}

/** H⁻¹g by Cholesky factors, pivots kept positive. @source Golub & Van Loan 2013, Algorithm 4.2.1 */
function solvePositive(H: Float64Array, g: Float64Array, k: number): Float64Array {
  const L = H.slice();
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = H[i * k + j]!;
      for (let l = 0; l < j; l++) rest -= L[i * k + l]! * L[j * k + l]!;
      L[i * k + j] =
        i === j
          ? Math.sqrt(Math.max(rest, 1e-14 * Math.abs(H[i * k + i]!), Number.MIN_VALUE ** 0.5))
          : rest / L[j * k + j]!;
    }
  }
  const y = g.slice();
  for (let i = 0; i < k; i++) {
    for (let l = 0; l < i; l++) y[i]! -= L[i * k + l]! * y[l]!;
    y[i] = y[i]! / L[i * k + i]!;
  }
  for (let i = k - 1; i >= 0; i--) {
    for (let l = i + 1; l < k; l++) y[i]! -= L[l * k + i]! * y[l]!;
    y[i] = y[i]! / L[i * k + i]!;
  }
  return y;
}
