/** @file StableSwap (Curve): tokens of nearly one value, traded along a curve between a constant sum and a constant product. */

import {
  badPool,
  type Fee,
  gammaOf,
  LARGEST,
  type Market,
  type PoolFields,
  requirePool,
  requireSwap,
  supportOfHalfspace,
} from "../market.js";

export interface StableSwapPool extends PoolFields {
  /** A() of the contract, a whole number ≥ 1. */
  readonly amplification: bigint;
  /** Share of what is received, in 10⁻¹⁰; 4,000,000 is 0.04 %. */
  readonly fee: bigint;
  /** Share of the fee that leaves the pool, in 10⁻¹⁰; half of it by default. */
  readonly adminFee?: bigint;
  /** Digits kept of A: 100 in Curve's later contracts (the default), 1 in the first, as 3pool's. */
  readonly precision?: 1n | 100n;
}

const FEE_UNIT = 10n ** 10n;
const NEWTON_STEPS = 255;
/** Halvings of a bracket: more than float64 has digits. */
const HALVINGS = 64;
/** What a swap may pay beyond the curve, in 18-decimal units: Newton's y is within 2 of the root, and the fee is rounded down. */
const ROUNDING = 3n;

/**
 * φ = the D with Ann Σxᵢ + D = Ann D + D^{n+1}/(nⁿ Πxᵢ), Ann = A n, x in 18 decimals, with the whole numbers of Curve's exchange.
 *
 *     out = (xⱼ − y − 1) less ⌊its fee⌋, y Newton's root for D and xᵢ + x
 *     best: gᵢ = θ (Ann + q/sᵢ), q = D^{n+1}/(nⁿ Πsᵢ), γνᵢ ≤ gᵢ ≤ νᵢ: two nested monotone equations in θ and q
 *
 * @throws data naming the pool and field
 * @source Egorov 2019, StableSwap; Curve's StableSwap.vy, get_D, get_y, exchange
 */
export function stableSwap(pool: StableSwapPool): Market {
  const { address, tokens, reserves, amplification, adminFee = FEE_UNIT / 2n, precision = 100n } = pool;
  const fee: Fee = { numerator: pool.fee, denominator: FEE_UNIT, on: "received" };
  requirePool("stableSwap", { address, tokens, reserves }, fee);
  if (amplification < 1n || amplification > 1_000_000n) {
    const expected = "a whole number from 1 to 10^6";
    throw badPool("stableSwap", address, "amplification", expected, amplification, "Give A() of the contract.");
  }
  const count = tokens.length;
  const n = BigInt(count);
  const nn = n ** n;
  const Ann = amplification * precision * n;
  const scale = tokens.map(({ decimals }) => 10n ** BigInt(18 - decimals));
  const xp = reserves.map((reserve, k) => reserve * scale[k]!);
  const D = invariant(xp, Ann, precision);
  if (D === undefined)
    throw badPool("stableSwap", address, "reserves", "reserves that have a D", xp.join(", "), "Read them again.");
  const ann = Number(amplification * n);
  const u = xp.map((x) => Number(x) / Number(D));
  const unit = scale.map((s) => Number(D) / Number(s));
  const gamma = gammaOf(fee);

  const curve = (i: number, j: number, x: bigint) => {
    const y = balance(xp, i, j, xp[i]! + x * scale[i]!, D, Ann, precision);
    const gross = y === undefined ? 0n : xp[j]! - y - 1n;
    const charged = gross <= 0n ? 0n : (gross * pool.fee) / FEE_UNIT;
    return { amountOut: gross <= 0n ? 0n : (gross - charged) / scale[j]!, charged };
  };
  const quoteExact = (i: number, j: number, x: bigint) =>
    x <= 0n || x > market.limit(i) ? 0n : curve(i, j, x).amountOut;
  const market: Market = {
    protocol: "stable-swap",
    ...{ address, tokens, reserves, fee },
    quote(i, j, x) {
      const s = u.map((value, k) => (k === i ? value + x / unit[i]! : value));
      return gamma * unit[j]! * (u[j]! - root(s, j, ann));
    },
    quoteExact,
    limit: (i) => LARGEST - reserves[i]!,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const { amountOut, charged } = curve(i, j, x);
      const kept = (charged * adminFee) / FEE_UNIT / scale[j]!;
      const after = reserves.map((v, k) => (k === i ? v + x : k === j ? v - amountOut - kept : v));
      return { amountOut, market: stableSwap({ ...pool, reserves: after }) };
    },
    best(prices) {
      const s = target(
        Float64Array.from(unit, (value, k) => value * prices[k]!),
        u,
        ann,
        gamma,
      );
      return Float64Array.from(s, (value, k) => (u[k]! - value) * unit[k]! * (value < u[k]! ? gamma : 1));
    },
    marginal(flow) {
      const s = u.map((value, k) => value - flow[k]! / unit[k]! / (flow[k]! > 0 ? gamma : 1));
      const q = quotient(s);
      return Float64Array.from(s, (value, k) => (ann + q / value) / unit[k]!);
    },
    support(g) {
      const prices = Float64Array.from(g, (value, k) => Number(value) * unit[k]!);
      const s = Array.from(target(prices, u, ann, 1), (value) => BigInt(Math.max(1, Math.round(value * Number(D)))));
      const product = s.reduce((a, b) => a * b);
      // The tangent at s of the concave Ann Σs − p D^{n+1}/(nⁿ Πs) ≥ (Ann − p) D, times nⁿ (Πs)².
      const [linear, hyperbolic] = [Ann * nn * product ** 2n, precision * D ** (n + 1n)];
      const h = s.map((value, k) => (linear + hyperbolic * (product / value)) * scale[k]!);
      const offset = (Ann - precision) * D * nn * product ** 2n + (n + 1n) * hyperbolic * product;
      const worth = h.reduce((sum, value, k) => sum + value * reserves[k]!, 0n);
      const beyond = g.reduce((sum, value, k) => sum + (value * ROUNDING) / scale[k]! + 1n, 0n);
      return supportOfHalfspace(g, h, worth > offset ? worth - offset : 0n, reserves) + beyond;
    },
    accepts(x, y) {
      if (reserves.some((v, k) => v + x[k]! - y[k]! < 0n)) return false;
      const kept = FEE_UNIT - pool.fee;
      const free = (out: bigint) => (out > ROUNDING ? out - ROUNDING : 0n);
      const s = xp.map((v, k) => (v + x[k]! * scale[k]!) * kept - free(y[k]! * scale[k]!) * FEE_UNIT);
      if (s.some((value) => value <= 0n)) return false;
      const product = s.reduce((a, b) => a * b);
      const total = s.reduce((a, b) => a + b);
      return (Ann * total - (Ann - precision) * D * kept) * nn * product >= precision * (D * kept) ** (n + 1n);
    },
  };
  return market;
}

