/** @file Best execution over real Uniswap v2 pools: time, and the proven gap as a share of what is traded. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { dataFile } from "../cli/paths.js";
import { readPools } from "../src/applications/trading/pools.js";
import { connected } from "../src/applications/trading/router/network.js";
import { route } from "../src/applications/trading/router/route.js";
import type { Bench } from "./main.js";

const SIZES = [10, 100, 1000, 10_000];
/** Runs of each size after one that is not counted; the median is the figure. */
const RUNS = 5;
const USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
/** A million USDC. */
const SOLD = 10n ** 12n;

export const router: Bench = async (log) => {
  const bytes = await readFile(dataFile("trading", "uniswap_v2_pairs_2020-10.json"), "utf8");
  const { pools: all } = readPools(JSON.parse(bytes));
  const { pools: usable } = connected(all, WETH);
  const figures: Record<string, number> = {};
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
    figures[`pools_${size}`] = pools.length;
    figures[`ms_${size}`] = times[RUNS >> 1]!;
    figures[`gap_${size}`] = Number(plan.gap) / Number(plan.traded);
    figures[`swaps_${size}`] = plan.steps.length;
    log(
      `${size} pools: ${times[RUNS >> 1]!.toFixed(0)} ms, ${plan.steps.length} swaps, gap ${figures[`gap_${size}`]!.toExponential(1)} of what is traded`,
    );
  }
  const peer = await cvxpy();
  return { figures: { ...figures, speedup_1000: Number.NaN }, env: { peer } };
};

function run(pools: Parameters<typeof route>[0]) {
  return route(pools, { sell: { token: USDC, amount: SOLD }, buy: WETH, slippageBps: 50 });
}

/** Why there is no speedup: whether a peer is there at all. */
async function cvxpy(): Promise<string> {
  const found = await promisify(execFile)("python3", ["-c", "import cvxpy; print(cvxpy.__version__)"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  return found === undefined
    ? "none: neither cvxpy nor Julia is installed"
    : `cvxpy ${found} is installed, but has no formulation here`;
}
