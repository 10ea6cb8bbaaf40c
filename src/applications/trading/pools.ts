/** @file Pools in JSON: amounts as decimal strings, one schema a protocol. */

import type { Address } from "viem";
import { z } from "zod";
import { VouchError } from "../../errors.js";
import { badPool, type Market, type Token } from "./market.js";
import { balancer } from "./markets/balancer.js";
import { constantSum } from "./markets/constant-sum.js";
import { stableSwap } from "./markets/stable-swap.js";
import { uniswapV2 } from "./markets/uniswap-v2.js";
import { uniswapV3 } from "./markets/uniswap-v3.js";
import type { Refusal } from "./router/network.js";

/** A whole number as a decimal string: a JSON number may have lost digits. */
const whole = z
  .string()
  .regex(/^-?\d{1,80}$/, "a whole number as a string of digits")
  .transform(BigInt);
const address = z.string().transform((text) => text as Address);
const token = z.object({ address, symbol: z.string(), decimals: z.number() });
const common = { address, tokens: z.array(token), reserves: z.array(whole) };
const tick = z.object({ index: z.int(), net: whole });

const protocols = {
  "uniswap-v2": z.object({ ...common, feePerMille: z.number().default(3) }).transform(uniswapV2),
  balancer: z.object({ ...common, weights: z.array(whole), swapFee: whole }).transform(balancer),
  "constant-sum": z
    .object({ ...common, rates: z.array(whole), fee: z.object({ numerator: whole, denominator: whole }) })
    .transform(constantSum),
  "stable-swap": z
    .object({
      ...common,
      ...{ amplification: whole, fee: whole, adminFee: whole.default(5_000_000_000n) },
      precision: z.union([z.literal(1), z.literal(100)]).default(100),
    })
    .transform((pool) => stableSwap({ ...pool, precision: pool.precision === 1 ? 1n : 100n })),
  "uniswap-v3": z
    .object({
      ...common,
      fee: z.number(),
      tickSpacing: z.number(),
      sqrtPriceX96: whole,
      liquidity: whole,
      ticks: z.array(tick),
    })
    .transform(uniswapV3),
} as const;

/** Uniswap v2 pairs as subgraph exports have them. */
const side = z.object({ address, symbol: z.string(), decimal: z.number() });
const pair = z
  .object({ address, token0: side, token1: side, reserve0: whole, reserve1: whole })
  .transform(({ token0, token1, reserve0, reserve1, address: at }) => {
    const tokens = [token0, token1].map(({ decimal, ...rest }): Token => ({ ...rest, decimals: decimal }));
    return uniswapV2({ address: at, tokens, reserves: [reserve0, reserve1] });
  });

/**
 * Markets of parsed JSON: an array, or { "pools": [ … ] }, of pools with a `protocol` (uniswap-v2, uniswap-v3, balancer,
 * stable-swap, constant-sum), or of Uniswap v2 pairs with token0, token1, reserve0, reserve1.
 *
 * @throws format; data naming the first pool and field that cannot be traded with
 */
export function parsePools(json: unknown): Market[] {
  const { pools, refused } = readPools(json);
  const [first] = refused;
  if (first) throw first.error;
  return pools;
}

/** As `parsePools`, leaving out the pools it would refuse and saying which. @throws format if there is no list of pools */
export function readPools(json: unknown): { readonly pools: Market[]; readonly refused: readonly Refusal[] } {
  const list = Array.isArray(json) ? json : (json as { readonly pools?: unknown } | null)?.pools;
  if (!Array.isArray(list)) {
    throw new VouchError("format", {
      name: "parsePools",
      expected: 'an array of pools, or { "pools": [ … ] }',
      got: json === null ? "null" : typeof json,
      remedy: "See docs/trading.md for the fields of each protocol.",
    });
  }
  const pools: Market[] = [];
  const refused: Refusal[] = [];
  list.forEach((item: unknown, k) => {
    try {
      pools.push(readPool(item, k));
    } catch (error) {
      if (!(error instanceof VouchError)) throw error;
      refused.push({ pool: addressOf(item, k), error });
    }
  });
  return { pools, refused };
}

function readPool(item: unknown, k: number): Market {
  const stated = (item as { readonly protocol?: unknown } | null)?.protocol;
  const known = typeof stated === "string" && Object.hasOwn(protocols, stated);
  if (stated !== undefined && !known) {
    const names = Object.keys(protocols).join(", ");
    throw badPool("parsePools", addressOf(item, k), "protocol", `one of ${names}`, stated, "Leave the pool out.");
  }
  const schema = known ? protocols[stated as keyof typeof protocols] : pair;
  const read = schema.safeParse(item);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = issue!.path.join(".") || "pool";
  throw badPool(
    "parsePools",
    addressOf(item, k),
    field,
    "the field of its protocol",
    issue!.message,
    "See docs/trading.md.",
  );
}

function addressOf(item: unknown, k: number): Address {
  const stated = (item as { readonly address?: unknown } | null)?.address;
  return (typeof stated === "string" ? stated : `number ${k}`) as Address;
}
