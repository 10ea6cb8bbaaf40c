/** @file vouch evaluate images: accuracy of an image classifier, and what its confidence certificate says of wrong answers. */

import { chosen } from "../../src/applications/images/data.js";
import { evaluateImages } from "../../src/applications/images/evaluate.js";
import { parseBundle } from "../../src/files/bundle.js";
import { command } from "../command.js";
import { engineOf, engineOptions } from "../ct.js";
import { within } from "../errors.js";
import { imageOptions, readImageSet } from "../labelled-images.js";
import { readBundled } from "../model-bundle.js";
import { weightsFile } from "../models.js";
import { integer, text } from "../options.js";

export const evaluateImagesCommand = command({
  summary: "Score an image classifier and its confidence certificate on test images.",
  options: {
    model: text("Weights, or the name of a shipped model.", "FILE", "out/images.safetensors"),
    ...imageOptions,
    limit: integer("Test images, from the first on; all by default.", undefined, { min: 2 }),
    ...engineOptions,
  },
  async run(context) {
    const { name, options, out, signal } = context;
    const { model, data, images: folder, limit } = options;
    const called = `${name}: --model ${model}`;
    const path = weightsFile(`${name}: --model`, model);
    const bundle = await within(called, async () => parseBundle(await readBundled(path, "weights")));
    const set = await readImageSet(`${name}: --data ${data}`, data, folder);
    const count = Math.min(limit ?? set.test.count, set.test.count);
    const test = chosen(
      set.test,
      Array.from({ length: count }, (_, i) => i),
    );
    const bar = context.progress("images", 2 * count, "images");
    const onProgress = ({ solved, total }: { solved: number; total: number }) =>
      bar.update(Math.round((2 * count * solved) / total));
    const figures = await within(called, () =>
      evaluateImages(bundle, { images: set.train, test, signal, onProgress, ...engineOf(options) }),
    ).finally(() => bar.stop());
    const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
    out.line(`${count} test images.`);
    out.table(
      ["", "share"],
      [
        ["right", percent(figures.accuracy)],
        ["right, of those whose confidence passes", percent(figures.accuracy_pass)],
        ["right, of the others", percent(figures.accuracy_not_pass)],
        ["confidence passes", percent(figures.pass)],
        ["confidence fails", percent(figures.fail)],
        ["confidence fails where pixels were scrambled", percent(figures.scrambled_fail)],
      ],
    );
    out.line(
      `Accuracy in [${percent(figures.accuracy_low)}, ${percent(figures.accuracy_high)}] at 95 %. ${figures.unconverged} did not converge; ${figures.steps_median} steps in the median.`,
    );
    return { figures: { ...figures } };
  },
});
