/** @file What swaps bring in beyond what is used, given back: each swap tenders the least that pays what is needed of it. */

import type { Market } from "../market.js";
import type { Network } from "./network.js";
import type { Repaired } from "./plan.js";

/** What is left of a token, with the unit itself, is looked at where it is worth more than this share of all that is tendered. */
const WORTH = 1e-12;

/**
 * From the last swap to the first: where its output is left over at the end, or its input buys a fraction of a unit that the
 * contract keeps, the least input that pays the rest. What is saved is left over of the token before, and so on back.
 *
 * What is sold is sold whole, and pools that are swapped with more than once stay as they are. Nothing ends below 0.
 *
 * @param prices  worth of a base unit of each token
 * @param wanted  the token of which nothing is given back
 */
export function giveBack(
  { edges }: Network,
  { swaps, balances }: Repaired,
  {
    prices,
    wanted,
    held,
  }: { readonly prices: Float64Array; readonly wanted: number; readonly held: readonly bigint[] },
): Repaired {
  const total = swaps.reduce((sum, { tokenIn, amountIn }) => sum + prices[tokenIn]! * Number(amountIn), 0);
  const visits = new Map<number, number>();
  for (const { edge } of swaps) visits.set(edge, (visits.get(edge) ?? 0) + 1);
  const left = [...balances];
  const fewer = [...swaps];
  for (let k = swaps.length - 1; k >= 0; k--) {
    const swap = swaps[k]!;
    const { edge, tokenIn, tokenOut, amountIn, amountOut } = swap;
    const spare = tokenOut === wanted ? 0n : left[tokenOut]!;
    if (held[tokenIn]! > 0n || visits.get(edge)! > 1) continue;
    if (prices[tokenOut]! * (Number(spare) + 1) <= WORTH * total) continue;
    const { market, tokens } = edges[edge]!;
    const [i, j] = [tokens.indexOf(tokenIn), tokens.indexOf(tokenOut)];
    const x = spare < amountOut ? leastFor(market, i, j, amountIn, amountOut - spare) : 0n;
    const y = x === 0n ? 0n : market.quoteExact(i, j, x);
    left[tokenIn]! += amountIn - x;
    left[tokenOut]! -= amountOut - y;
    fewer[k] = { ...swap, amountIn: x, amountOut: y };
  }
  const made = fewer.filter(({ amountIn }) => amountIn > 0n);
  return { swaps: made, balances: left, funding: fundingOf(made, held) };
}

/** The least x for which the contract pays y or more, if it pays it for `most`. */
function leastFor(market: Market, i: number, j: number, most: bigint, y: bigint): bigint {
  let [less, enough] = [0n, most];
  while (enough - less > 1n) {
    const middle = (less + enough) >> 1n;
    if (market.quoteExact(i, j, middle) >= y) enough = middle;
    else less = middle;
  }
  return enough;
}

function fundingOf(swaps: Repaired["swaps"], held: readonly bigint[]): bigint[] {
  const [balances, funding] = [[...held], held.map(() => 0n)];
  for (const { tokenIn, tokenOut, amountIn, amountOut } of swaps) {
    balances[tokenIn]! -= amountIn;
    balances[tokenOut]! += amountOut;
    if (-balances[tokenIn]! > funding[tokenIn]!) funding[tokenIn] = -balances[tokenIn]!;
  }
  return funding;
}
