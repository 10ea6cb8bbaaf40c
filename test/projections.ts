/** @file Projections in tests, found without the formulas of the library: by bisection, or one equation after the other. */

import { combine, dot, minus, norm } from "./arrays.js";

/** Σ uᵢ. */
export function total(u: Float64Array): number {
  return u.reduce((sum, a) => sum + a, 0);
}

/** θ ≥ low with f(θ) = 0 for a decreasing f, by bisection. */
function crossing(f: (theta: number) => number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let k = 0; k < 200; k++) {
    const middle = (a + b) / 2;
    if (f(middle) > 0) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

/** Nearest point of the simplex: v − θ where that is positive, θ by bisection. */
export function onSimplex(v: Float64Array, s: number): Float64Array {
  const above = (theta: number) => v.map((a) => Math.max(a - theta, 0));
  return above(crossing((theta) => total(above(theta)) - s, Math.min(...v) - s, Math.max(...v)));
}

/** Nearest point of the ℓ1 ball, by the simplex of the sizes. */
export function inL1Ball(v: Float64Array, r: number): Float64Array {
  const size = v.map(Math.abs);
  if (total(size) <= r) return v;
  return onSimplex(size, r).map((a, i) => a * Math.sign(v[i]!));
}

/** Nearest point of { Av = b }: projections on one equation after the other, until none moves it. */
export function meetingAll(A: Float64Array, b: Float64Array, v: Float64Array): Float64Array {
  const n = A.length / b.length;
  let x = v;
  for (let sweep = 0; sweep < 4000; sweep++) {
    const before = x;
    for (const [r, level] of b.entries()) {
      const a = A.subarray(r * n, (r + 1) * n);
      x = combine(1, x, (level - dot(a, x)) / dot(a, a), a);
    }
    if (norm(minus(x, before)) < 1e-16) break;
  }
  return x;
}
