/** @file vouch evaluate paths: regret, accuracy and certificates of shortest-path layers, and what an epoch takes. */

import { dirname } from "node:path";
import type { PathData } from "../../src/applications/decisions/paths/data.js";
import { pathOptions } from "../../src/applications/decisions/paths/decide.js";
import { evaluatePaths, type PathEvaluation } from "../../src/applications/decisions/paths/evaluate.js";
import { PATHS_RECIPE, trainPaths } from "../../src/applications/decisions/paths/train.js";
import type { EngineOptions } from "../../src/engine/session.js";
import { type Bundle, parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { pathsFigure } from "../figures/paths.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readBundled } from "../model-bundle.js";
import { weightsFile } from "../models.js";
import { integer, text } from "../options.js";
import { pathData } from "../path-data.js";

export const evaluatePathsCommand = command({
  summary: "Score shortest-path layers on test contexts: regret, accuracy, proofs, certificates, seconds an epoch.",
  options: {
    models: text("Shipped models or files of weights, between commas.", "NAME,…", "paths-5,paths-10"),
    calibration: integer("Contexts to calibrate on.", 300, { min: 80 }),
    epochs: integer("Epochs trained anew to measure their time; 0 measures none.", 5, { min: 0 }),
    figure: text("Draw the test decision of the largest regret of the last model here.", "FILE.svg", undefined),
    ...engineOptions,
  },
  async run({ name, options, out, signal }) {
    const { models, calibration, epochs, figure } = options;
    const engine = engineOf(options);
    const figures: Record<string, number> = {};
    const rows: (string | number)[][] = [];
    for (const word of models.split(",")) {
      const file = weightsFile(`${name}: --models`, word.trim());
      const called = `${name}: --models ${word}`;
      const bundle = await within(called, async () => parseBundle(await readBundled(file, "weights")));
      const { size } = await within(called, async () => pathOptions(bundle));
      const { data, source } = await pathData(name, size);
      const result = await within(called, () => evaluatePaths(bundle, data, { calibration, signal, ...engine }));
      const seconds = epochs > 0 ? await secondsPerEpoch(bundle, data, epochs, { signal, ...engine }) : Number.NaN;
      Object.assign(figures, figuresOf(size, result, epochs > 0 ? seconds : undefined));
      rows.push(cells(`${size}×${size}`, result, seconds));
      out.line(
        `${size}×${size}: ${data.test.count} test contexts, ${source}; calibrated on ${calibration} drawn contexts.`,
      );
      if (figure !== undefined) {
        const svg = pathsFigure(size, data.test, result);
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

function figuresOf(k: number, result: PathEvaluation, seconds: number | undefined): Record<string, number> {
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

/** Wall time of a phase of training from its start, without the time to its first step, over the epochs. */
async function secondsPerEpoch(
  { manifest }: Bundle,
  data: PathData,
  epochs: number,
  options: EngineOptions & { signal: AbortSignal },
): Promise<number> {
  const { context: _, size: __, ...made } = pathOptions({ manifest, weights: {} });
  let [first, last, steps] = [Number.NaN, Number.NaN, 0];
  await trainPaths(data, {
    ...made,
    ...options,
    phases: 1,
    passes: epochs,
    onStep: ({ t }) => {
      last = performance.now();
      if (t === 1) first = last;
      steps = t;
    },
  });
  const each = Math.ceil((data.train.count - PATHS_RECIPE.validation) / PATHS_RECIPE.batch);
  return (((last - first) / (steps - 1)) * each) / 1000;
}
