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

/** D of StableSwap with A, by bisection of f(D) = An Σr + D − An D − D^{n+1}/(nⁿ Πr), decreasing where it is zero. */
export function invariantOf(r: Float64Array, A: number): number {
  const [n, sum] = [r.length, total(r)];
  const product = r.reduce((p, x) => p * x * n, 1);
  return crossing((D) => A * n * (sum - D) + D - D ** (n + 1) / product, 0, sum * (1 + 1e-12));
}

/** Nearest trade that leaves D: for each multiplier the balances that a product fixes, by bisection within bisection. */
export function nearestStable(r: Float64Array, D: number, A: number, v: Float64Array): Float64Array {
  const [n, u] = [r.length, r.map((a) => a / D)];
  const t = u.map((a, i) => a + v[i]! / D);
  const kappa = (s: Float64Array) => s.reduce((q, a) => q / (n * a), 1 / (A * n));
  const lacks = (s: Float64Array) => kappa(s) - kappa(u) - total(minus(s, u));
  if (t.every((a) => a > 0) && lacks(t) <= 0) return v;
  const balances = (nu: number, k: number) =>
    t.map((a) => {
      const [b, c] = [a + nu, nu * k];
      const root = Math.sqrt(b * b + 4 * c);
      return b > 0 ? (b + root) / 2 : (2 * c) / (root - b);
    });
  const at = (logNu: number) => {
    const nu = Math.exp(logNu);
    const k = crossing((l) => Math.log(kappa(balances(nu, Math.exp(l)))) - l, -60, 60);
    return balances(nu, Math.exp(k));
  };
  return combine(D, at(crossing((p) => lacks(at(p)), -80, 20)), -D, u);
}

/** What positions hold at √price S: each is a hyperbola between its ends. */
export function alongLiquidity(
  { sqrtPrices, liquidity }: { readonly sqrtPrices: readonly number[]; readonly liquidity: readonly number[] },
  S: number,
): Float64Array {
  const held = new Float64Array(2);
  liquidity.forEach((L, k) => {
    const [low, high] = [sqrtPrices[k]!, sqrtPrices[k + 1]!];
    const at = Math.min(Math.max(S, low), high);
    held[0]! += (L * (high - at)) / (at * high);
    held[1]! += L * (at - low);
  });
  return held;
}

/** Nearest reserves on the curve to reserves below it, where the chord is normal to it; undefined where they are above. */
export function onLiquidity(
  liquidity: { readonly sqrtPrices: readonly number[]; readonly liquidity: readonly number[] },
  t: Float64Array,
): Float64Array | undefined {
  const { sqrtPrices } = liquidity;
  const [first, last] = [Math.log(sqrtPrices[0]!), Math.log(sqrtPrices.at(-1)!)];
  const held = (u: number) => alongLiquidity(liquidity, Math.exp(u));
  const level = crossing((u) => held(u)[0]! - t[0]!, first, last);
  if (t[0]! >= 0 && t[1]! >= held(level)[1]!) return undefined;
  const nearest = held(crossing((u) => (held(u)[0]! - t[0]!) / Math.exp(2 * u) - (held(u)[1]! - t[1]!), first, last));
  return nearest.map((a, k) => Math.max(a, t[k]!));
}
