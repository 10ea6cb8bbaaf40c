/** @file Laws of markets: whole-number quotes, best trades, supports. */

import { describe, expect, it } from "vitest";
import { bestTrade } from "../../../src/applications/trading/best-trade.js";
import { lnFloor, proportional, sqrtFloor } from "../../../src/applications/trading/integers.js";
import { gammaOf, type Market } from "../../../src/applications/trading/market.js";
import { MAX_TICK, MIN_TICK, sqrtRatioAt, tickAt } from "../../../src/applications/trading/markets/tick-math.js";
import { VouchError } from "../../../src/errors.js";
import { type Random, random } from "../../../src/random.js";
import { marketCases, pool, tokensOf } from "../../cases/markets.js";

const RUNS = 40;
const vector = (count: number, at: Readonly<Record<number, bigint>>) =>
  Array.from({ length: count }, (_, k) => at[k] ?? 0n);

/** Two different tokens, and an amount from a base unit's thousandth of the reserve to a tenth of it. */
function drawSwap(market: Market, rng: Random) {
  const i = rng.integer(market.tokens.length);
  const j = (i + 1 + rng.integer(market.tokens.length - 1)) % market.tokens.length;
  const share = 10 ** (-1 - 5 * rng.uniform());
  return { i, j, x: BigInt(Math.max(1, Math.floor(Number(market.reserves[i]!) * share))) };
}

/** Prices near the pool's own: off by up to `spread` in logarithm. */
function drawPrices(market: Market, rng: Random, spread: number): Float64Array {
  const still = market.marginal(new Float64Array(market.tokens.length));
  return still.map((value) => value * Math.exp(spread * (2 * rng.uniform() - 1)));
}