/** D of balances in 18 decimals, Newton's method as the contract runs it; undefined where that does not settle. */
function invariant(xp: readonly bigint[], Ann: bigint, precision: bigint): bigint | undefined {
  const n = BigInt(xp.length);
  const sum = xp.reduce((a, b) => a + b);
  let D = sum;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const power = xp.reduce((product, x) => (product * D) / (x * n), D);
    const next = (((Ann * sum) / precision + power * n) * D) / (((Ann - precision) * D) / precision + (n + 1n) * power);
    if (next - D <= 1n && D - next <= 1n) return next;
    D = next;
  }
  return undefined;
}

/** Balance of j that keeps D when i has x, as the contract finds it; undefined where Newton's method does not settle. */
function balance(
  xp: readonly bigint[],
  i: number,
  j: number,
  x: bigint,
  D: bigint,
  Ann: bigint,
  precision: bigint,
): bigint | undefined {
  const n = BigInt(xp.length);
  let [c, sum] = [D, 0n];
  xp.forEach((value, k) => {
    if (k === j) return;
    const held = k === i ? x : value;
    sum += held;
    c = (c * D) / (held * n);
  });
  c = (c * D * precision) / (Ann * n);
  const b = sum + (D * precision) / Ann;
  let y = D;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const next = (y * y + c) / (2n * y + b - D);
    if (next - y <= 1n && y - next <= 1n) return next;
    y = next;
  }
  return undefined;
}

/** q = 1/(nⁿ Πs) for balances in units of D. */
function quotient(s: ArrayLike<number>): number {
  return Array.from(s).reduce((q, value) => q / (value * s.length), 1);
}

/** The positive root s_j of ann Σs − q(s) = ann − 1, the others given: s_j² + b s_j = c. */
function root(s: readonly number[], j: number, ann: number): number {
  const others = s.filter((_, k) => k !== j);
  const b = others.reduce((a, value) => a + value, 0) + (1 - ann) / ann;
  const c = others.reduce((product, value) => product / (value * s.length), 1 / (ann * s.length));
  const discriminant = Math.sqrt(b * b + 4 * c);
  return b > 0 ? (2 * c) / (discriminant + b) : (discriminant - b) / 2;
}

/**
 * Balances in units of D after the best trade at these prices of a unit of D: with gᵢ = θ(ann + q/sᵢ) = νᵢ where sᵢ > uᵢ,
 * γνᵢ where sᵢ < uᵢ, and between where it stays; q and θ such that ann Σs − q = ann − 1 and q nⁿ Πs = 1.
 */
function target(nu: ArrayLike<number>, u: readonly number[], ann: number, gamma: number): Float64Array {
  const held = Float64Array.from(u);
  const q0 = quotient(u);
  const ratios = u.map((value, k) => nu[k]! / (ann + q0 / value));
  if (gamma * Math.max(...ratios) <= Math.min(...ratios)) return held;
  const at = (theta: number, q: number) =>
    held.map((value, k) => {
      const rate = theta * (ann + q / value);
      const g = rate > nu[k]! ? nu[k]! : rate < gamma * nu[k]! ? gamma * nu[k]! : undefined;
      return g === undefined ? value : q / Math.max(g / theta - ann, Number.MIN_VALUE);
    });
  const solve = (q: number) => {
    const wanted = (ann - 1 + q) / ann;
    const theta = bisect(
      1e-30 * Math.min(...ratios),
      Math.min(...Array.from(nu)) / ann,
      (t) => at(t, q).reduce((a, b) => a + b, 0) < wanted,
    );
    return at(theta, q);
  };
  return solve(bisect(0.5, 1e30, (q) => q < quotient(solve(q))));
}

/** The point of [low, high], positive, up to which `below` holds, halving the interval of logarithms. */
function bisect(low: number, high: number, below: (value: number) => boolean): number {
  let [a, b] = [Math.log(low), Math.log(high)];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (a + b) / 2;
    if (below(Math.exp(middle))) a = middle;
    else b = middle;
  }
  return Math.exp((a + b) / 2);
}
