/** @file The table of markets: random pools of each kind. */

import type { Market, Token } from "../../src/applications/trading/market.js";
import { balancer } from "../../src/applications/trading/markets/balancer.js";
import { constantSum } from "../../src/applications/trading/markets/constant-sum.js";
import { stableSwap } from "../../src/applications/trading/markets/stable-swap.js";
import { amount0, amount1, sqrtRatioAt } from "../../src/applications/trading/markets/tick-math.js";
import { uniswapV2 } from "../../src/applications/trading/markets/uniswap-v2.js";
import { uniswapV3 } from "../../src/applications/trading/markets/uniswap-v3.js";
import type { Random } from "../../src/random.js";

export interface MarketCase {
  readonly factory: string;
  readonly title: string;
  /** A pool of random reserves. */
  readonly draw: (rng: Random) => Market;
  /** A pool made of what it is given: to be refused where that is wrong. */
  readonly make: (change: Partial<Fields>) => Market;
  /** Share of a reserve by which a contract may pay less than the curve. */
  readonly thrift: number;
}

/** What every kind of pool is made of. */
interface Fields {
  readonly reserves: readonly bigint[];
  readonly tokens: Token[];
  /** A fee of one or more. */
  readonly feeOfOne: true;
}

const addressOf = (k: number) => `0x${k.toString(16).padStart(40, "0")}` as const;
const DECIMALS = [18, 6, 8, 18];

export function tokensOf(count: number): Token[] {
  return DECIMALS.slice(0, count).map((decimals, k) => ({ address: addressOf(k + 1), symbol: `T${k}`, decimals }));
}

export const pool = addressOf(0xb001);
const units = (k: number) => 10n ** BigInt(DECIMALS[k]!);
/** About 10^5 whole tokens, from a tenth to ten times as many. */
const reserve = (rng: Random, k: number) => BigInt(Math.floor(10 ** (7 + 2 * rng.uniform()))) * (units(k) / 1000n);
const near = (rng: Random, k: number) => BigInt(Math.floor(1e8 * (0.6 + 0.8 * rng.uniform()))) * (units(k) / 1000n);
const fields = (count: number, reserves: readonly bigint[]) => ({ address: pool, tokens: tokensOf(count), reserves });
const spread = (count: number, rng: Random, draw = reserve) => tokensOf(count).map((_, k) => draw(rng, k));
const WAD = 10n ** 18n;

/** Overlapping positions around a price, so that swaps cross ticks. */
export function ticksAround(rng: Random, count: number, spacing: number) {
  const middle = rng.integer(4000) - 2000 - 276000;
  const nets = new Map<number, bigint>();
  const positions: [from: number, to: number, held: bigint][] = [];
  let liquidity = 0n;
  for (let k = 0; k < count; k++) {
    const below = Math.floor((middle - 1 - rng.integer(3000)) / spacing) * spacing;
    const above = Math.ceil((middle + 1 + rng.integer(3000)) / spacing) * spacing;
    const held = BigInt(Math.floor(10 ** (15 + 3 * rng.uniform())));
    nets.set(below, (nets.get(below) ?? 0n) + held);
    nets.set(above, (nets.get(above) ?? 0n) - held);
    liquidity += held;
    positions.push([below, above, held]);
  }
  const ticks = [...nets].map(([index, net]) => ({ index, net })).sort((a, b) => a.index - b.index);
  const [low, high] = [sqrtRatioAt(middle), sqrtRatioAt(middle + 1)];
  const sqrtPriceX96 = low + ((high - low) * BigInt(rng.integer(1000))) / 1000n;
  const reserves = [1n, 1n];
  for (const [from, to, held] of positions) {
    reserves[0]! += amount0(sqrtPriceX96, sqrtRatioAt(to), held, true);
    reserves[1]! += amount1(sqrtRatioAt(from), sqrtPriceX96, held, true);
  }
  return { sqrtPriceX96, liquidity, ticks, tickSpacing: spacing, reserves };
}

function row(
  factory: string,
  title: string,
  thrift: number,
  build: (given: ReturnType<typeof fields>, rng: Random, feeOfOne: boolean) => Market,
  count: number,
  draw = reserve,
): MarketCase {
  return {
    ...{ factory, title, thrift },
    draw: (rng) => build(fields(count, spread(count, rng, draw)), rng, false),
    make: ({ reserves, tokens, feeOfOne }) => {
      const fixed = tokensOf(count).map((_, k) => 10_000n * units(k));
      return build(
        { address: pool, tokens: tokens ?? tokensOf(count), reserves: reserves ?? fixed },
        still,
        feeOfOne ?? false,
      );
    },
  };
}

/** A stream that always draws its least, for pools that are fixed but for what is wrong with them. */
const still: Random = {
  uniform: () => 0,
  normal: () => 0,
  integer: () => 0,
  poisson: () => 0,
  exponential: () => 0,
  permutation: (n) => Int32Array.from({ length: n }, (_, k) => k),
  fork: () => still,
};

export const marketCases: readonly MarketCase[] = [
  row("uniswapV2", "two tokens", 0, (given, _, one) => uniswapV2({ ...given, feePerMille: one ? 1000 : 3 }), 2),
  row(
    "balancer",
    "80/20",
    1e-13,
    (given, _, one) =>
      balancer({ ...given, weights: [(8n * WAD) / 10n, (2n * WAD) / 10n], swapFee: one ? WAD : WAD / 400n }),
    2,
  ),
  row(
    "balancer",
    "four weights",
    1e-13,
    (given, _, one) =>
      balancer({
        ...given,
        weights: [WAD / 10n, (2n * WAD) / 10n, (3n * WAD) / 10n, (4n * WAD) / 10n],
        swapFee: one ? WAD : WAD / 1000n,
      }),
    4,
  ),
  row(
    "constantSum",
    "three tokens",
    0,
    (given, _, one) =>
      constantSum({
        ...given,
        rates: [1n, 10n ** 12n, 10n ** 10n],
        fee: { numerator: one ? 1000n : 1n, denominator: 1000n },
      }),
    3,
  ),
  row(
    "stableSwap",
    "two tokens, first contracts",
    1e-13,
    (given, _, one) => stableSwap({ ...given, amplification: 200n, fee: one ? 10n ** 10n : 4_000_000n, precision: 1n }),
    2,
    near,
  ),
  row(
    "stableSwap",
    "three tokens",
    1e-13,
    (given, rng, one) =>
      stableSwap({ ...given, amplification: BigInt(50 + rng.integer(2000)), fee: one ? 10n ** 10n : 1_500_000n }),
    3,
    near,
  ),
  row(
    "uniswapV3",
    "twelve positions",
    1e-13,
    (given, rng, one) => {
      const { reserves, ...range } = ticksAround(rng, 12, 60);
      const stated = rng === still ? given.reserves : reserves;
      return uniswapV3({ ...given, fee: one ? 1_000_000 : 3000, ...range, reserves: stated });
    },
    2,
  ),
];
