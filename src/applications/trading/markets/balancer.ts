/** @file Balancer: any number of tokens with weights, traded along their weighted geometric mean. */

import { dyadic, LN_BITS, lnFloor } from "../integers.js";
import { badPool, dot, type Fee, gammaOf, type Market, type PoolFields, requirePool, requireSwap } from "../market.js";
import { divDown, divUp, mulDown, mulUp, powUp } from "./fixed-point.js";

const ONE = 10n ** 18n;
/** One swap may tender at most three tenths of a reserve. */
const LARGEST_SHARE = (3n * ONE) / 10n;

export interface BalancerPool extends PoolFields {
  /** With 18 decimals, each > 0, together 10¹⁸. */
  readonly weights: readonly bigint[];
  /** Share of what is tendered, with 18 decimals. */
  readonly swapFee: bigint;
}

/**
 * φ(r) = Π rᵢ^wᵢ, with the whole numbers of Balancer v2's weighted pools.
 *
 *     out = rⱼ (1 − (rᵢ/(rᵢ + x'))^(wᵢ/wⱼ)), x' = x − ⌈x fee⌉, every rounding in the pool's favour
 *     best: rᵢ + γxᵢ − yᵢ = λwᵢ/gᵢ, gᵢ = λwᵢ/rᵢ clamped to [νᵢ, νᵢ/γ], λ the root of Σ wᵢ ln(λwᵢ/(gᵢrᵢ)) = 0
 *
 * @throws data naming the pool and field
 * @source Martinelli & Mushegian 2019, Balancer whitepaper; Balancer v2 WeightedMath._calcOutGivenIn; Heaton & Wu Fung 2023,
 * eq. (19)
 */
export function balancer(pool: BalancerPool): Market {
  const { address, tokens, reserves, weights, swapFee } = pool;
  const fee: Fee = { numerator: swapFee, denominator: ONE, on: "tendered" };
  requirePool("balancer", { address, tokens, reserves }, fee);
  if (weights.length !== tokens.length || weights.some((w) => w <= 0n) || weights.reduce((a, b) => a + b) !== ONE) {
    const expected = `${tokens.length} weights > 0 that sum to 10^18`;
    throw badPool("balancer", address, "weights", expected, weights.join(", "), "Give them with 18 decimals.");
  }
  const r = reserves.map(Number);
  const w = weights.map((weight) => Number(weight) / 1e18);
  const gamma = gammaOf(fee);
  const scale = tokens.map(({ decimals }) => 10n ** BigInt(18 - decimals));
  const limit = (i: number) => mulDown(reserves[i]!, LARGEST_SHARE);

  const quoteExact = (i: number, j: number, x: bigint) => {
    if (x <= 0n || x > limit(i)) return 0n;
    const entered = (x - mulUp(x, swapFee)) * scale[i]!;
    const balance = reserves[i]! * scale[i]!;
    const left = powUp(divUp(balance, balance + entered), divDown(weights[i]!, weights[j]!));
    return left >= ONE ? 0n : mulDown(reserves[j]! * scale[j]!, ONE - left) / scale[j]!;
  };
  const inside = (k: number, flow: number) => r[k]! - (flow < 0 ? gamma * flow : flow);
  const market: Market = {
    protocol: "balancer",
    ...{ address, tokens, reserves, fee },
    quote: (i, j, x) => -r[j]! * Math.expm1((-w[i]! / w[j]!) * Math.log1p((gamma * x) / r[i]!)),
    quoteExact,
    limit,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const amountOut = quoteExact(i, j, x);
      const after = reserves.map((v, k) => (k === i ? v + x : k === j ? v - amountOut : v));
      return { amountOut, market: balancer({ ...pool, reserves: after }) };
    },
    best(prices) {
      const level = levelOf(prices, r, w, gamma);
      return Float64Array.from(r, (reserve, k) => {
        // ln(s/r) = ln(λw/(gr)): what tenders has g = ν/γ, what is received g = ν.
        const received = level + Math.log(w[k]!) - Math.log(prices[k]! * reserve);
        if (received < 0) return -reserve * Math.expm1(received);
        const tendered = received + Math.log(gamma);
        return tendered > 0 ? (-reserve * Math.expm1(tendered)) / gamma : 0;
      });
    },
    marginal: (flow) => Float64Array.from(w, (weight, k) => weight / inside(k, flow[k]!)),
    support(g) {
      const worth = dot(g, reserves);
      const shares = reserves.map((reserve, k) => Number(g[k]! * reserve) / Number(worth));
      const { m, e } = dyadic(Math.exp(w.reduce((sum, weight, k) => sum + weight * Math.log(shares[k]! / weight), 0)));
      const guess = worth === 0n ? 0n : e < 0 ? (worth * m) >> BigInt(-e) : (worth * m) << BigInt(e);
      if (guess === 0n) return worth;
      // min ⟨g, s⟩ = λ ≥ λ'(1 + ln λ/λ') for any λ' > 0, ln λ = Σ w ln(g r/w).
      const logarithm = weights.reduce(
        (sum, weight, k) => sum + weight * lnFloor(g[k]! * reserves[k]! * ONE, guess * weight),
        0n,
      );
      const least = (guess * ((ONE << LN_BITS) + logarithm)) / (ONE << LN_BITS);
      return worth - (least < 0n ? 0n : least) + 1n;
    },
    accepts(x, y) {
      const s = reserves.map((v, k) => (v - y[k]!) * ONE + x[k]! * (ONE - swapFee));
      if (s.some((value) => value <= 0n) || reserves.some((v, k) => v + x[k]! - y[k]! < 0n)) return false;
      return weights.reduce((sum, weight, k) => sum + weight * lnFloor(s[k]!, reserves[k]! * ONE), 0n) >= 0n;
    },
  };
  return market;
}

/**
 * ln λ: the root of the nondecreasing, piecewise linear Σ wᵢ ln(sᵢ/rᵢ) with ln(sᵢ/rᵢ) = min(ln λ − aᵢ, 0) + max(ln λ − aᵢ + ln γ, 0)
 * and aᵢ = ln(νᵢrᵢ/wᵢ), by Newton's method, which ends on the right piece.
 */
function levelOf(prices: ArrayLike<number>, r: readonly number[], w: readonly number[], gamma: number): number {
  const a = r.map((reserve, k) => Math.log((prices[k]! * reserve) / w[k]!));
  const width = -Math.log(gamma);
  let [low, high] = [Math.min(...a), Math.max(...a) + width];
  if (Math.max(...a) - Math.min(...a) <= width) return Math.max(...a);
  let level = w.reduce((sum, weight, k) => sum + weight * a[k]!, 0) + width / 2;
  for (let step = 0; step < 100; step++) {
    let [value, slope] = [0, 0];
    w.forEach((weight, k) => {
      const below = level - a[k]!;
      if (below < 0 || below > width) {
        value += weight * (below < 0 ? below : below - width);
        slope += weight;
      }
    });
    if (value === 0) return level;
    if (value < 0) low = level;
    else high = level;
    const next = level - value / slope;
    if (Math.abs(next - level) <= 1e-15 * Math.abs(level)) return next;
    level = slope > 0 && next > low && next < high ? next : (low + high) / 2;
  }
  return level;
}
