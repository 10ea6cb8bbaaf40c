/** @file What a market is: a pool of tokens that trades along a curve, in floats to solve with and in whole numbers to execute. */

import type { Address } from "viem";
import { VouchError } from "../../errors.js";

export interface Token {
  readonly address: Address;
  readonly symbol: string;
  /** A whole token is 10^decimals base units. */
  readonly decimals: number;
}

/** Share of what counts for the curve: x enters as γx ("tendered"), or y leaves as y/γ ("received"). */
export interface Fee {
  /** 1 − γ as a fraction, in [0, 1). */
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly on: "tendered" | "received";
}

/** A swap that was carried out, and the pool it leaves behind. */
export interface Swapped {
  readonly amountOut: bigint;
  readonly market: Market;
}

/**
 * A constant-function market maker: it accepts x for y if φ(r + γx − y) ≥ φ(r) and no reserve becomes negative.
 *
 * All amounts are base units. Indices i, j are of `tokens`.
 *
 * @source Heaton & Wu Fung 2023, eq. (18)
 */
export interface Market {
  /** "uniswap-v2", "balancer": whose rounding the whole numbers follow. */
  readonly protocol: string;
  readonly address: Address;
  readonly tokens: readonly Token[];
  readonly reserves: readonly bigint[];
  readonly fee: Fee;
  /** Amount of j for x > 0 of i, in real arithmetic rounded to float64. */
  quote(i: number, j: number, x: number): number;
  /** Amount of j the contract pays for x of i; 0n where it pays nothing or refuses. */
  quoteExact(i: number, j: number, x: bigint): bigint;
  /** Largest x of i that one swap accepts. */
  limit(i: number): bigint;
  /** The contract's swap. @throws parameter if it refuses */
  swap(i: number, j: number, x: bigint): Swapped;
  /** y − x of a trade that maximises ⟨prices, y − x⟩ over the trades the pool accepts; prices > 0. */
  best(prices: ArrayLike<number>): Float64Array;
  /**
   * Prices ∇φ at the reserves that a net flow y − x leaves, up to a common factor, without fees: no trade is best while they
   * are within the fee of the given ones.
   */
  marginal(flow: ArrayLike<number>): Float64Array;
  /**
   * A whole number ≥ sup { ⟨g, y − x⟩ } over the trades the pool would accept without a fee, g > 0.
   *
   * With the fee, ⟨prices, y − x⟩ ≤ support(g) for each g with prices ≤ g ≤ prices/γ elementwise (γ prices ≤ g ≤ prices where
   * the fee is on what is received), and at the best trade for one of them: bounds need no other property of a market.
   */
  support(g: readonly bigint[]): bigint;
  /** A whole number ≥ sup { ⟨prices, y − x⟩ } over trades of whole base units alone: less than `support` where a unit is much. */
  readonly wholeSupport?: (prices: readonly bigint[]) => bigint;
  /** φ(r + γx − y) ≥ φ(r), decided in whole numbers, and r + x − y ≥ 0. */
  accepts(x: readonly bigint[], y: readonly bigint[]): boolean;
}

/** 2¹¹² − 1: what a Uniswap v2 pool can hold, and more than any honest token's supply. */
export const LARGEST = (1n << 112n) - 1n;

/** γ = 1 − fee as a float. */
export function gammaOf({ numerator, denominator }: Fee): number {
  return Number(denominator - numerator) / Number(denominator);
}

/** What every pool states. */
export interface PoolFields {
  readonly address: Address;
  readonly tokens: readonly Token[];
  readonly reserves: readonly bigint[];
}

/** @throws data naming the pool and the field, unless a pool can be traded with */
export function requirePool(name: string, { address, tokens, reserves }: PoolFields, fee: Fee): void {
  const fail = (field: string, expected: string, got: unknown, remedy = "Leave the pool out, or read it again.") =>
    badPool(name, address, field, expected, got, remedy);
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw fail("address", "0x and 40 hex digits", `"${address}"`);
  if (tokens.length < 2) throw fail("tokens", "two tokens or more", tokens.length);
  if (new Set(tokens.map((token) => token.address.toLowerCase())).size !== tokens.length) {
    throw fail("tokens", "distinct tokens", tokens.map(({ symbol }) => symbol).join(", "));
  }
  tokens.forEach((token, i) => {
    if (!/^0x[0-9a-fA-F]{40}$/.test(token.address)) {
      throw fail(`tokens[${i}].address`, "0x and 40 hex digits", `"${token.address}"`);
    }
    if (!(Number.isInteger(token.decimals) && token.decimals >= 1 && token.decimals <= 18)) {
      throw fail(`tokens[${i}].decimals`, `1 to 18 decimals of ${token.symbol}`, token.decimals);
    }
  });
  if (reserves.length !== tokens.length) throw fail("reserves", `${tokens.length} reserves`, reserves.length);
  reserves.forEach((reserve, i) => {
    if (typeof reserve !== "bigint" || reserve <= 0n || reserve > LARGEST) {
      throw fail(`reserves[${i}]`, "a bigint from 1 to 2^112 − 1", reserve);
    }
  });
  if (!(fee.denominator > 0n && fee.numerator >= 0n && fee.numerator < fee.denominator)) {
    throw fail("fee", "a fee in [0, 1)", `${fee.numerator}/${fee.denominator}`);
  }
}

export function badPool(
  name: string,
  address: string,
  field: string,
  expected: string,
  got: unknown,
  remedy: string,
): VouchError {
  return new VouchError("data", { name: `${name}: pool ${address}: ${field}`, expected, got: String(got), remedy });
}

/** @throws parameter, naming the pool, unless x of i can be swapped for j there */
export function requireSwap(market: Market, i: number, j: number, x: bigint): void {
  const { protocol, address, tokens } = market;
  const fail = (expected: string, got: unknown) =>
    badPool(`${protocol}.swap`, address, "swap", expected, got, "Quote the swap before it is made.");
  if (i === j || tokens[i] === undefined || tokens[j] === undefined) throw fail("two of its tokens", `${i} and ${j}`);
  if (x <= 0n || x > market.limit(i)) throw fail(`1 to ${market.limit(i)} base units of ${tokens[i].symbol}`, x);
}

/** Σ gᵢ rᵢ. */
export function dot(g: readonly bigint[], r: readonly bigint[]): bigint {
  return g.reduce((sum, value, i) => sum + value * r[i]!, 0n);
}

/**
 * ⌈sup⌉ of ⟨g, z⟩ over ⟨h, z⟩ ≤ slack, z ≤ r: with μ = min gᵢ/hᵢ, μ slack + Σ (gᵢ − μhᵢ) rᵢ.
 *
 * @source weak duality of a linear program in z, multiplier μ
 */
export function supportOfHalfspace(
  g: readonly bigint[],
  h: readonly bigint[],
  slack: bigint,
  r: readonly bigint[],
): bigint {
  let k = 0;
  h.forEach((value, i) => {
    if (g[i]! * h[k]! < g[k]! * value) k = i;
  });
  const [gk, hk] = [g[k]!, h[k]!];
  const total = g.reduce((sum, value, i) => sum + (value * hk - gk * h[i]!) * r[i]!, gk * slack);
  return total <= 0n ? 0n : (total + hk - 1n) / hk;
}
