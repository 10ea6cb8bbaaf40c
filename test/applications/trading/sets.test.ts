/** @file Trading sets against an independent solver, the markets' own quotes, and central differences. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gammaOf } from "../../../src/applications/trading/market.js";
import { stableSwap } from "../../../src/applications/trading/markets/stable-swap.js";
import { uniswapV3 } from "../../../src/applications/trading/markets/uniswap-v3.js";
import { type Liquidity, liquidityOf } from "../../../src/applications/trading/sets/liquidity.js";
import { liquiditySet } from "../../../src/applications/trading/sets/liquidity-set.js";
import { stableSwapSet } from "../../../src/applications/trading/sets/stable-swap-set.js";
import { compile } from "../../../src/engine/session.js";
import { VouchError } from "../../../src/errors.js";
import { indicator } from "../../../src/functions/indicator.js";
import { linear } from "../../../src/functions/linear.js";
import { compileModel, define } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { affine } from "../../../src/sets/affine.js";
import { nonNegative } from "../../../src/sets/non-negative.js";
import { product } from "../../../src/sets/product.js";
import type { ConvexSet } from "../../../src/sets/set.js";
import { davisYin } from "../../../src/splitting/davis-yin.js";
import { type Feeds, interpret } from "../../../src/tensor/interpret.js";
import { sum } from "../../../src/tensor/primitives/broadcast.js";
import { mul } from "../../../src/tensor/primitives/elementwise.js";
import { constant, constant64, input } from "../../../src/tensor/primitives/leaf.js";
import { gradient } from "../../../src/tensor/vjp.js";
import { batchOf, moved } from "../../arrays.js";
import { pool, ticksAround, tokensOf } from "../../cases/markets.js";
import { SAMPLES } from "../../cases/sets.js";
import { tradingSetCases } from "../../cases/trading-sets.js";

interface Case {
  readonly v: readonly number[];
  readonly nearest: readonly number[];
}
interface Golden {
  readonly stableSwap: readonly {
    readonly amplification: number;
    readonly reserves: readonly number[];
    readonly cases: readonly Case[];
  }[];
  readonly liquidity: readonly { readonly sqrtPrice: number; readonly cases: readonly Case[] }[];
  readonly ticks: Liquidity;
}

const golden: Golden = JSON.parse(readFileSync(new URL("../../golden/trading-sets.json", import.meta.url), "utf8"));
const exact = (values: readonly number[]) => constant64(Float64Array.from(values), [1, values.length]);

/** P(v) and the distance of one v. */
function at(set: ConvexSet, v: readonly number[]) {
  const x = input("v", ["N", v.length]);
  const [p, d] = interpret([set.project(x), set.distance(x)], { v: { shape: [1, v.length], data: v } });
  return { p: Array.from(p!.data), d: d!.data[0]! };
}

describe("against scipy", () => {
  const agrees = (set: ConvexSet, cases: readonly Case[], error: number) => {
    for (const { v, nearest } of cases) {
      at(set, v).p.forEach((value, k) => {
        expect(Math.abs(value - nearest[k]!)).toBeLessThan(error);
      });
    }
  };
  it.each(golden.stableSwap)("StableSwap, A = $amplification", ({ amplification, reserves, cases }) => {
    expect(cases).toHaveLength(6);
    agrees(stableSwapSet(exact(reserves), amplification), cases, 1e-10);
  });
  // A minimum found by its value is known to the square root of rounding.
  it.each(golden.liquidity)("ticks, √price $sqrtPrice", ({ sqrtPrice, cases }) => {
    expect(cases).toHaveLength(9);
    agrees(liquiditySet(exact([sqrtPrice]), golden.ticks), cases, 3e-7);
  });
});

