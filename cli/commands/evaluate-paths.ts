/** @file vouch evaluate paths: regret, accuracy and certificates of shortest-path layers, and what an epoch takes. */

import { dirname } from "node:path";
import { type PathData, someOf } from "../../src/applications/decisions/paths/data.js";
import { pathOptions } from "../../src/applications/decisions/paths/decide.js";
import { evaluatePaths, type PathEvaluation } from "../../src/applications/decisions/paths/evaluate.js";
import { PATHS_RECIPE, trainPaths } from "../../src/applications/decisions/paths/train.js";
import type { EngineOptions } from "../../src/engine/session.js";
import { type Bundle, parseBundle } from "../../src/files/bundle.js";
import { type Context, command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { pathsFigure } from "../figures/paths.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readBundled } from "../model-bundle.js";
import { weightsFile } from "../models.js";
import { integer, type Options, text } from "../options.js";
import { pathData } from "../path-data.js";

/** Grids that come with the package. */
const SHIPPED = [5, 10, 15, 20, 30, 50, 100].map((k) => `paths-${k}`);
/** From this size on an epoch takes many seconds, and is timed on few contexts. */
const LARGE = 50;
const FEW = 200;

export const evaluatePathsCommand = command({
  summary: "Score shortest-path layers on test contexts: regret, accuracy, proofs, certificates, seconds an epoch.",
  options: {
    models: {
      ...text("Shipped models or files of weights, between commas.", "NAME,…", SHIPPED.join(",")),
      shown: "all that are shipped, 5×5 to 100×100",
    },
    calibration: integer("Contexts to calibrate on.", 300, { min: 80 }),
    epochs: integer(
      `Epochs trained anew to measure their time, from ${LARGE}×${LARGE} on of ${FEW} contexts; 0 measures none.`,
      5,
      { min: 0 },
    ),
    figure: text("Draw the test decision of the largest regret of the last model here.", "FILE.svg", undefined),
    ...engineOptions,
  },
  async run(context) {
    const { name, options, out, signal } = context;
    const { models, calibration, epochs, figure } = options;
    const engine = engineOf(options);
    const figures: Record<string, number> = {};
    const rows: (string | number)[][] = [];
    for (const word of models.split(",")) {
      const file = weightsFile(`${name}: --models`, word.trim());
      const called = `${name}: --models ${word}`;
      const bundle = await within(called, async () => parseBundle(await readBundled(file, "weights")));
      const { size, neighbours } = await within(called, async () => pathOptions(bundle));
      const { data, source } = await pathData(name, size, neighbours);
      const grid = `${size}×${size}${neighbours === 8 ? " of 8" : ""}`;
      const bar = context.progress(`decide ${grid}`, data.test.count + calibration, "contexts");
      const onProgress = ({ solved }: { solved: number }) => bar.update(solved);
      const result = await within(called, () =>
        evaluatePaths(bundle, data, { calibration, signal, onProgress, ...engine }),
      ).finally(() => bar.stop());
      const seconds = epochs > 0 ? await secondsPerEpoch(context, { bundle, data, epochs, engine }) : undefined;
      Object.assign(figures, figuresOf(neighbours === 8 ? `${size}_of_8` : size, result, seconds));
      rows.push(cells(grid, result, seconds ?? Number.NaN));
      const few = epochs > 0 && size >= LARGE ? ` An epoch is timed on ${FEW} contexts and scaled to all.` : "";
      out.line(
        `${grid}: ${data.test.count} test contexts, ${source}; calibrated on ${calibration} drawn contexts.${few}`,
      );
      if (figure !== undefined) {
        const svg = pathsFigure(data, result);
        await within(`${name}: --figure`, async () => {
          await makeFolder(dirname(figure));
          await writeFileAtomic(figure, new TextEncoder().encode(svg));
        });
      }
    }
    out.table(HEADING, rows);
    if (figure !== undefined) out.line(`Figure written to ${figure}.`);
    return { figures };
  },
});

const HEADING = [
  ...["grid", "regret", "optimal paths", "95 %", "proven", "steps", "not converged"],
  ...["flagged if optimal", "flagged if not", "s per epoch"],
];
const percent = (value: number) => (Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`);

function cells(grid: string, result: PathEvaluation, seconds: number): (string | number)[] {
  const [low, high] = result.accuracyInterval;
  return [
    ...[grid, result.regret.toExponential(2), percent(result.accuracy), `${percent(low)} … ${percent(high)}`],
    ...[percent(result.proven), result.stepsMedian, result.unconverged],
    ...[percent(result.accurateFlagged), percent(result.otherFlagged)],
    Number.isNaN(seconds) ? "–" : seconds.toFixed(2),
  ];
}

function figuresOf(k: number | string, result: PathEvaluation, seconds: number | undefined): Record<string, number> {
  const rates = { accurate_flagged: result.accurateFlagged, other_flagged: result.otherFlagged };
  const known = Object.entries(rates).filter(([, value]) => !Number.isNaN(value));
  return {
    [`regret_${k}`]: result.regret,
    [`accuracy_${k}`]: result.accuracy,
    [`accuracy_low_${k}`]: result.accuracyInterval[0],
    [`accuracy_high_${k}`]: result.accuracyInterval[1],
    [`proven_${k}`]: result.proven,
    [`unconverged_${k}`]: result.unconverged,
    ...Object.fromEntries(known.map(([key, value]) => [`${key}_${k}`, value])),
    ...(seconds === undefined ? {} : { [`s_per_epoch_${k}`]: seconds }),
  };
}

interface Timed {
  readonly bundle: Bundle;
  readonly data: PathData;
  readonly epochs: number;
  readonly engine: EngineOptions;
}

/** Wall time of a step of a training from its start, without the first one, times the steps of the recipe's epoch. */
async function secondsPerEpoch(context: Context<Options>, { bundle, data, epochs, engine }: Timed): Promise<number> {
  const { context: _, neighbours: __, size, ...made } = pathOptions(bundle);
  const { validation, batch } = PATHS_RECIPE;
  const kept = data.train.count - validation;
  const timed = size >= LARGE ? Math.min(FEW, kept) : kept;
  const bar = context.progress(`train ${size}×${size}`, epochs * Math.ceil(timed / batch), "steps");
  let [first, last, steps] = [Number.NaN, Number.NaN, 0];
  await trainPaths(
    { ...data, train: someOf(data.train, 0, timed + 1) },
    {
      ...{ ...made, ...engine, signal: context.signal, validation: 1, phases: 1, passes: epochs },
      onStep: ({ t }) => {
        last = performance.now();
        if (t === 1) first = last;
        steps = t;
        bar.update(t);
      },
    },
  ).finally(() => bar.stop());
  return (((last - first) / (steps - 1)) * Math.ceil(kept / batch)) / 1000;
}
