/** @file vouch evaluate knapsack: regret and accuracy of a knapsack layer against the exact solver. */

import { evaluateKnapsack } from "../../src/applications/decisions/knapsack/evaluate.js";
import { parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { mipSolver } from "../highs.js";
import { knapsackData, knapsackOptions } from "../knapsack-data.js";
import { readBundled } from "../model-bundle.js";
import { weightsFile } from "../models.js";
import { integer, text } from "../options.js";

export const evaluateKnapsackCommand = command({
  summary: "Score a knapsack layer on test contexts: regret against the exact solver, accuracy, proofs, certificates.",
  options: {
    ...knapsackOptions,
    test: integer("The contexts after those to train on, to test on.", 200, { min: 1 }),
    calibration: integer("The contexts after those, to calibrate certificates on; 0 labels nothing.", 300, { min: 0 }),
    model: text("A file of weights.", "NAME", "out/knapsack.safetensors"),
    ...engineOptions,
  },
  async run({ name, options, out, signal }) {
    const { data: file, train, test, calibration, model } = options;
    const called = `${name}: --model ${model}`;
    const weights = weightsFile(`${name}: --model`, model);
    const bundle = await within(called, async () => parseBundle(await readBundled(weights, "weights")));
    const data = await knapsackData(name, file, { train, test, calibration });
    const solve = await mipSolver();
    const result = await within(called, () => evaluateKnapsack(bundle, data, solve, { signal, ...engineOf(options) }));
    const [low, high] = result.accuracyInterval;
    const distances = result.decisions.map(({ values }) => values.integrality).sort((a, b) => a - b);
    const excess = Math.max(...result.decisions.map(({ values }) => values.capacity));
    const percent = (value: number) => (Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`);
    out.line(`${test} test contexts of a knapsack of ${data.items} items, ${data.knapsack.weights.length} capacities.`);
    out.table(
      [
        ...["regret", "of one set for all", "best sets", "95 %", "proven", "not converged", "median distance"],
        ...["largest excess", "flagged if best", "flagged if not"],
      ],
      [
        [
          ...[percent(result.regret), percent(result.regretBlind), percent(result.accuracy)],
          ...[`${percent(low)} … ${percent(high)}`, percent(result.proven), result.unconverged],
          ...[distances[distances.length >> 1]!.toFixed(2), excess.toExponential(1)],
          ...[percent(result.accurateFlagged), percent(result.otherFlagged)],
        ],
      ],
    );
    const k = data.items;
    const rates = { accurate_flagged: result.accurateFlagged, other_flagged: result.otherFlagged };
    const known = Object.entries(rates).filter(([, value]) => !Number.isNaN(value));
    return {
      figures: {
        [`regret_${k}`]: result.regret,
        [`regret_blind_${k}`]: result.regretBlind,
        [`accuracy_${k}`]: result.accuracy,
        [`accuracy_low_${k}`]: low,
        [`accuracy_high_${k}`]: high,
        [`proven_${k}`]: result.proven,
        ...Object.fromEntries(known.map(([key, value]) => [`${key}_${k}`, value])),
        [`unconverged_${k}`]: result.unconverged,
        [`excess_${k}`]: excess,
      },
    };
  },
});
