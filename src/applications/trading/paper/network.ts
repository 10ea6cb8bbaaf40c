/** @file The paper's network: three tokens, five markets of weighted geometric means and one weighted sum. */

/** One market: its tokens by number, weights, fee factor γ, and the size its reserves are drawn around. */
export interface PaperMarket {
  readonly tokens: readonly number[];
  readonly weights: readonly number[];
  readonly gamma: number;
  readonly kind: "geometric" | "sum";
  readonly size: number;
}

/** Reference prices p of the three tokens. */
export const PRICES = [1, 1.9, 0.5] as const;

/** @source TypalAcademy/xai-l2o, docs/exp-crypto.ipynb, `create_loader`; Heaton & Wu Fung 2023, Figure 7 */
export const MARKETS: readonly PaperMarket[] = [
  { tokens: [0, 1, 2], weights: [0.2, 0.3, 0.5], gamma: 0.98, kind: "geometric", size: 50 },
  { tokens: [0, 1], weights: [0.4, 0.6], gamma: 0.99, kind: "geometric", size: 30 },
  { tokens: [1, 2], weights: [0.5, 0.5], gamma: 0.98, kind: "geometric", size: 23.5 },
  { tokens: [0, 2], weights: [0.6, 0.4], gamma: 0.99, kind: "geometric", size: 35.7 },
  { tokens: [0, 2], weights: [0.6, 0.4], gamma: 0.98, kind: "sum", size: 46.9 },
];

/** Where each market's tokens begin in vectors over all of them. */
export const OFFSETS: readonly number[] = MARKETS.map((_, j) =>
  MARKETS.slice(0, j).reduce((sum, { tokens }) => sum + tokens.length, 0),
);

/** Tokens of all markets together: 11. */
export const WIDTH = MARKETS.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** A number of each market, or of each token, repeated for each entry of vectors over all markets' tokens. */
export function spread(of: (market: PaperMarket, k: number, j: number) => number): Float32Array {
  return Float32Array.from(MARKETS.flatMap((market, j) => market.tokens.map((_, k) => of(market, k, j))));
}

/** [11, 11], by rows: 1 where two entries are of one market. */
export function withinMarkets(): Float32Array {
  return Float32Array.from(
    MARKETS.flatMap(({ tokens }, j) =>
      tokens.flatMap(() => [...spread((_market, _k, other) => (other === j ? 1 : 0))]),
    ),
  );
}
