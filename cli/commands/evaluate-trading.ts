/** @file vouch evaluate trading: Table 4 with intervals, for the learned model and for what needs no model. */

import { dirname } from "node:path";
import { snapshots } from "../../src/applications/trading/paper/data.js";
import {
  calibrateTrading,
  evaluateTrading,
  learnedTrades,
  type Mean,
  type TradingEvaluation,
  type TradingRow,
} from "../../src/applications/trading/paper/evaluate.js";
import { exactTrade, rowOf } from "../../src/applications/trading/paper/exact.js";
import { certifyTrade } from "../../src/applications/trading/paper/risk.js";
import type { EngineOptions } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import type { Bundle } from "../../src/files/bundle.js";
import { parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { networkFigure, tradesFigure } from "../figures/trading.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readBundled } from "../model-bundle.js";
import { integer, text } from "../options.js";
import { shippedModel } from "../paths.js";

export const evaluateTradingCommand = command({
  summary: "Score the paper's trading model, its certificates, and margins without learning, on test snapshots.",
  options: {
    model: { ...text("Weights.", "FILE", shippedModel("trading")), shown: "models/trading.safetensors" },
    published: {
      ...text("Weights of the model as published.", "FILE", shippedModel("trading-published")),
      shown: "models/trading-published.safetensors",
    },
    limit: integer("Test snapshots.", 500, { min: 2 }),
    calibration: integer("Snapshots to calibrate on.", 500, { min: 100 }),
    figure: text("Write Figure 8 here, and Figure 7 as FILE.network.svg beside it.", "FILE.svg", undefined),
    ...engineOptions,
  },
  async run({ name, options, out, signal }) {
    const { model, published, limit: test, calibration, figure } = options;
    const engine = engineOf(options);
    const called = `${name}: --model ${model}`;
    const bundle = await within(called, async () => parseBundle(await readBundled(model, "weights")));
    const rival = await within(`${name}: --published ${published}`, async () =>
      requireModel("trading-published", parseBundle(await readBundled(published, "weights"))),
    );
    const asked = { test, calibration, published: rival, signal, ...engine };
    const result = await within(called, () => evaluateTrading(bundle, asked));
    const times = await measure(bundle, calibration, engine);
    out.line(`${test} test snapshots; means with 95 % intervals; executed with reserves never negative.`);
    out.table(
      ["method", "numbers", "predicted", "executed utility", "executed", "… as published", "risk fail", "profit fail"],
      result.rows.map(cells),
    );
    report(result, out.line);
    if (figure !== undefined) {
      const network = figure.replace(/(\.svg)?$/, ".network.svg");
      const drawn = await figureTrades(bundle, engine);
      await within(`${name}: --figure`, async () => {
        await makeFolder(dirname(figure));
        await writeFileAtomic(figure, new TextEncoder().encode(tradesFigure(drawn)));
        await writeFileAtomic(network, new TextEncoder().encode(networkFigure()));
      });
      out.line(`Figures written to ${figure} and ${network}.`);
    }
    return { figures: { ...figuresOf(result), ...times } };
  },
});

function requireModel(model: string, bundle: Bundle): Bundle {
  if (bundle.manifest.model === model) return bundle;
  const [expected, got] = [`a model of ${model}`, `one of ${bundle.manifest.model}`];
  const remedy = `Pass a file made by \`vouch train ${model}\`.`;
  throw new VouchError("format", { name: "evaluateTrading", expected, got, remedy });
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

function cells({ method, size, predicted, executed, fraction, executedAsPublished, ...row }: TradingRow) {
  return [
    ...[method.replaceAll("_", " "), size, predicted.mean.toFixed(3)],
    `${executed.mean.toFixed(3)} [${executed.low.toFixed(3)}, ${executed.high.toFixed(3)}]`,
    percent(fraction.mean),
    `${executedAsPublished.mean.toFixed(3)} at ${percent(row.fractionAsPublished.mean)}`,
    ...[percent(row.riskFail), percent(row.profitFail)],
  ];
}

function report(
  { gain, failuresFlagged, goodFlagged, conformal, ...solves }: TradingEvaluation,
  line: (text: string) => void,
): void {
  line(
    `Failing or losing trades flagged beforehand: ${percent(failuresFlagged)}; good trades flagged: ${percent(goodFlagged)}.`,
  );
  line(
    `The learned model leaves ${gain.mean.toFixed(4)} [${gain.low.toFixed(4)}, ${gain.high.toFixed(4)}] more than the best haircut without learning.`,
  );
  line(
    `A haircut by conformal calibration executes ${percent(conformal.fraction)}, promised ${percent(conformal.level)}.`,
  );
  line(`${solves.unconverged} did not converge; ${solves.stepsMedian} steps in the median.`);
}

function figuresOf({
  rows,
  failuresFlagged,
  goodFlagged,
  gain,
  conformal,
  ...solves
}: TradingEvaluation): Record<string, number> {
  const by = rows.flatMap((row) => {
    const { method, predicted, executed, fraction, executedAsPublished, fractionAsPublished } = row;
    return [
      [`${method}_predicted_utility`, predicted.mean],
      ...interval(`${method}_executed_utility`, executed),
      ...interval(`${method}_executed_fraction`, fraction),
      ...interval(`${method}_published_utility`, executedAsPublished),
      ...interval(`${method}_published_fraction`, fractionAsPublished),
      [`${method}_risk_fail`, row.riskFail],
      [`${method}_profit_fail`, row.profitFail],
    ] as const;
  });
  return {
    ...Object.fromEntries(by),
    failures_flagged: failuresFlagged,
    good_flagged: goodFlagged,
    ...{ learned_gain: gain.mean, learned_gain_low: gain.low, learned_gain_high: gain.high },
    ...{ conformal_executed_fraction: conformal.fraction, conformal_level: conformal.level },
    ...{ unconverged: solves.unconverged, steps_median: solves.stepsMedian },
  };
}

function interval(key: string, { mean, low, high }: Mean) {
  return [[key, mean] as const, [`${key}_low`, low] as const, [`${key}_high`, high] as const];
}

/** Milliseconds a snapshot: the exact solver with certificates, one at a time; the model alone, in one batch and one at a time. */
async function measure(bundle: Bundle, held: number, engine: EngineOptions): Promise<Record<string, number>> {
  const calibration = await calibrateTrading(bundle, { calibration: held, ...engine });
  const given = snapshots(200, "test");
  const haircut = Float64Array.from(bundle.weights["delta"]!.data, Math.exp);
  const one = (n: number) =>
    certifyTrade(exactTrade(rowOf(given.observed, n), { haircut }), rowOf(given.observed, n), calibration);
  for (let n = 0; n < 50; n++) one(n);
  const started = performance.now();
  for (let n = 0; n < given.count; n++) one(n);
  const exact = (performance.now() - started) / given.count;
  const batch = performance.now();
  await learnedTrades(bundle, given, engine);
  return { ms_inference: exact, ms_inference_model: (performance.now() - batch) / given.count };
}

/** Figure 8's two trades on the first test snapshot: the learned model's and the analytic one. */
async function figureTrades(bundle: Bundle, engine: EngineOptions) {
  const given = snapshots(1, "test");
  const { trades } = await learnedTrades(bundle, given, engine);
  return { reserves: given.reserves, learned: trades[0]!, analytic: exactTrade(rowOf(given.observed, 0)) };
}
