/** @file Robust trainings side by side: by sensitivity, by the robust counterpart, and with affine recourse, on the same images. */

import { imagesFolder, imagesRemedy, readImageSet } from "../cli/labelled-images.js";
import { CLASSES } from "../src/applications/images/data.js";
import type { ImplicitModel } from "../src/applications/implicit/model.js";
import { attacked } from "../src/applications/implicit/robust/attacks.js";
import { inputBox, uniform } from "../src/applications/implicit/robust/input-set.js";
import { certified, intervalMargins, sensitivityMargins } from "../src/applications/implicit/robust/margins.js";
import { noRecourse, type Recourse, recourseMargins } from "../src/applications/implicit/robust/recourse.js";
import { stateBoxes } from "../src/applications/implicit/robust/state-box.js";
import { type TrainCertifiedOptions, trainCertified } from "../src/applications/implicit/robust/train.js";
import { trainCounterpart, trainRecourse } from "../src/applications/implicit/robust/train-recourse.js";
import type { Bench } from "./main.js";
import { accuracyOf, asRows, attack, CONTROL, first, inputsOf } from "./robust.js";

const TRAINING = { images: 10_000, states: 64, epochs: 5, batch: 100, sigma: 2 / 255, seed: 1 } as const;
/** Test images that are certified, and of these those under 20 attacks each. */
const [TESTED, ATTACKED] = [1000, 200];
/** Budgets, in 255ths of a pixel's range. */
const BUDGETS = [1, 2, 4];

type Train = (
  options: TrainCertifiedOptions,
) => Promise<{ readonly model: ImplicitModel; readonly recourse?: Recourse }>;
const trainings: Readonly<Record<string, Train>> = {
  sensitivity: async (options) => ({ model: await trainCertified(options) }),
  counterpart: trainCounterpart,
  recourse: trainRecourse,
};

export const recourse: Bench = async (log) => {
  if (imagesFolder("fashion") === undefined) {
    log(`skipped: no Fashion-MNIST here. ${imagesRemedy("fashion")}`);
    return { figures: { violations: null }, env: { images: "none" } };
  }
  const { train, test: all } = await readImageSet("bench", "fashion", undefined);
  const { images, ...recipe } = TRAINING;
  const [training, test] = [asRows(first(train, images)), first(all, TESTED)];
  const figures: Record<string, number> = {};
  let [violations, broken] = [0, 0];
  for (const [name, learn] of Object.entries(trainings)) {
    const started = performance.now();
    const { model, recourse: slopes = noRecourse(model) } = await learn({ ...recipe, training, classes: CLASSES });
    figures[`train_s_${name}`] = (performance.now() - started) / 1e3;
    const target = attacked(model);
    figures[`accuracy_${name}`] = accuracyOf(target, test);
    for (const budget of BUDGETS) {
      const sigma = budget / 255;
      const { shares, claims } = certify(model, slopes, sigma, test);
      for (const [bound, share] of Object.entries(shares))
        figures[`certified_${name}_by_${bound}_${budget}_255`] = share;
      const found = attack(target, first(test, ATTACKED), sigma, claims);
      violations += found.violations;
      broken += found.broken;
      log(
        `trained by ${name}, σ = ${budget}/255: certified ${Object.entries(shares)
          .map(([bound, share]) => `${share.toFixed(3)} by ${bound}`)
          .join(", ")}; accuracy ${figures[`accuracy_${name}`]!.toFixed(3)}, under attack ${found.accuracy.toFixed(3)}`,
      );
    }
  }
  return { figures: { violations, control_broken: broken, ...figures }, env: { images: "Fashion-MNIST" } };
};

/** Shares of images whose class is certified, by each bound, and what is claimed of those that are attacked. */
function certify(model: ImplicitModel, slopes: Recourse, sigma: number, test: ReturnType<typeof first>) {
  const p = test.side ** 2;
  const pixels = inputsOf(test).data;
  const boxesAt = (size: number) => stateBoxes(model, inputBox(uniform(p, size)));
  const [boxes, small] = [boxesAt(sigma), boxesAt(CONTROL * sigma)];
  const methods = [intervalMargins(boxes), sensitivityMargins(boxes), recourseMargins(boxes, slopes)];
  const control = recourseMargins(small, slopes);
  const counts = methods.map(() => 0);
  const claims: { readonly honest: Float64Array[]; readonly control: Float64Array }[] = [];
  for (let s = 0; s < test.count; s++) {
    const [u, y] = [pixels.subarray(s * p, (s + 1) * p), test.labels[s]!];
    const box = boxes.of(u);
    const bounds = methods.map((method) => method.of(box, y));
    bounds.forEach((bound, m) => {
      if (certified(bound)) counts[m]!++;
    });
    if (s < ATTACKED) claims.push({ honest: bounds, control: control.of(small.of(u), y) });
  }
  const shares = Object.fromEntries(methods.map(({ name }, m) => [name, counts[m]! / test.count]));
  return { shares, claims };
}