describe.each(marketCases.map((row) => [`${row.factory}, ${row.title}`, row] as const))("%s", (_, row) => {
  const each = (law: (market: Market, rng: Random) => void) => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const rng = random(seed).fork(row.title);
      law(row.draw(rng), rng);
    }
  };
  const value = (prices: ArrayLike<number>, flow: ArrayLike<number>) =>
    Array.from(flow).reduce((sum, amount, k) => sum + prices[k]! * amount, 0);

  it("pays in whole numbers what the curve gives, never more", () => {
    let paid = 0;
    each((market, rng) => {
      const { i, j, x } = drawSwap(market, rng);
      const [exact, float] = [market.quoteExact(i, j, x), market.quote(i, j, Number(x))];
      expect(Number(exact)).toBeLessThanOrEqual(float * (1 + 1e-9) + 3);
      // Refused swaps of liquidity that is not there pay nothing.
      if (exact === 0n) return;
      paid++;
      // A contract may round the fee up by a unit of what is tendered, and its powers down.
      const least = market.quote(i, j, Math.max(0, Number(x) - 2)) * (1 - 1e-9);
      expect(Number(exact)).toBeGreaterThanOrEqual(least - 3 - row.thrift * Number(market.reserves[j]!));
    });
    expect(paid).toBeGreaterThan(RUNS / 2);
  });

  it("accepts what it pays and refuses more", () => {
    each((market, rng) => {
      const { i, j, x } = drawSwap(market, rng);
      const y = market.quoteExact(i, j, x);
      if (y === 0n) return;
      const count = market.tokens.length;
      expect(market.accepts(vector(count, { [i]: x }), vector(count, { [j]: y }))).toBe(true);
      const more = y + y / 10_000n + 5n + market.reserves[j]! / 10n ** 9n;
      expect(market.accepts(vector(count, { [i]: x }), vector(count, { [j]: more }))).toBe(false);
      expect(market.accepts(vector(count, {}), vector(count, { [j]: market.reserves[j]! + 1n }))).toBe(false);
    });
  });

  it("leaves no profit in going there and back, and no reserve negative", () => {
    each((market, rng) => {
      const { i, j, x } = drawSwap(market, rng);
      if (market.quoteExact(i, j, x) === 0n) return;
      const there = market.swap(i, j, x);
      expect(there.amountOut).toBe(market.quoteExact(i, j, x));
      expect(there.market.reserves.every((reserve) => reserve > 0n)).toBe(true);
      expect(there.market.quoteExact(j, i, there.amountOut)).toBeLessThanOrEqual(x);
    });
  });

  it("finds a trade that no swap at these prices beats, and that the pool accepts", () => {
    each((market, rng) => {
      const prices = drawPrices(market, rng, 0.05);
      const flow = market.best(prices);
      const best = value(prices, flow);
      const scale = market.reserves.reduce((sum, reserve, k) => sum + prices[k]! * Number(reserve), 0);
      expect(best).toBeGreaterThanOrEqual(0);
      for (let k = 0; k < 20; k++) {
        const { i, j, x } = drawSwap(market, rng);
        const gain = prices[j]! * Number(market.quoteExact(i, j, x)) - prices[i]! * Number(x);
        expect(gain).toBeLessThanOrEqual(best + 1e-7 * scale * (row.factory === "constantSum" ? 1 : 1e-3));
      }
      // A hair less for a hair more is accepted.
      const x = Array.from(flow, (amount) => (amount < 0 ? BigInt(Math.ceil(-amount * (1 + 1e-6))) + 10n : 0n));
      const y = Array.from(flow, (amount) => (amount > 0 ? BigInt(Math.floor(amount * (1 - 1e-6))) : 0n));
      expect(market.accepts(x, y)).toBe(true);
    });
  });

  it("trades exactly as far as its prices stay within the fee", () => {
    let traded = 0;
    each((market, rng) => {
      const prices = drawPrices(market, rng, 0.02);
      const flow = market.best(prices);
      const marginal = market.marginal(flow);
      const gamma = gammaOf(market.fee);
      const [low, high] = market.fee.on === "tendered" ? [1, 1 / gamma] : [gamma, 1];
      const k = flow.findIndex((amount) => amount !== 0);
      if (k < 0 || row.factory === "constantSum") return;
      // Ticks end: beyond the last there is nothing to be had at any price.
      traded++;
      const factor = (prices[k]! * (flow[k]! < 0 ? high : low)) / marginal[k]!;
      marginal.forEach((m, t) => {
        const g = (factor * m) / prices[t]!;
        expect(g).toBeGreaterThan(low * (1 - 1e-6));
        expect(g).toBeLessThan(high * (1 + 1e-6));
        if (flow[t]! < 0) expect(Math.abs(g / high - 1)).toBeLessThan(1e-6);
        if (flow[t]! > 0) expect(Math.abs(g / low - 1)).toBeLessThan(1e-6);
      });
    });
    if (row.factory !== "constantSum") expect(traded).toBeGreaterThan(RUNS / 4);
  });

  it("has a support no swap exceeds, which the best trade attains", () => {
    each((market, rng) => {
      const prices = drawPrices(market, rng, 0.05);
      const { numbers: nu, e } = proportional(prices);
      const [full, kept] = [market.fee.denominator, market.fee.denominator - market.fee.numerator];
      // Any g within the fee bounds every trade; the one of the best trade is tight.
      const g = nu.map((price) => (market.fee.on === "tendered" ? (price * full) / kept : price));
      const support = market.support(g);
      for (let k = 0; k < 20; k++) {
        const { i, j, x } = drawSwap(market, rng);
        expect(nu[j]! * market.quoteExact(i, j, x) - nu[i]! * x).toBeLessThanOrEqual(support);
      }
      const flow = market.best(prices);
      const marginal = market.marginal(flow);
      const t = flow.findIndex((amount) => amount !== 0);
      if (t < 0) return;
      const gamma = gammaOf(market.fee);
      const [low, high] = market.fee.on === "tendered" ? [1, 1 / gamma] : [gamma, 1];
      const factor = (prices[t]! * (flow[t]! < 0 ? high : low)) / marginal[t]!;
      const tight = proportional(
        prices.map((price, k) =>
          flow[k]! < 0
            ? price * high
            : flow[k]! > 0
              ? price * low
              : Math.min(price * high, Math.max(price * low, factor * marginal[k]!)),
        ),
      );
      const scale = market.reserves.reduce((sum, reserve, k) => sum + prices[k]! * Number(reserve), 0);
      const reached = Number(market.support(tight.numbers)) * 2 ** tight.e;
      expect(Number.isFinite(e)).toBe(true);
      expect(reached).toBeGreaterThanOrEqual(value(prices, flow) - 1e-10 * scale);
      expect(reached).toBeLessThanOrEqual(
        value(prices, flow) + 1e-7 * scale * (row.factory === "constantSum" ? 1 : 1e-4),
      );
    });
  });

  it("refuses what is no pool, naming the pool and the field", () => {
    const count = row.draw(random(1)).tokens.length;
    const good = tokensOf(count).map(({ decimals }) => 10_000n * 10n ** BigInt(decimals));
    const wrong: [string, Parameters<typeof row.make>[0]][] = [
      ["reserves[0]", { reserves: [0n, ...good.slice(1)] }],
      ["reserves[1]", { reserves: good.map((r, k) => (k === 1 ? 1n << 112n : r)) }],
      ["reserves[0]", { reserves: good.map((r, k) => (k === 0 ? -r : r)) }],
      ["reserves", { reserves: good.slice(1) }],
      ["tokens[1].decimals", { tokens: tokensOf(count).map((t, k) => (k === 1 ? { ...t, decimals: 0 } : t)) }],
      ["tokens[0].decimals", { tokens: tokensOf(count).map((t, k) => (k === 0 ? { ...t, decimals: 24 } : t)) }],
      ["tokens", { tokens: tokensOf(count).map((t) => ({ ...t, address: pool })) }],
      ["fee", { feeOfOne: true }],
    ];
    expect(row.make({}).reserves).toEqual(good);
    for (const [field, change] of wrong) {
      expect(() => row.make(change)).toThrow(VouchError);
      expect(() => row.make(change)).toThrow(`${row.factory}: pool ${pool}: ${field}: expected`);
    }
  });

  it("refuses prices that are none, and swaps that cannot be", () => {
    const market = row.make({});
    const ones = new Float64Array(market.tokens.length).fill(1);
    for (const bad of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) {
      expect(() => bestTrade(market, ones.with(1, bad))).toThrow(`bestTrade: pool ${pool}: prices[1]: expected`);
    }
    expect(bestTrade(market, ones)).toHaveLength(market.tokens.length);
    expect(() => market.swap(0, 0, 1n)).toThrow(VouchError);
    expect(() => market.swap(0, 1, 0n)).toThrow(VouchError);
    expect(() => market.swap(0, 1, 1n << 113n)).toThrow(VouchError);
    expect(market.quoteExact(0, 1, 1n << 113n)).toBe(0n);
  });
});

