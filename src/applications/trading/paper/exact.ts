/** @file The exact optimum of the paper's problem without a risk model: it decouples by market, and each has a monotone solution. */

import { MARKETS, OFFSETS, PRICES, WIDTH } from "./network.js";
import { noTrade, type Trade, utility } from "./trade.js";

/** How much a market's trade keeps back for what the observation gets wrong. */
export interface Margins {
  /** A market must be left with (1 + donation)φ(d), traded with or not; 5 of them. */
  readonly donation?: ArrayLike<number>;
  /** γ counts as γ(1 − haircut), and a share haircut of each reserve stays; 5 of them. No trade is always possible. */
  readonly haircut?: ArrayLike<number>;
}

/**
 * max Σ p(y − x) s.t. φⱼ(d + γⱼ'x − y) ≥ (1 + donationⱼ) φⱼ(d), d + γ'x − y ≥ haircutⱼ d, x, y ≥ 0, γ' = γ(1 − haircut).
 *
 * Geometric: sᵢ = λwᵢ/gᵢ with gᵢ = clamp(λwᵢ/dᵢ, pᵢ, pᵢ/γ'), λ the root of Σ wᵢ ln(sᵢ/dᵢ) = ln(1 + donation). Sum of two: the
 * token that is worth less for its weight is tendered for all of the other that may be taken, if that pays.
 *
 * @param observed  d of one snapshot, 11 numbers > 0
 */
export function exactTrade(observed: ArrayLike<number>, { donation, haircut }: Margins = {}): Trade {
  const trade = noTrade();
  MARKETS.forEach(({ kind, tokens }, j) => {
    const at = OFFSETS[j]!;
    const d = tokens.map((_, k) => observed[at + k]!);
    const solve = kind === "geometric" ? geometric : sum;
    const flow = solve(j, d, donation?.[j] ?? 0, haircut?.[j] ?? 0);
    flow.forEach((value, k) => {
      trade.x[at + k] = Math.max(0, -value);
      trade.y[at + k] = Math.max(0, value);
    });
  });
  return trade;
}

/** The markets whose part of a trade is worth anything: no trade with the others. */
export function profitable(trade: Trade): Trade {
  const kept = noTrade();
  MARKETS.forEach(({ tokens }, j) => {
    const alone = noTrade();
    const range = [OFFSETS[j]!, OFFSETS[j]! + tokens.length] as const;
    alone.x.set(trade.x.subarray(...range), range[0]);
    alone.y.set(trade.y.subarray(...range), range[0]);
    if (utility(alone) <= 0) return;
    kept.x.set(alone.x.subarray(...range), range[0]);
    kept.y.set(alone.y.subarray(...range), range[0]);
  });
  return kept;
}

/** What a hair is: contracts are met to float64 rounding from inside. */
const INSIDE = 1e-13;

function geometric(j: number, d: readonly number[], donation: number, haircut: number): number[] {
  const { tokens, weights, gamma } = MARKETS[j]!;
  const kept = gamma * (1 - haircut);
  const width = -Math.log(kept);
  const a = d.map((value, k) => Math.log((PRICES[tokens[k]!]! * value) / weights[k]!));
  const goal = Math.log1p(donation) + INSIDE;
  const change = (level: number, k: number) => Math.min(level - a[k]!, 0) + Math.max(level - a[k]! - width, 0);
  const total = (level: number) => weights.reduce((sum, w, k) => sum + w * change(level, k), 0);
  if (donation === 0 && Math.max(...a) - Math.min(...a) <= width) return d.map(() => 0);
  let [low, high] = [Math.min(...a) - 1, Math.max(...a) + width + 1 + goal / Math.min(...weights)];
  for (let step = 0; step < 200 && high - low > 1e-16 * Math.abs(high); step++) {
    const middle = (low + high) / 2;
    if (total(middle) < goal) low = middle;
    else high = middle;
  }
  return d.map((value, k) => {
    const moved = value * Math.expm1(change(high, k));
    return moved > 0 ? -moved / kept : -moved;
  });
}

function sum(j: number, d: readonly number[], donation: number, haircut: number): number[] {
  const { tokens, weights, gamma } = MARKETS[j]!;
  const kept = gamma * (1 - haircut);
  const worth = tokens.map((t, k) => PRICES[t]! / weights[k]!);
  const i = worth[0]! < worth[1]! ? 0 : 1;
  const total = weights.reduce((part, w, k) => part + w * d[k]!, 0);
  const owed = donation * total * (1 + INSIDE);
  const pays = kept * worth[1 - i]! > worth[i]!;
  const taken = pays ? d[1 - i]! * (1 - haircut) : 0;
  const given = (weights[1 - i]! * taken * (1 + INSIDE) + owed) / (weights[i]! * kept);
  return i === 0 ? [-given, taken] : [taken, -given];
}

/** Row n of an array of snapshots. */
export function rowOf(array: Float32Array, n: number): Float32Array {
  return array.subarray(n * WIDTH, (n + 1) * WIDTH);
}
