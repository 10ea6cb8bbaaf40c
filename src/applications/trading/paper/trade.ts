/** @file Trades with the paper's markets: what they are worth, and whether the markets accept them. */

import { MARKETS, OFFSETS, PRICES, WIDTH } from "./network.js";

/** Tendered x and received y of one snapshot, 11 each, tokens ≥ 0. */
export interface Trade {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export function noTrade(): Trade {
  return { x: new Float64Array(WIDTH), y: new Float64Array(WIDTH) };
}

/** U = Σ p(y − x). @source Heaton & Wu Fung 2023, eq. (21) */
export function utility({ x, y }: Trade): number {
  return MARKETS.reduce(
    (sum, { tokens }, j) =>
      sum + tokens.reduce((part, t, k) => part + PRICES[t]! * (y[OFFSETS[j]! + k]! - x[OFFSETS[j]! + k]!), 0),
    0,
  );
}

/**
 * How far market j is from refusing: ln φ(r + γx − y) − ln φ(r), or for the sum (φ(r + γx − y) − φ(r))/φ(r); −∞ where a reserve
 * r + γx − y would be negative. 0 for no trade.
 */
export function slack(j: number, { x, y }: Trade, r: ArrayLike<number>): number {
  const { weights, gamma, kind } = MARKETS[j]!;
  const at = OFFSETS[j]!;
  let [gained, total] = [0, 0];
  for (const [k, w] of weights.entries()) {
    const v = gamma * x[at + k]! - y[at + k]!;
    if (r[at + k]! + v < 0) return Number.NEGATIVE_INFINITY;
    gained += kind === "geometric" ? w * Math.log1p(v / r[at + k]!) : w * v;
    total += w * r[at + k]!;
  }
  return kind === "geometric" ? gained : gained / total;
}

/** Rounding of float64: a slack this little below 0 is 0. */
const ROUNDING = 1e-15;

/** Whether every market accepts its part: eq. (18) and no negative reserve, at the true reserves. */
export function executes(trade: Trade, reserves: ArrayLike<number>): boolean {
  return MARKETS.every((_, j) => slack(j, trade, reserves) >= -ROUNDING);
}

/** The published test: φ(r + γx − y) ≥ φ(r) summed up over markets, and a sum's reserves may become negative. */
export function executesAsPublished({ x, y }: Trade, reserves: ArrayLike<number>): boolean {
  return MARKETS.every(({ kind, weights, gamma }, j) => {
    if (kind === "geometric") return slack(j, { x, y }, reserves) >= -ROUNDING;
    const at = OFFSETS[j]!;
    return weights.reduce((sum, w, k) => sum + w * (gamma * x[at + k]! - y[at + k]!), 0) >= -1e-12;
  });
}

/** What a trade leaves: its utility if it executes, else 0. */
export function executedUtility(trade: Trade, reserves: ArrayLike<number>): number {
  return executes(trade, reserves) ? utility(trade) : 0;
}
