/** @file vouch evaluate dictionary: errors of the learned dictionary, and how its certificates tell right from wrong. */

import { dirname } from "node:path";
import { evaluateDictionary } from "../../src/applications/dictionary/evaluate.js";
import { dictionaryFigureData } from "../../src/applications/dictionary/figures.js";
import { parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { dictionaryAnswersFigure, dictionaryCodeFigure } from "../figures/dictionary.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readBundled } from "../model-bundle.js";
import { integer, text } from "../options.js";
import { shippedModel } from "../paths.js";

export const evaluateDictionaryCommand = command({
  summary: "Score the implicit dictionary and its certificates on test signals.",
  options: {
    model: { ...text("Weights.", "FILE", shippedModel("dictionary")), shown: "models/dictionary.safetensors" },
    limit: integer("Test signals.", 1000, { min: 2 }),
    calibration: integer("Signals to calibrate on.", 500, { min: 19 }),
    figure: text("Write Figure 3 here, and Figure 5 as FILE.code.png beside it.", "FILE.png", undefined),
    ...engineOptions,
  },
  async run(context) {
    const { name, options, out, signal } = context;
    const { model, limit: test, calibration, figure } = options;
    const engine = engineOf(options);
    const called = `${name}: --model ${model}`;
    const bundle = await within(called, async () => parseBundle(await readBundled(model, "weights")));
    if (figure !== undefined) await within(`${name}: --figure`, () => makeFolder(dirname(figure)));
    const bar = context.progress("dictionary", test + calibration, "signals");
    const onProgress = ({ solved }: { solved: number }) => bar.update(solved);
    const figures = await within(called, () =>
      evaluateDictionary(bundle, { test, calibration, signal, onProgress, ...engine }),
    ).finally(() => bar.stop());
    const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
    out.line(`${test} test signals, calibrated on ${calibration}.`);
    out.table(
      ["", "share"],
      [
        ["relative error of inferences", percent(figures.test_relative_error)],
        ["true signals that pass", percent(figures.true_pass)],
        ["inferences that pass", percent(figures.inference_pass)],
        ["wrong signals that fail in fidelity", percent(figures.wrong_fidelity_fail)],
        ["least squares answers that fail in sparsity", percent(figures.least_squares_sparsity_fail)],
      ],
    );
    out.line(`${figures.unconverged} did not converge; ${figures.steps_median} steps in the median.`);
    if (figure !== undefined) {
      const data = await dictionaryFigureData(bundle, { calibration, signal, ...engine });
      const code = figure.replace(/(\.png)?$/, ".code.png");
      await writeFileAtomic(figure, dictionaryAnswersFigure(data));
      await writeFileAtomic(code, dictionaryCodeFigure(data));
      out.line(`Figures written to ${figure} and ${code}.`);
    }
    return { figures: { ...figures } };
  },
});