describe("against the markets' quotes: what a swap pays is on the boundary, a hair more is outside, a hair less inside", () => {
  const onBoundary = (set: ConvexSet, v: readonly number[], j: number) => {
    const by = (share: number) => v.map((a, k) => (k === j ? a * share : a));
    expect(at(set, v).d).toBeLessThan(1e-8);
    expect(at(set, by(1.001)).d).toBeGreaterThan(1e-6);
    expect(at(set, by(0.999))).toEqual({ p: by(0.999), d: 0 });
  };
  it("StableSwap", () => {
    const rng = random(3);
    const tokens = tokensOf(3);
    for (let run = 0; run < 10; run++) {
      const whole = tokens.map(() => 0.5 + rng.uniform());
      const unit = tokens.map(({ decimals }) => 10 ** decimals);
      const reserves = whole.map((a, k) => BigInt(Math.round(a * 1e6 * unit[k]!)));
      const market = stableSwap({ address: pool, tokens, reserves, amplification: 300n, fee: 4_000_000n });
      const set = stableSwapSet(exact(whole), 300);
      const [i, j] = [1 + rng.integer(2), 0];
      const x = 0.05 + 0.2 * rng.uniform();
      const out = market.quote(i, j, x * 1e6 * unit[i]!) / (1e6 * unit[j]!) / gammaOf(market.fee);
      onBoundary(
        set,
        whole.map((_, k) => (k === i ? x : k === j ? -out : 0)),
        j,
      );
    }
  });
  it("Uniswap v3", () => {
    const rng = random(4);
    for (let run = 0; run < 10; run++) {
      const range = ticksAround(rng, 6, 60);
      const tokens = tokensOf(2);
      const given = { address: pool, tokens, fee: 3000, ...range };
      const market = uniswapV3(given);
      const units = [Number(range.reserves[0]), Number(range.reserves[1])] as const;
      const S = (Number(range.sqrtPriceX96) / 2 ** 96) * Math.sqrt(units[0] / units[1]);
      const set = liquiditySet(exact([S]), liquidityOf(given, units));
      for (const i of [0, 1]) {
        const x = 0.1 + 0.3 * rng.uniform();
        const out = market.quote(i, 1 - i, (x * units[i]!) / gammaOf(market.fee)) / units[1 - i]!;
        onBoundary(set, i === 0 ? [x, -out] : [-out, x], 1 - i);
      }
    }
  });
  it("nothing but no trade is free, and no more than there is can be had", () => {
    const set = liquiditySet(exact([1]), golden.ticks);
    expect(at(set, [0, 0]).d).toBeLessThan(1e-15);
    expect(at(set, [-1e-3, 0]).d).toBeGreaterThan(1e-4);
    expect(at(set, [-1e3, 1e6]).d).toBeGreaterThan(900);
    expect(at(stableSwapSet(exact([1, 1]), 100), [-1, 1e6]).d).toBeGreaterThan(0);
    expect(at(stableSwapSet(exact([1, 1]), 100), [-0.99, 1e6]).d).toBe(0);
  });
});

describe("in a splitting", () => {
  /** y − x that Davis–Yin finds for max ⟨prices, y − x⟩ s.t. v in the set, v = in x − out y, x, y ≥ 0. */
  async function bestBySplitting(set: ConvexSet, prices: readonly number[], entering: number, leaving: number) {
    const n = prices.length;
    const rows = prices.flatMap((_, i) =>
      Array.from({ length: 3 * n }, (_, k) => (k % n === i ? [entering, -leaving, -1][Math.floor(k / n)]! : 0)),
    );
    const model = define({
      name: "best trade",
      params: {},
      data: { c: ["N", 3 * n] },
      problem: (_, { c }) => ({
        worth: { smooth: linear(c!) },
        acceptance: {
          prox: indicator(
            product([
              { length: 2 * n, set: nonNegative() },
              { length: n, set },
            ]),
          ),
        },
        balance: { prox: indicator(affine({ shape: [n, 3 * n], data: rows }, constant(new Float32Array(n)))) },
      }),
      split: (problem) => davisYin(problem, { alpha: 0.3 }),
    });
    await using compiled = await compileModel(model, model.initialWeights());
    const c = Float32Array.from([...prices, ...prices.map((p) => -p), ...prices.map(() => 0)]);
    const data = { c: { shape: [1, 3 * n], data: c } };
    const { x, status } = await compiled.solve(data, { tolerance: 1e-6, maxSteps: 20_000 });
    expect([...status]).toEqual(["converged"]);
    return prices.map((_, k) => x.data[n + k]! - x.data[k]!);
  }

  it("StableSwap's gives the market's best trade", async () => {
    const tokens = tokensOf(3);
    const whole = [1, 0.7, 1.4];
    const unit = tokens.map(({ decimals }) => 1e6 * 10 ** decimals);
    const reserves = whole.map((a, k) => BigInt(Math.round(a * unit[k]!)));
    const market = stableSwap({ address: pool, tokens, reserves, amplification: 20n, fee: 40_000_000n });
    const prices = [1, 0.93, 1.1];
    const best = market.best(prices.map((p, k) => p / unit[k]!)).map((a, k) => a / unit[k]!);
    expect(Math.max(...best)).toBeGreaterThan(0.1);
    const found = await bestBySplitting(stableSwapSet(exact(whole), 20), prices, 1, 1 / gammaOf(market.fee));
    found.forEach((a, k) => {
      expect(Math.abs(a - best[k]!)).toBeLessThan(1e-3);
    });
  });

  it("Uniswap v3's gives the market's best trade", async () => {
    const range = ticksAround(random(8), 6, 60);
    const given = { address: pool, tokens: tokensOf(2), fee: 3000, ...range };
    const market = uniswapV3(given);
    const units = [Number(range.reserves[0]), Number(range.reserves[1])] as const;
    const S = (Number(range.sqrtPriceX96) / 2 ** 96) * Math.sqrt(units[0] / units[1]);
    const prices = [1.03 * S * S, 1];
    const best = market.best(prices.map((p, k) => p / units[k]!)).map((a, k) => a / units[k]!);
    expect(Math.max(...best)).toBeGreaterThan(0.1);
    const set = liquiditySet(exact([S]), liquidityOf(given, units));
    const found = await bestBySplitting(set, prices, gammaOf(market.fee), 1);
    found.forEach((a, k) => {
      expect(Math.abs(a - best[k]!)).toBeLessThan(1e-3);
    });
  });
});

