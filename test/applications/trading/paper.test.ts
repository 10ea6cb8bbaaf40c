/** @file The paper's experiment: exact optima, the Davis–Yin model against them, margins, certificates, Table 4. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { networkFigure, tradesFigure } from "../../../cli/figures/trading.js";
import { snapshots } from "../../../src/applications/trading/paper/data.js";
import { evaluateTrading, inside, learnedTrades } from "../../../src/applications/trading/paper/evaluate.js";
import { exactTrade, profitable, rowOf } from "../../../src/applications/trading/paper/exact.js";
import { conformalFactor, meanExecuted } from "../../../src/applications/trading/paper/margins.js";
import { paperModel } from "../../../src/applications/trading/paper/model.js";
import { MARKETS, OFFSETS, WIDTH } from "../../../src/applications/trading/paper/network.js";
import { certifyTrade, riskOf } from "../../../src/applications/trading/paper/risk.js";
import { acceptable, balanced } from "../../../src/applications/trading/paper/sets.js";
import {
  executes,
  executesAsPublished,
  noTrade,
  slack,
  utility,
} from "../../../src/applications/trading/paper/trade.js";
import { executedLoss, tradingSet } from "../../../src/applications/trading/paper/train.js";
import { jfb } from "../../../src/backward/jfb.js";
import { calibrate } from "../../../src/certificates/calibration.js";
import { parseBundle } from "../../../src/files/bundle.js";
import { compileModel, feedParams } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { sum } from "../../../src/tensor/primitives/broadcast.js";
import { constant, input } from "../../../src/tensor/primitives/leaf.js";
import { mapTensors } from "../../../src/tensor/tree.js";
import { gradient } from "../../../src/tensor/vjp.js";

const haircut = new Float64Array(MARKETS.length).fill(3e-3);
const shipped = () => parseBundle(readFileSync(new URL("../../../models/trading.safetensors", import.meta.url)));

describe("exact optima", () => {
  const given = snapshots(30, "test");

  it("are accepted for the observation, and beat random accepted trades", () => {
    const rng = random(3);
    for (let n = 0; n < given.count; n++) {
      const d = rowOf(given.observed, n);
      const best = exactTrade(d);
      expect(executes(best, d)).toBe(true);
      for (let k = 0; k < 20; k++) {
        const tried = noTrade();
        MARKETS.forEach(({ tokens }, j) => {
          const [i, o] = [rng.integer(tokens.length), rng.integer(tokens.length)];
          if (i === o) return;
          tried.x[OFFSETS[j]! + i] = 0.2 * rng.uniform() * d[OFFSETS[j]! + i]!;
          tried.y[OFFSETS[j]! + o] = 0.99 * d[OFFSETS[j]! + o]!;
        });
        const honest = inside(tried, d, new Float64Array(MARKETS.length));
        expect(executes(honest, d)).toBe(true);
        expect(utility(honest)).toBeLessThanOrEqual(utility(best) + 1e-9);
      }
    }
  });

  it("have the published test distribution's utility: 13.45 without margins, 12.9 at a margin of 1e-3", () => {
    const test = snapshots(500, "test");
    const mean = (margin: number) =>
      Array.from({ length: 500 }, (_, n) =>
        utility(exactTrade(rowOf(test.observed, n), { donation: new Array(5).fill(margin) })),
      ).reduce((a, b) => a + b) / 500;
    // 13.47 and 12.92 with another generator, ± 0.2 of sampling.
    expect(Math.abs(mean(0) - 13.47)).toBeLessThan(0.3);
    expect(Math.abs(mean(1e-3) - 12.92)).toBeLessThan(0.3);
    expect(meanExecuted(test, { donation: new Array(5).fill(1e-3) }, executesAsPublished)).toBeCloseTo(mean(1e-3), 9);
    expect(meanExecuted(test, { donation: new Array(5).fill(1e-3) })).toBeLessThan(7);
    expect(meanExecuted(test, { haircut })).toBeGreaterThan(13);
  });

  it("give up markets that only cost", () => {
    const d = rowOf(given.observed, 0);
    const forced = exactTrade(d, { donation: new Array(5).fill(0.05) });
    expect(utility(forced)).toBeLessThan(utility(profitable(forced)));
    expect(utility(profitable(forced))).toBeGreaterThanOrEqual(0);
  });
});

describe("the model", () => {
  it("has 126 numbers, and agrees with the exact optimum where its risk is zero", async () => {
    const model = paperModel();
    expect(model.size).toBe(126);
    const weights = {
      W: { shape: [WIDTH, WIDTH], data: new Float32Array(WIDTH * WIDTH) },
      delta: { shape: [5], data: Float32Array.from(haircut, Math.log) },
    };
    const given = snapshots(20, "test");
    const bundle = { manifest: { model: "trading", options: {}, card: {} }, weights } as never;
    const { trades, unconverged } = await learnedTrades(bundle, given);
    expect(unconverged).toBe(0);
    trades.forEach((trade, n) => {
      const exact = utility(exactTrade(rowOf(given.observed, n), { haircut }));
      expect(utility(trade)).toBeLessThanOrEqual(exact + 1e-6);
      expect(utility(trade)).toBeGreaterThan(exact - 2e-3);
    });
  });

  it("projects: idempotent, nonexpansive, and onto points of both sets", () => {
    const rng = random(4);
    const d = { shape: [6, WIDTH], data: Float64Array.from({ length: 6 * WIDTH }, () => 20 + 10 * rng.uniform()) };
    const xi = () => ({
      shape: [6, 4 * WIDTH],
      data: Float64Array.from({ length: 24 * WIDTH }, () => 0.4 * rng.normal()),
    });
    const v = input("v", ["N", 4 * WIDTH]);
    const sets = [
      acceptable(input("d", ["N", WIDTH]), constant(0.01)),
      balanced(constant(new Float32Array(WIDTH).fill(0.01), [1, WIDTH])),
    ];
    for (const set of sets) {
      for (let k = 0; k < 20; k++) {
        const [a, b] = [xi(), xi()];
        const [Pa, Pb] = [a, b].map((value) => interpret([set.project(v)], { v: value, d })[0]!);
        const again = interpret([set.project(v)], { v: Pa!, d })[0]!;
        for (const [i, value] of again.data.entries()) expect(Math.abs(value - Pa!.data[i]!)).toBeLessThan(1e-6);
        let [inner, apart] = [0, 0];
        Pa!.data.forEach((value, i) => {
          inner += (value - Pb!.data[i]!) * (a.data[i]! - b.data[i]!);
          apart += (value - Pb!.data[i]!) ** 2;
        });
        expect(apart).toBeLessThanOrEqual(inner + 1e-8);
      }
    }
  });

  it("gets a gradient to every margin and every risk weight within a market, in one application", async () => {
    const model = paperModel();
    const { operator, params } = model.trace();
    const zStar = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
    const loss = executedLoss(operator.read(jfb(operator, zStar)), input("target", ["N", 4 * WIDTH]));
    const gradients = gradient(sum(loss), [params["W"]!, params["delta"]!]);
    const { data, target } = tradingSet(snapshots(8, "train")).examples([0, 1, 2, 3, 4, 5, 6, 7], 0);
    const weights = model.initialWeights();
    await using compiled = await compileModel(model, weights);
    const { z } = await compiled.solve(data, { tolerance: 1e-5, maxSteps: 1000 });
    const feeds = { ...feedParams(weights), "data.d": data["d"]!, target, "state.z": z["z"]! };
    const [W, delta] = interpret(gradients, feeds);
    for (const value of delta!.data) expect(Math.abs(value)).toBeGreaterThan(0);
    expect(W!.data.filter((value) => value !== 0)).toHaveLength(25);
  });
});

describe("margins", () => {
  it("by conformal calibration execute what they promise on snapshots not seen", () => {
    const factor = conformalFactor(snapshots(399, "calibration"), haircut, 0.05);
    const fresh = snapshots(1000, "fresh");
    const done = Array.from({ length: 1000 }, (_, n) =>
      executes(
        exactTrade(rowOf(fresh.observed, n), { haircut: haircut.map((h) => h * factor) }),
        rowOf(fresh.reserves, n),
      ),
    ).filter(Boolean).length;
    // 95 % promised on average over calibrations; four standard deviations of both samples below.
    expect(done / 1000).toBeGreaterThan(0.95 - 4 * Math.sqrt(0.05 * 0.95 * (1 / 399 + 1 / 1000)));
    expect(done / 1000).toBeLessThan(0.999);
  });
  it("are refused for a promise the snapshots cannot keep", () => {
    expect(() => conformalFactor(snapshots(50, "calibration"), haircut, 0.01)).toThrow(
      /at least 99 calibration snapshots/,
    );
  });
});

describe("certificates", () => {
  it("risk is the inverse of the error a trade endures", () => {
    const given = snapshots(20, "test");
    const rng = random(8);
    for (let n = 0; n < given.count; n++) {
      const d = rowOf(given.observed, n);
      const trade = exactTrade(d, { haircut });
      const endured = 1 / riskOf(trade, d);
      expect(endured).toBeGreaterThan(1e-4);
      for (let k = 0; k < 20; k++) {
        const unit = Float64Array.from({ length: WIDTH }, () => rng.normal());
        const size = Math.hypot(...unit);
        const moved = Float64Array.from(d, (value, i) => value * (1 + (0.9 * endured * unit[i]!) / size));
        expect(MARKETS.every((_, j) => slack(j, trade, moved) >= 0)).toBe(true);
      }
      expect(riskOf(exactTrade(d), d)).toBeGreaterThan(1e6);
      expect(riskOf(noTrade(), d)).toBe(0);
    }
  });

  it("fail means abort: by risk, or by a loss", () => {
    const samples = Array.from({ length: 60 }, (_, k) => `sha256:${k.toString(16).padStart(64, "0")}`);
    const calibration = calibrate({
      values: { risk: samples.map((_, k) => 100 + k), profit: samples.map(() => 0) },
      reference: "inferences",
      samples,
    });
    const d = rowOf(snapshots(1, "test").observed, 0);
    expect(certifyTrade(exactTrade(d), d, calibration)).toMatchObject({ go: false, risk: { label: "fail" } });
    const losing = { x: new Float64Array(WIDTH).fill(1e-3), y: new Float64Array(WIDTH) };
    expect(certifyTrade(losing, d, calibration)).toMatchObject({ go: false, profit: { label: "fail" } });
    expect(certifyTrade(noTrade(), d, calibration)).toMatchObject({ go: true });
  });
});

describe("Table 4", () => {
  it("of the shipped weights: learned above one margin, executed, failures flagged", async () => {
    const result = await evaluateTrading(shipped(), { test: 120, calibration: 200, search: 100 });
    const row = (name: string) => result.rows.find(({ method }) => method === name)!;
    expect(row("learned").size).toBe(126);
    expect(row("learned").executed.mean).toBeGreaterThan(row("best_margin").executed.mean);
    expect(row("learned").fraction.mean).toBeGreaterThan(0.97);
    expect(row("analytic").riskFail).toBeGreaterThan(0.99);
    expect(result.failuresFlagged).toBeGreaterThan(0.98);
    expect(result.goodFlagged).toBeLessThan(0.1);
    expect(result.unconverged).toBe(0);
  });

  it("refuses another model, and draws its figures", async () => {
    const { manifest, weights } = shipped();
    await expect(
      learnedTrades({ manifest: { ...manifest, model: "ct" }, weights }, snapshots(2, "test")),
    ).rejects.toThrow("learnedTrades: expected a trading model");
    const given = snapshots(1, "test");
    const analytic = exactTrade(rowOf(given.observed, 0));
    const drawn = tradesFigure({
      reserves: given.reserves,
      learned: exactTrade(rowOf(given.observed, 0), { haircut }),
      analytic,
    });
    expect(drawn).toMatch(/^<svg.*executed, predicted utility.*refused, predicted utility.*<\/svg>$/s);
    expect(networkFigure().match(/<line /g)).toHaveLength(WIDTH);
  });
});