describe("whole numbers", () => {
  it("⌊√n⌋ and 2¹²⁸ ln(a/b) from below", () => {
    const rng = random(5);
    for (let k = 0; k < 200; k++) {
      const n = BigInt(Math.floor(rng.uniform() * 2 ** 53)) ** BigInt(1 + rng.integer(8));
      const root = sqrtFloor(n);
      expect(root * root <= n && (root + 1n) * (root + 1n) > n).toBe(true);
      const [a, b] = [BigInt(1 + rng.integer(2 ** 31)), BigInt(1 + rng.integer(2 ** 31))];
      const logarithm = Number(lnFloor(a, b)) / 2 ** 128;
      expect(Math.abs(logarithm - Math.log(Number(a) / Number(b)))).toBeLessThan(1e-13);
      expect(lnFloor(a, b) + lnFloor(b, a)).toBeLessThanOrEqual(0n);
      expect(lnFloor(a, b) + lnFloor(b, a)).toBeGreaterThan(-8n);
      expect(lnFloor(a * b, 1n) - lnFloor(a, 1n) - lnFloor(b, 1n)).toBeLessThan(8n);
    }
    expect(lnFloor(7n, 7n)).toBe(0n);
  });

  it("Uniswap v3's price of a tick, against the contract's published limits and values", () => {
    expect(sqrtRatioAt(MIN_TICK)).toBe(4295128739n);
    expect(sqrtRatioAt(MAX_TICK)).toBe(1461446703485210103287273052203988822378723970342n);
    expect(sqrtRatioAt(0)).toBe(1n << 96n);
    for (const tick of [-276324, -1, 0, 1, 50, 250, 80000]) {
      expect(Number(sqrtRatioAt(tick)) / 2 ** 96 / 1.0001 ** (tick / 2)).toBeCloseTo(1, 11);
      expect(tickAt(sqrtRatioAt(tick))).toBe(tick);
      expect(tickAt(sqrtRatioAt(tick) - 1n)).toBe(tick - 1);
    }
  });
});
