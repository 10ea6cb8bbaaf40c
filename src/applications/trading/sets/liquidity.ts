/** @file Concentrated liquidity in floats: what a pool's positions add up to. */

import { VouchError } from "../../../errors.js";
import { sqrtRatioAt } from "../markets/tick-math.js";
import type { UniswapV3Pool } from "../markets/uniswap-v3-contract.js";

/** What a pool's positions add up to: liquidity[k] while √price is between sqrtPrices[k] and sqrtPrices[k + 1]. */
export interface Liquidity {
  /** √(token 1 per token 0), ascending, > 0: one more than there are intervals. */
  readonly sqrtPrices: readonly number[];
  /** L ≥ 0 of each interval, √(token 0 · token 1). */
  readonly liquidity: readonly number[];
}

/**
 * The liquidity of a pool's ticks, with amounts counted in `units`: [1e18, 1e6] is whole WETH and USDC.
 *
 * @param units  base units of each token that count as 1, > 0; near each other in value, so that distances mean something
 * @throws data naming the pool unless it has two ticks or more
 */
export function liquidityOf({ address, ticks }: UniswapV3Pool, units: readonly [number, number]): Liquidity {
  if (ticks.length < 2) {
    throw new VouchError("data", {
      name: `liquidityOf: pool ${address}: ticks`,
      expected: "two initialized ticks or more",
      got: `${ticks.length}`,
      remedy: "Read the pool again.",
    });
  }
  const ratio = Math.sqrt(units[0] / units[1]);
  let held = 0n;
  const nets = ticks.slice(0, -1).map(({ net }) => {
    held += net;
    return Number(held) / Math.sqrt(units[0] * units[1]);
  });
  return { sqrtPrices: ticks.map(({ index }) => (Number(sqrtRatioAt(index)) / 2 ** 96) * ratio), liquidity: nets };
}

/** @throws data */
export function requireLiquidity({ sqrtPrices, liquidity }: Liquidity): void {
  const fail = (field: string, expected: string, got: unknown) => {
    const remedy = "liquidityOf reads it from a pool's ticks.";
    return new VouchError("data", { name: `liquiditySet: ${field}`, expected, got: `${got}`, remedy });
  };
  if (sqrtPrices.length !== liquidity.length + 1) {
    throw fail("sqrtPrices", `${liquidity.length + 1} of them`, sqrtPrices.length);
  }
  sqrtPrices.forEach((S, k) => {
    if (!(S > (sqrtPrices[k - 1] ?? 0) && Number.isFinite(S))) throw fail(`sqrtPrices[${k}]`, "ascending, > 0", S);
  });
  liquidity.forEach((L, k) => {
    if (!(L >= 0 && Number.isFinite(L))) throw fail(`liquidity[${k}]`, "a finite number ≥ 0", L);
  });
  if (!liquidity.some((L) => L > 0)) throw fail("liquidity", "some of it", "none");
}
