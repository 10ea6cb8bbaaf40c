/** @file Table 4 over test snapshots: what trades promise, what is left of them, and whether certificates knew. */

import type { Calibration } from "../../../certificates/calibration.js";
import { clopperPearson } from "../../../certificates/realised-rate.js";
import type { EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { compileModel } from "../../../model.js";
import { type Snapshots, snapshots } from "./data.js";
import { exactTrade, profitable, rowOf } from "./exact.js";
import { conformalFactor, marginEach, oneMargin } from "./margins.js";
import { paperModel } from "./model.js";
import { MARKETS, WIDTH } from "./network.js";
import { calibrateTrades, certifyTrade } from "./risk.js";
import { executes, executesAsPublished, noTrade, slack, type Trade, utility } from "./trade.js";
import { publishedTrades } from "./train-published.js";

/** Where the model's KKT residuals stop, relative. */
export const TRADING_SOLVE = { tolerance: 1e-5, maxSteps: 5000 } as const;

/** A mean over snapshots with its 95 % interval: by the normal approximation, of a fraction by Clopper and Pearson. */
export interface Mean {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** One row of Table 4; fractions are of all snapshots. */
export interface TradingRow {
  readonly method: string;
  /** Numbers found on training snapshots. */
  readonly size: number;
  readonly predicted: Mean;
  /** Executed with reserves never negative. */
  readonly executed: Mean;
  readonly fraction: Mean;
  /** By the published rule, in which a sum's reserves may become negative. */
  readonly executedAsPublished: Mean;
  readonly fractionAsPublished: Mean;
  readonly riskFail: number;
  readonly profitFail: number;
}

export interface TradingEvaluation {
  readonly rows: readonly TradingRow[];
  /** Share of the trades of all methods that fail or lose which a certificate flagged. */
  readonly failuresFlagged: number;
  /** Share of the learned model's trades that execute at a profit which a certificate flagged. */
  readonly goodFlagged: number;
  /** Paired difference of executed utility, learned less the best haircut without learning. */
  readonly gain: Mean;
  /** Haircuts of the exact optimum by conformal calibration: executed share, and the level it promises. */
  readonly conformal: { readonly fraction: number; readonly level: number };
  readonly unconverged: number;
  readonly stepsMedian: number;
}

export interface EvaluateTradingOptions extends EngineOptions {
  /** Snapshots of the stream "test". Default 500. */
  readonly test?: number;
  /** Snapshots of the stream "calibration". Default 500. */
  readonly calibration?: number;
  /** Training snapshots that margins without learning are searched on. Default 1000. */
  readonly search?: number;
  /** The model as published, for its rows; without it there are none. */
  readonly published?: Bundle;
  readonly signal?: AbortSignal;
}

/** Level of conformal haircuts. */
const ALPHA = 0.01;

/**
 * Score the learned model and what needs no model on test snapshots, in one run.
 *
 * Margins of the baselines are searched on training snapshots, certificates calibrated on the learned model's good trades of
 * snapshots that nothing was trained on.
 *
 * @throws format if the bundle holds another model; cancelled
 * @source Heaton & Wu Fung 2023, Table 4
 */
export async function evaluateTrading(
  bundle: Bundle,
  options: EvaluateTradingOptions = {},
): Promise<TradingEvaluation> {
  const { test: tests = 500, calibration: held = 500, search = 1000 } = options;
  const [test, calibration, training] = [
    snapshots(tests, "test"),
    snapshots(held, "calibration"),
    snapshots(search, "train"),
  ];
  const [learned, usual] = [
    await learnedTrades(bundle, test, options),
    await learnedTrades(bundle, calibration, options),
  ];
  const trusted = await calibrationOf(usual.trades, calibration);
  const [donation, donations] = [oneMargin(training, "donation"), marginEach(training, "donation")];
  const [haircut, haircuts] = [oneMargin(training, "haircut"), marginEach(training, "haircut")];
  const factor = conformalFactor(calibration, haircut, ALPHA);
  const exact = (margins: Parameters<typeof exactTrade>[1]) => every(test, (d) => exactTrade(d, margins));
  const published = options.published && {
    learned: await publishedTrades(options.published, test, "learned", engineOf(options)),
    analytic: await publishedTrades(options.published, test, "analytic", engineOf(options)),
  };
  const methods: readonly (readonly [string, number, readonly Trade[]])[] = [
    ...(published
      ? ([
          ["published_analytic", MARKETS.length, published.analytic],
          ["published", paperModel().size, published.learned],
        ] as const)
      : []),
    ["analytic", 0, exact({})],
    ["best_margin", 1, exact({ donation })],
    ["margin_each", MARKETS.length, every(test, (d) => profitable(exactTrade(d, { donation: donations })))],
    ["haircut", 1, exact({ haircut })],
    ["haircut_each", MARKETS.length, exact({ haircut: haircuts })],
    ["conformal_haircut", 1, exact({ haircut: haircut.map((value) => Math.min(1, factor * value)) })],
    ["learned", paperModel().size, learned.trades],
  ];
  const judged = methods.map(([method, size, trades]) => judge(method, size, trades, test, trusted));
  const by = (method: string) => judged.find(({ row }) => row.method === method)!;
  const own = by("learned");
  const failures = judged.flatMap(({ each }) => each.filter(({ traded, good }) => traded && !good));
  const good = own.each.filter((one) => one.traded && one.good);
  const rival = [by("haircut"), by("haircut_each")].reduce((a, b) =>
    b.row.executed.mean > a.row.executed.mean ? b : a,
  );
  const steps = [...learned.steps].sort((a, b) => a - b);
  return {
    rows: judged.map(({ row }) => row),
    failuresFlagged: failures.filter(({ go }) => !go).length / failures.length,
    goodFlagged: good.filter(({ go }) => !go).length / good.length,
    gain: meanOf(own.each.map((one, n) => one.left - rival.each[n]!.left)),
    conformal: { fraction: by("conformal_haircut").row.fraction.mean, level: 1 - ALPHA },
    unconverged: learned.unconverged + usual.unconverged,
    stepsMedian: steps[steps.length >> 1]!,
  };
}

/** The certificates' calibration: the learned model's trades that executed at a profit. @throws as `evaluateTrading` */
export async function calibrateTrading(bundle: Bundle, options: EvaluateTradingOptions = {}): Promise<Calibration> {
  const given = snapshots(options.calibration ?? 500, "calibration");
  return calibrationOf((await learnedTrades(bundle, given, options)).trades, given);
}

function calibrationOf(trades: readonly Trade[], given: Snapshots): Promise<Calibration> {
  const good = trades.flatMap((trade, n) => (isGood(trade, rowOf(given.reserves, n)) ? [n] : []));
  return calibrateTrades(trades, given, good);
}

function isGood(trade: Trade, reserves: ArrayLike<number>): boolean {
  return executes(trade, reserves) && utility(trade) > 0;
}

function every(given: Snapshots, trade: (observed: Float32Array) => Trade): Trade[] {
  return Array.from({ length: given.count }, (_, n) => trade(rowOf(given.observed, n)));
}

/**
 * The model's trades: solved to tolerance by Davis–Yin, then received amounts reduced, in float64, until each market's constraint
 * holds for the observation with the learned margins.
 *
 * @throws format if the bundle holds another model; cancelled
 */
export async function learnedTrades(
  { manifest, weights }: Bundle,
  { count, observed }: Snapshots,
  options: EvaluateTradingOptions = {},
): Promise<{ trades: Trade[]; steps: readonly number[]; unconverged: number }> {
  if (manifest.model !== "trading") {
    throw new VouchError("format", {
      name: "learnedTrades",
      expected: "a trading model",
      got: manifest.model,
      remedy: "Pass a file made by `vouch train trading`.",
    });
  }
  const { signal, ...engine } = engineOf(options);
  await using compiled = await compileModel(paperModel(), weights, engine);
  const d = { shape: [count, WIDTH], data: observed };
  const solution = await compiled.solve({ d }, { ...TRADING_SOLVE, strict: false, ...(signal && { signal }) });
  const haircut = Float64Array.from(weights["delta"]!.data, Math.exp);
  const trades = Array.from({ length: count }, (_, n) => {
    const xi = solution.x.data.subarray(4 * WIDTH * n, 4 * WIDTH * (n + 1));
    return inside(amounts(xi, rowOf(observed, n)), rowOf(observed, n), haircut);
  });
  const unconverged = solution.status.filter((status) => status !== "converged").length;
  return { trades, steps: solution.steps, unconverged };
}

function engineOf({ threads, device, signal }: EvaluateTradingOptions) {
  return {
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
    ...(signal !== undefined && { signal }),
  };
}

function amounts(xi: Float32Array, d: Float32Array): Trade {
  const trade = noTrade();
  for (let i = 0; i < WIDTH; i++) {
    const net = (xi[WIDTH + i]! - xi[i]!) * d[i]!;
    trade.x[i] = Math.max(0, -net);
    trade.y[i] = Math.max(0, net);
  }
  return trade;
}

/** Halvings of the share of what is received that is given up. */
const HALVINGS = 40;

/** The trade with y reduced, market by market, until ln φ(d + γ(1 − δ)x − y) ≥ ln φ(d) and (1 − δ)d + γ(1 − δ)x ≥ y. */
export function inside(trade: Trade, d: ArrayLike<number>, haircut: ArrayLike<number>): Trade {
  const y = trade.y.slice();
  let at = 0;
  MARKETS.forEach(({ weights }, j) => {
    const range = [at, at + weights.length] as const;
    const holds = (share: number) => {
      const tried = { x: trade.x.map((x) => x * (1 - haircut[j]!)), y: y.slice() };
      for (let i = range[0]; i < range[1]; i++) tried.y[i]! *= share;
      const left = weights.every((_, k) => {
        const i = range[0] + k;
        return trade.x[i]! > 0 || tried.y[i]! <= (1 - haircut[j]!) * d[i]!;
      });
      return left && slack(j, tried, d) >= 0;
    };
    let [low, high] = [0, 1];
    if (!holds(1)) {
      for (let halving = 0; halving < HALVINGS; halving++) {
        const middle = (low + high) / 2;
        if (holds(middle)) low = middle;
        else high = middle;
      }
      for (let i = range[0]; i < range[1]; i++) y[i]! *= low;
    }
    at = range[1];
  });
  return { x: trade.x, y };
}

interface Judged {
  readonly row: TradingRow;
  readonly each: readonly {
    readonly traded: boolean;
    readonly good: boolean;
    readonly go: boolean;
    readonly left: number;
  }[];
}

function judge(method: string, size: number, trades: readonly Trade[], test: Snapshots, trusted: Calibration): Judged {
  const each = trades.map((trade, n) => {
    const [r, d] = [rowOf(test.reserves, n), rowOf(test.observed, n)];
    const { risk, profit, go } = certifyTrade(trade, d, trusted);
    const [value, done, published] = [utility(trade), executes(trade, r), executesAsPublished(trade, r)];
    const traded = trade.x.some((x) => x > 0) || trade.y.some((y) => y > 0);
    return { traded, value, done, published, left: done ? value : 0, good: done && value > 0, risk, profit, go };
  });
  const share = (holds: (one: (typeof each)[number]) => boolean) => each.filter(holds).length / each.length;
  const row = {
    ...{ method, size },
    predicted: meanOf(each.map(({ value }) => value)),
    executed: meanOf(each.map(({ left }) => left)),
    fraction: fractionOf(each.map(({ done }) => done)),
    executedAsPublished: meanOf(each.map(({ value, published }) => (published ? value : 0))),
    fractionAsPublished: fractionOf(each.map(({ published }) => published)),
    riskFail: share(({ risk }) => risk.label === "fail"),
    profitFail: share(({ profit }) => profit.label === "fail"),
  };
  return { row, each };
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  const half = 1.96 * Math.sqrt(variance / values.length);
  return { mean, low: mean - half, high: mean + half };
}

function fractionOf(holds: readonly boolean[]): Mean {
  const count = holds.filter(Boolean).length;
  const [low, high] = clopperPearson(count, holds.length);
  return { mean: count / holds.length, low, high };
}
