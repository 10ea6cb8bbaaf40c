/** @file Best execution over real Uniswap v2 pools: time, and the proven gap as a share of what is traded. */

import { readFile } from "node:fs/promises";
import { dataFile } from "../cli/paths.js";
import { readPools } from "../src/applications/trading/pools.js";
import { connected } from "../src/applications/trading/router/network.js";
import { route } from "../src/applications/trading/router/route.js";
import type { Bench } from "./main.js";
import { compareToPeer } from "./router-peer.js";

const SIZES = [10, 100, 1000, 10_000];
/** Runs of each size after one that is not counted; the median is the figure. */
const RUNS = 5;
/** Size at which the peer solves as well. */
const COMPARED = 1000;
const USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
/** A million USDC. */
const SOLD = 10n ** 12n;

export const router: Bench = async (log) => {
  const bytes = await readFile(dataFile("trading", "uniswap_v2_pairs_2020-10.json"), "utf8");
  const { pools: all } = readPools(JSON.parse(bytes));
  const { pools: usable } = connected(all, WETH);
  const figures: Record<string, number | null> = {};
  const env: Record<string, string> = {};
  for (const size of SIZES) {
    const { pools } = connected(usable.slice(0, size), WETH);
    const times: number[] = [];
    let plan = run(pools);
    for (let k = 0; k < RUNS; k++) {
      const started = performance.now();
      plan = run(pools);
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const ms = times[RUNS >> 1]!;
    const gap = Number(plan.gap) / Number(plan.traded);
    figures[`pools_${size}`] = pools.length;
    figures[`ms_${size}`] = ms;
    figures[`gap_${size}`] = gap;
    figures[`swaps_${size}`] = plan.steps.length;
    log(
      `${size} pools: ${ms.toFixed(0)} ms, ${plan.steps.length} swaps, gap ${gap.toExponential(1)} of what is traded`,
    );
    if (size !== COMPARED) continue;
    const { figures: compared, peer } = await compareToPeer(pools, plan, run);
    Object.assign(figures, compared);
    env["peer"] = peer;
    log(`peer: ${peer}`);
  }
  figures["growth_10000"] = figures["ms_10000"]! / figures["ms_1000"]!;
  return { figures, env };
};

function run(pools: Parameters<typeof route>[0]) {
  return route(pools, { sell: { token: USDC, amount: SOLD }, buy: WETH, slippageBps: 50 });
}
