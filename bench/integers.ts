/** @file Whole numbers of every protocol: quotes against an independent implementation, round trips, and plans that execute. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Market, Token } from "../src/applications/trading/market.js";
import { balancer } from "../src/applications/trading/markets/balancer.js";
import { constantSum } from "../src/applications/trading/markets/constant-sum.js";
import { stableSwap } from "../src/applications/trading/markets/stable-swap.js";
import { amount0, amount1, sqrtRatioAt } from "../src/applications/trading/markets/tick-math.js";
import { uniswapV2 } from "../src/applications/trading/markets/uniswap-v2.js";
import { uniswapV3 } from "../src/applications/trading/markets/uniswap-v3.js";
import { execute } from "../src/applications/trading/router/execute.js";
import { route } from "../src/applications/trading/router/route.js";
import { VouchError } from "../src/errors.js";
import { type Random, random } from "../src/random.js";
import type { Bench } from "./main.js";

/** Swaps of each kind of pool. */
const SWAPS = 100_000;
/** Swaps of one random pool. */
const A_POOL = 20;
/** Swaps planned by the router, of each kind. */
const PLANS = 1000;
const WAD = 10n ** 18n;
const address = (k: number) => `0x${k.toString(16).padStart(40, "0")}` as const;

/** A pool, and what the independent implementation is told of a swap with it. */
interface Case {
  readonly market: Market;
  told(i: number, j: number, x: bigint): unknown[];
}

const tokens = (decimals: readonly number[]): Token[] =>
  decimals.map((value, k) => ({ address: address(k + 1), symbol: `T${k}`, decimals: value }));
const whole = (value: number) => BigInt(Math.max(1, Math.floor(value)));
const held = (rng: Random, decimals: readonly number[], spread: number) =>
  decimals.map((d) => whole(10 ** (d + 3 + spread * rng.uniform())));
const scales = (decimals: readonly number[]) => decimals.map((d) => 10n ** BigInt(18 - d));
const some = (rng: Random, count: number) => Array.from({ length: count }, () => [6, 8, 18, 18][rng.integer(4)]!);

const kinds: Readonly<Record<string, (rng: Random) => Case>> = {
  "uniswap-v2": (rng) => {
    const decimals = [18, 18];
    const reserves = held(rng, decimals, 4);
    const market = uniswapV2({ address: address(99), tokens: tokens(decimals), reserves });
    return { market, told: (i, j, x) => [x, reserves[i], reserves[j]] };
  },
  balancer: (rng) => {
    const decimals = some(rng, 2 + rng.integer(3));
    const reserves = held(rng, decimals, 4);
    const shares = decimals.map(() => BigInt(1 + rng.integer(9)));
    const total = shares.reduce((a, b) => a + b);
    const weights = shares.map((share) => (share * WAD) / total);
    weights[0]! += WAD - weights.reduce((a, b) => a + b);
    const swapFee = BigInt(1 + rng.integer(1000)) * 10n ** 13n;
    const market = balancer({ address: address(99), tokens: tokens(decimals), reserves, weights, swapFee });
    const s = scales(decimals);
    return { market, told: (i, j, x) => [x, reserves[i], reserves[j], s[i], s[j], weights[i], weights[j], swapFee] };
  },
  "constant-sum": (rng) => {
    const decimals = some(rng, 2 + rng.integer(2));
    const reserves = held(rng, decimals, 2);
    const rates = scales(decimals);
    const fee = { numerator: BigInt(rng.integer(100)), denominator: 10_000n };
    const market = constantSum({ address: address(99), tokens: tokens(decimals), reserves, rates, fee });
    return { market, told: (i, j, x) => [x, rates[i], rates[j], fee.numerator, fee.denominator] };
  },
  "stable-swap": (rng) => {
    const decimals = some(rng, 2 + rng.integer(3));
    const reserves = held(rng, decimals, 1);
    const [amplification, fee] = [BigInt(10 + rng.integer(5000)), BigInt(rng.integer(10_000_000))];
    const precision = rng.integer(2) === 0 ? 1n : 100n;
    const market = stableSwap({
      address: address(99),
      tokens: tokens(decimals),
      reserves,
      amplification,
      fee,
      precision,
    });
    return { market, told: (i, j, x) => [i, j, x, reserves, scales(decimals), amplification, precision, fee] };
  },
  "uniswap-v3": (rng) => {
    const [fee, tickSpacing] = (
      [
        [500, 10],
        [3000, 60],
        [10000, 200],
      ] as const
    )[rng.integer(3)]!;
    const middle = rng.integer(200_000) - 100_000;
    const nets = new Map<number, bigint>();
    const price = sqrtRatioAt(middle) + BigInt(rng.integer(1000));
    const reserves = [1n, 1n];
    let liquidity = 0n;
    for (let k = 0; k < 8; k++) {
      const low = Math.floor((middle - 1 - rng.integer(8000)) / tickSpacing) * tickSpacing;
      const high = Math.ceil((middle + 2 + rng.integer(8000)) / tickSpacing) * tickSpacing;
      const amount = whole(10 ** (18 + 4 * rng.uniform()));
      nets.set(low, (nets.get(low) ?? 0n) + amount);
      nets.set(high, (nets.get(high) ?? 0n) - amount);
      liquidity += amount;
      reserves[0]! += amount0(price, sqrtRatioAt(high), amount, true);
      reserves[1]! += amount1(sqrtRatioAt(low), price, amount, true);
    }
    const ticks = [...nets].map(([index, net]) => ({ index, net })).sort((a, b) => a.index - b.index);
    const given = { address: address(99), tokens: tokens([18, 18]), reserves, fee, tickSpacing, liquidity, ticks };
    const market = uniswapV3({ ...given, sqrtPriceX96: price });
    return {
      market,
      told: (i, _, x) => [i, x, price, liquidity, tickSpacing, fee, ticks.map(({ index, net }) => [index, net])],
    };
  },
};

