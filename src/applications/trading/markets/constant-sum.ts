/** @file Constant sum: tokens exchanged at fixed rates until one runs out. */

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

export interface ConstantSumPool extends PoolFields {
  /** Value of a base unit of each token, whole numbers > 0 in any unit. */
  readonly rates: readonly bigint[];
  /** Share of what is tendered, in [0, 1). */
  readonly fee: { readonly numerator: bigint; readonly denominator: bigint };
}

/** Where the advantage of a token is below this, it is bought in proportion: prices alone then decide how much. */
const RAMP = 1e-7;

/**
 * φ(r) = Σ wᵢ rᵢ; a swap pays ⌊γx wᵢ/wⱼ⌋ and is refused if that would empty the reserve.
 *
 * best: the token with the least νᵢ/wᵢ is tendered for all of every token whose γνⱼ/wⱼ is larger; by less than 1e-7, relative, for
 * a part of it in proportion, which loses at most 1e-7 of that part's worth.
 *
 * @throws data naming the pool and field
 * @source Heaton & Wu Fung 2023, eq. (19)
 */
export function constantSum(pool: ConstantSumPool): Market {
  const { address, tokens, reserves, rates } = pool;
  const fee: Fee = { ...pool.fee, on: "tendered" };
  requirePool("constantSum", { address, tokens, reserves }, fee);
  if (rates.length !== tokens.length || rates.some((rate) => rate <= 0n)) {
    const expected = `${tokens.length} whole numbers > 0`;
    throw badPool("constantSum", address, "rates", expected, rates.join(", "), "Give the value of each base unit.");
  }
  const r = reserves.map(Number);
  const w = rates.map(Number);
  const gamma = gammaOf(fee);
  const kept = fee.denominator - fee.numerator;

  const quoteExact = (i: number, j: number, x: bigint) => {
    const out = x <= 0n ? 0n : (x * kept * rates[i]!) / (rates[j]! * fee.denominator);
    return out >= reserves[j]! || x > LARGEST - reserves[i]! ? 0n : out;
  };
  const market: Market = {
    protocol: "constant-sum",
    ...{ address, tokens, reserves, fee },
    quote: (i, j, x) => (gamma * x * w[i]!) / w[j]!,
    quoteExact,
    limit: (i) => LARGEST - reserves[i]!,
    swap(i, j, x) {
      requireSwap(market, i, j, x);
      const amountOut = quoteExact(i, j, x);
      if (amountOut === 0n) {
        const expected = `less than the ${reserves[j]} base units it holds`;
        throw badPool("constantSum.swap", address, "swap", expected, x, "Quote the swap before it is made.");
      }
      const after = reserves.map((v, k) => (k === i ? v + x : k === j ? v - amountOut : v));
      return { amountOut, market: constantSum({ ...pool, reserves: after }) };
    },
    best(prices) {
      const worth = w.map((rate, k) => prices[k]! / rate);
      const i = worth.indexOf(Math.min(...worth));
      const flow = Float64Array.from(r, (reserve, j) => {
        const advantage = (gamma * worth[j]!) / worth[i]! - 1;
        return advantage > 0 ? reserve * Math.min(1, advantage / RAMP) : 0;
      });
      const received = flow.reduce((sum, y, j) => sum + y * w[j]!, 0);
      flow[i] = received > 0 ? -received / (gamma * w[i]!) : 0;
      return flow;
    },
    marginal: () => Float64Array.from(w),
    support: (g) => supportOfHalfspace(g, rates, 0n, reserves),
    accepts: (x, y) =>
      reserves.every((v, k) => v + x[k]! - y[k]! >= 0n) &&
      rates.reduce((sum, rate, k) => sum + rate * (x[k]! * kept - y[k]! * fee.denominator), 0n) >= 0n,
  };
  return market;
}
