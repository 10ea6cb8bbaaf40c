/** @file Certificates of a trade, from what is observed alone: risk, and profit. */

import { type Calibration, calibrate, digest } from "../../../certificates/calibration.js";
import { conformalLabel, type Label } from "../../../certificates/labels.js";
import type { Snapshots } from "./data.js";
import { rowOf } from "./exact.js";
import { MARKETS, OFFSETS } from "./network.js";
import { slack, type Trade, utility } from "./trade.js";

/**
 * 1/(the least relative error of the observation at which some market refuses), to first order: 0 for no trade, ∞ for a trade
 * without room.
 *
 *     risk = maxⱼ max( ‖∂ slackⱼ/∂ ln d‖₂ / slackⱼ , maxᵢ dᵢ/(dᵢ + γxᵢ − yᵢ) of what is received from a sum )
 *
 * For a geometric mean ∂ slack/∂ ln dᵢ = wᵢ (dᵢ/sᵢ − 1), s = d + γx − y; a sum's rule (18) does not see d, but its reserves do.
 */
export function riskOf(trade: Trade, observed: ArrayLike<number>): number {
  const { x, y } = trade;
  return MARKETS.reduce((most, { kind, weights, gamma }, j) => {
    const at = OFFSETS[j]!;
    const s = weights.map((_, k) => observed[at + k]! + gamma * x[at + k]! - y[at + k]!);
    if (weights.every((_, k) => x[at + k] === 0 && y[at + k] === 0)) return most;
    if (s.some((value) => !(value > 0))) return Number.POSITIVE_INFINITY;
    const room = slack(j, trade, observed);
    const steepness =
      kind === "geometric"
        ? Math.hypot(...weights.map((w, k) => w * (observed[at + k]! / s[k]! - 1))) / room
        : Math.max(...s.map((value, k) => (y[at + k]! > 0 ? observed[at + k]! / value : 0)));
    return Math.max(most, room < 0 || Number.isNaN(steepness) ? Number.POSITIVE_INFINITY : steepness);
  }, 0);
}

/** Utility lost: max(0, −U). */
export function lossOf(trade: Trade): number {
  return Math.max(0, -utility(trade));
}

/** One trade's certificates: a fail of either means the trade is to be aborted. */
export interface TradeCertificates {
  readonly risk: { readonly value: number; readonly label: Label; readonly because: string };
  readonly profit: { readonly value: number; readonly label: Label; readonly because: string };
  /** Neither fails. */
  readonly go: boolean;
}

/** A risk that JSON can hold: no number of a calibration is infinite. */
const RUIN = 1e300;

/** Values of trades that executed at a profit on held-out snapshots. @throws certificate if a snapshot comes twice */
export async function calibrateTrades(
  trades: readonly Trade[],
  { observed }: Snapshots,
  good: readonly number[],
): Promise<Calibration> {
  return calibrate({
    values: {
      risk: good.map((n) => Math.min(RUIN, riskOf(trades[n]!, rowOf(observed, n)))),
      profit: good.map((n) => lossOf(trades[n]!)),
    },
    reference: "inferences",
    samples: await Promise.all(good.map((n) => digest(Float32Array.from(rowOf(observed, n))))),
  });
}

/** False-alarm rate of a fail of either property: half of it each. */
export const ALARM = 0.05;

/**
 * Label a trade by the risk and loss of executed, profitable trades: fail means abort.
 *
 * @throws certificate if there are too few calibration trades for the level
 */
export function certifyTrade(trade: Trade, observed: ArrayLike<number>, calibration: Calibration): TradeCertificates {
  const level = { fail: ALARM / 2, warning: ALARM };
  const risk = Math.min(RUIN, riskOf(trade, observed));
  const gain = utility(trade);
  const byRisk = conformalLabel(calibration.values["risk"]!, risk, level).label;
  const byLoss = conformalLabel(calibration.values["profit"]!, lossOf(trade), level).label;
  const endured = risk === 0 ? "any error" : `a relative error of ${(1 / risk).toPrecision(2)}`;
  return {
    risk: { value: risk, label: byRisk, because: `the trade endures ${endured} of the observed reserves` },
    profit: { value: gain, label: byLoss, because: `at reference prices it is worth ${gain.toPrecision(4)}` },
    go: byRisk !== "fail" && byLoss !== "fail",
  };
}