interface Counts {
  swaps: number;
  paid: number;
  profits: number;
  floatRejected: number;
  floatTried: number;
}

/** Draw the swaps of a kind: our quotes, what the peer is told, and round trips. */
function drawSwaps(name: string, make: (rng: Random) => Case): { lines: string[]; quotes: bigint[]; counts: Counts } {
  const rng = random(7).fork(name);
  const [lines, quotes]: [string[], bigint[]] = [[], []];
  const counts = { swaps: 0, paid: 0, profits: 0, floatRejected: 0, floatTried: 0 };
  while (quotes.length < SWAPS) {
    const { market, told } = make(rng);
    for (let k = 0; k < A_POOL; k++) {
      const i = rng.integer(market.tokens.length);
      const j = (i + 1 + rng.integer(market.tokens.length - 1)) % market.tokens.length;
      const x = whole(Number(market.reserves[i]!) * 10 ** (-0.6 - 6 * rng.uniform()));
      const y = market.quoteExact(i, j, x);
      counts.swaps++;
      if (y === 0n) continue;
      lines.push(
        JSON.stringify([name, ...told(i, j, x)], (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      );
      quotes.push(y);
      counts.floatTried++;
      if (BigInt(Math.floor(market.quote(i, j, Number(x)))) > y) counts.floatRejected++;
      if (market.swap(i, j, x).market.quoteExact(j, i, y) > x) counts.profits++;
    }
  }
  return { lines, quotes, counts };
}

/** What the peer says to the lines, or why it says nothing. */
function peer(lines: readonly string[]): Promise<string[] | string> {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL("peers/amm_quotes.py", import.meta.url));
    const child = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on("error", () => {});
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) =>
      resolve(code === 0 ? Buffer.concat(chunks).toString().trimEnd().split("\n") : `python3 ended with ${code}`),
    );
    child.stdin.end(`${lines.join("\n")}\n`);
  });
}

/** Orders for the router over one random pool each: rejected plans, and the share of the order that is filled. */
function plans(name: string, make: (rng: Random) => Case): { rejected: number; filled: number; tried: number } {
  const rng = random(11).fork(name);
  let [rejected, filled, tried] = [0, 0, 0];
  while (tried < PLANS) {
    const { market } = make(rng);
    const [i, j] = rng.integer(2) === 0 ? [0, 1] : [1, 0];
    const x = whole(Number(market.reserves[i]!) * 10 ** (-1.5 - 4 * rng.uniform()));
    if (market.quoteExact(i, j, x) === 0n) continue;
    tried++;
    const sell = { token: market.tokens[i]!.address, amount: x };
    const buy = market.tokens[j]!.address;
    const plan = route([market], { sell, buy, slippageBps: 0 });
    const funds = [sell, ...plan.funding.map(({ token, amount }) => ({ token: token.address, amount }))];
    try {
      const left = execute([market], { steps: plan.steps, funds });
      if ((left.get(buy) ?? 0n) !== plan.received) rejected++;
      filled += Number(((x - (left.get(sell.token) ?? 0n)) * 1_000_000n) / x) / 1e6;
    } catch (error) {
      if (!(error instanceof VouchError)) throw error;
      rejected++;
    }
  }
  return { rejected, filled, tried };
}

export const integers: Bench = async (log) => {
  const figures: Record<string, number> = { swaps: 0 };
  let [mismatches, profits, floatRejected, floatTried, rejected, filled, tried] = [0, 0, 0, 0, 0, 0, 0];
  let said = "python3";
  for (const [name, make] of Object.entries(kinds)) {
    const { lines, quotes, counts } = drawSwaps(name, make);
    const answers = await peer(lines);
    if (typeof answers === "string") said = answers;
    const wrong =
      typeof answers === "string" ? Number.NaN : quotes.filter((quote, k) => `${quote}` !== answers[k]).length;
    const planned = plans(name, make);
    mismatches += wrong;
    profits += counts.profits;
    if (name === "uniswap-v2") [floatRejected, floatTried] = [counts.floatRejected, counts.floatTried];
    rejected += planned.rejected;
    filled += planned.filled;
    tried += planned.tried;
    figures["swaps"]! += quotes.length;
    figures[`mismatches_${name}`] = wrong;
    log(
      `${name}: ${quotes.length} swaps, ${wrong} mismatches, ${counts.profits} round-trip profits, ${planned.rejected} rejected plans`,
    );
  }
  return {
    figures: {
      ...figures,
      quote_mismatches: mismatches,
      round_trip_profits: profits,
      rejected_plans: rejected,
      filled_fraction: filled / tried,
      float_rejected_fraction: floatRejected / floatTried,
    },
    env: { peer: said },
  };
};
