/** @file The best trade of one market at given prices. */

import { badPool, type Market } from "./market.js";

/**
 * y − x that maximises ⟨prices, y − x⟩ over the trades the market accepts, base units.
 *
 * @param prices  of a base unit of each of its tokens, > 0
 * @throws data naming the pool and the price
 * @source Heaton & Wu Fung 2023, eq. (20)–(21) of one market
 */
export function bestTrade(market: Market, prices: ArrayLike<number>): Float64Array {
  const { address, tokens } = market;
  if (prices.length !== tokens.length) {
    throw badPool("bestTrade", address, "prices", `${tokens.length} prices`, prices.length, "One for each token.");
  }
  Array.from(prices).forEach((price, k) => {
    if (price > 0 && Number.isFinite(price)) return;
    const expected = `a finite price > 0 of ${tokens[k]!.symbol}`;
    throw badPool("bestTrade", address, `prices[${k}]`, expected, price, "Prices are of base units, in any one unit.");
  });
  return market.best(prices);
}