describe.each(tradingSetCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const v = input("v", row.shape);
  const m = row.shape[1] as number;
  const loss = sum(mul(row.build().project(v), constant([3, -1, 2, 0.5].slice(0, m), [1, m])));
  const [slope] = gradient(loss, [v]);

  it("has the gradient of its projection", () => {
    for (const seed of [21, 22, 23, 24]) {
      const feeds = { ...row.feeds, v: batchOf(row.shape, SAMPLES, seed, 1) };
      interpret([slope!], feeds)[0]!.data.forEach((value, k) => {
        const [up, down] = [1e-5, -1e-5].map((h) => interpret([loss], moved(feeds, "v", k, h))[0]!.data[0]!);
        expect(Math.abs(value - (up! - down!) / 2e-5)).toBeLessThan(1e-6);
      });
    }
  });

  it("has it in float32", async () => {
    await using session = await compile([slope!], { threads: 1 });
    const single = ({ shape, data }: Feeds[string]) => ({ shape, data: Float32Array.from(data) });
    const given = Object.fromEntries(Object.entries(row.feeds).map(([name, feed]) => [name, single(feed)]));
    for (const seed of [21, 22, 23, 24]) {
      const feeds = { ...given, v: single(batchOf(row.shape, SAMPLES, seed, 1)) };
      const [expected] = interpret([slope!], feeds);
      const [found] = await session.run(feeds);
      expected!.data.forEach((value, k) => {
        expect(Math.abs(found!.data[k]! - value)).toBeLessThan(1e-3);
      });
    }
  });
});

describe("what is no pool is refused by name", () => {
  const S = constant(1, [1, 1]);
  const wrong: [string, () => unknown][] = [
    ["stableSwapSet", () => stableSwapSet(constant([1, 1], [1, 2]), 0)],
    ["stableSwapSet", () => stableSwapSet(constant([1, 1], [1, 2]), Number.NaN)],
    ["stableSwapSet", () => stableSwapSet(constant([1], [1, 1]), 10)],
    ["stableSwapSet", () => stableSwapSet(constant([1, 1]), 10)],
    ["liquiditySet", () => liquiditySet(constant([1, 1], [1, 2]), golden.ticks)],
    ["liquiditySet: sqrtPrices", () => liquiditySet(S, { sqrtPrices: [1], liquidity: [1] })],
    ["liquiditySet: sqrtPrices\\[1\\]", () => liquiditySet(S, { sqrtPrices: [2, 1], liquidity: [1] })],
    ["liquiditySet: sqrtPrices\\[0\\]", () => liquiditySet(S, { sqrtPrices: [0, 1], liquidity: [1] })],
    ["liquiditySet: liquidity\\[0\\]", () => liquiditySet(S, { sqrtPrices: [1, 2], liquidity: [-1] })],
    ["liquiditySet: liquidity\\[0\\]", () => liquiditySet(S, { sqrtPrices: [1, 2], liquidity: [Number.NaN] })],
    ["liquiditySet: liquidity", () => liquiditySet(S, { sqrtPrices: [1, 2], liquidity: [0] })],
    ["liquidityOf: pool .*: ticks", () => liquidityOf({ address: pool, ticks: [] } as never, [1, 1])],
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });
});
