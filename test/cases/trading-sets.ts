/** @file The table of trading sets: how each is built, and its nearest points, by bisection along the curve. */

import type { Liquidity } from "../../src/applications/trading/sets/liquidity.js";
import { liquiditySet } from "../../src/applications/trading/sets/liquidity-set.js";
import { stableSwapSet } from "../../src/applications/trading/sets/stable-swap-set.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { alongLiquidity, invariantOf, nearestStable, onLiquidity } from "../projections.js";
import type { SetCase } from "./sets.js";

const column = (values: readonly number[]) => ({ shape: [values.length, 1], data: Float64Array.from(values) });
const noSupport = "a market's own bounds trades in whole numbers";

function stableCase(title: string, reserves: readonly (readonly number[])[], amplification: number): SetCase {
  const n = reserves[0]!.length;
  const given = reserves.map((row) => Float64Array.from(row));
  const levels = given.map((r) => invariantOf(r, amplification));
  const nearest = (v: Float64Array, k: number) => nearestStable(given[k]!, levels[k]!, amplification, v);
  return {
    factory: "stableSwapSet",
    title,
    shape: ["N", n],
    build: () => stableSwapSet(input("r", ["N", n]), amplification),
    feeds: { r: { shape: [reserves.length, n], data: Float64Array.from(reserves.flat()) } },
    member: nearest,
    nearest,
    centre: () => new Float64Array(n).fill(1),
    bounded: new Float64Array(n).fill(-1),
    noSupport,
  };
}

/** Intervals of several liquidities, one without any, and one so wide that Newton's method alone would crawl. */
export const rugged: Liquidity = {
  sqrtPrices: [0.02, 0.7, 0.9, 0.98, 1.05, 1.1, 1.3, 1.32, 4],
  liquidity: [0.3, 1, 4, 6, 0, 2, 8, 0.5],
};
export const everywhere: Liquidity = { sqrtPrices: [1e-4, 1e4], liquidity: [2] };

function liquidityCase(title: string, liquidity: Liquidity, prices: readonly number[] | number): SetCase {
  const of = (k: number) => (typeof prices === "number" ? prices : prices[k]!);
  const nearest = (v: Float64Array, k: number) => {
    const r = alongLiquidity(liquidity, of(k));
    const p = onLiquidity(liquidity, Float64Array.of(r[0]! + v[0]!, r[1]! + v[1]!));
    return p === undefined ? v : Float64Array.of(p[0]! - r[0]!, p[1]! - r[1]!);
  };
  return {
    factory: "liquiditySet",
    title,
    shape: ["N", 2],
    build: () => liquiditySet(typeof prices === "number" ? constant(prices, [1, 1]) : input("S", ["N", 1]), liquidity),
    feeds: typeof prices === "number" ? {} : { S: column(prices) },
    member: nearest,
    nearest,
    centre: () => Float64Array.of(1, 1),
    bounded: Float64Array.of(-1, -1),
    noSupport,
  };
}

export const tradingSetCases: readonly SetCase[] = [
  stableCase(
    "of two tokens, A = 100",
    [
      [1, 1.25],
      [2, 0.75],
      [0.5, 0.5],
    ],
    100,
  ),
  stableCase(
    "of three tokens, A = 2000",
    [
      [1, 1, 1],
      [0.25, 2, 1.5],
      [0.0625, 1, 0.5],
    ],
    2000,
  ),
  stableCase(
    "of four tokens, A = 1",
    [
      [1, 0.5, 0.75, 2],
      [0.125, 1, 1, 1],
      [1, 1.5, 0.25, 0.5],
    ],
    1,
  ),
  liquidityCase("of eight intervals", rugged, [1, 1.0625, 0.5]),
  liquidityCase("of a price at a tick's end", rugged, 4),
  liquidityCase("of one wide interval", everywhere, [1, 0.75, 3]),
];
