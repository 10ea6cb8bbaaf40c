/** @file Certificates of a classification under perturbed pixels: how many hold, how tight, what they cost, and whether any attack breaks one. */

import { lpSolver } from "../cli/highs.js";
import { imagesFolder, imagesRemedy, readImageSet } from "../cli/labelled-images.js";
import { CLASSES, chosen, type LabelledImages, split } from "../src/applications/images/data.js";
import { type Dense, dense } from "../src/applications/implicit/dense.js";
import type { ImplicitModel } from "../src/applications/implicit/model.js";
import {
  type Attacked,
  attacked,
  projectedGradient,
  randomCorners,
  sparseAttack,
} from "../src/applications/implicit/robust/attacks.js";
import { inputBox, uniform } from "../src/applications/implicit/robust/input-set.js";
import { linearMargins } from "../src/applications/implicit/robust/linear-relaxation.js";
import {
  certified,
  intervalMargins,
  type MarginBounds,
  sensitivityMargins,
} from "../src/applications/implicit/robust/margins.js";
import { sensitivityRow } from "../src/applications/implicit/robust/sensitivity.js";
import { stateBoxes } from "../src/applications/implicit/robust/state-box.js";
import { trainCertified } from "../src/applications/implicit/robust/train.js";
import { random } from "../src/random.js";
import type { Bench } from "./main.js";

const STATES = 64;
const VALIDATION = 3000;
/** Budgets, in 255ths of a pixel's range. */
const BUDGETS = [1, 2, 4];
/** Images under attack, and attacks of each kind on each: 10,000 in all for each budget. */
const ATTACKED = 500;
const ATTACKS = 10;
const STEPS = 5;
/** Images whose margins are bounded by linear programs too, nine of them each. */
const BY_LP = 10;
/** Float64 rounding of the attacked outputs themselves. */
const EVALUATION = 1e-10;
/** A bound for this share of the budget is too small, and should be broken. */
export const CONTROL = 0.1;
/** Shares of pixels that sparse attacks move. */
const SHARES = [1, 5, 10];

export const robust: Bench = async (log) => {
  if (imagesFolder("fashion") === undefined) {
    log(`skipped: no Fashion-MNIST here. ${imagesRemedy("fashion")}`);
    return { figures: { violations: null, certified_accuracy_1_255: null }, env: { images: "none" } };
  }
  const { train, test } = await readImageSet("bench robust", "fashion", undefined);
  const { validation, rest } = split(train, { validation: VALIDATION }, 1);
  const started = performance.now();
  const model = await trainCertified({
    training: asRows(rest),
    validation: asRows(validation),
    ...{ states: STATES, classes: CLASSES },
    onPhase: (_, { phase, loss }) => log(`epoch ${phase + 1}: certified loss ${loss.toFixed(3)}`),
  });
  const seconds = (performance.now() - started) / 1e3;
  const target = attacked(model);
  const figures: Record<string, number> = { train_s: seconds, accuracy: accuracyOf(target, test) };
  log(`trained in ${seconds.toFixed(0)} s, accuracy ${figures["accuracy"]!.toFixed(4)}`);
  let violations = 0;
  for (const budget of BUDGETS) {
    const found = await atBudget(model, target, test, budget / 255, log);
    violations += found.violations;
    for (const [name, value] of Object.entries(found)) figures[`${name}_${budget}_255`] = value;
  }
  Object.assign(figures, sparse(model, target, test, log));
  return { figures: { violations, ...figures }, env: { images: "Fashion-MNIST" } };
};

export function asRows({ pixels, labels }: LabelledImages) {
  return { rows: pixels, labels };
}

export function inputsOf({ pixels, count }: LabelledImages): Dense {
  return dense(count, pixels.length / count, Float64Array.from(pixels));
}

export function first(images: LabelledImages, count: number): LabelledImages {
  return chosen(
    images,
    Array.from({ length: Math.min(count, images.count) }, (_, i) => i),
  );
}

/** Share of images whose largest output is at the label. */
export function accuracyOf(target: Attacked, images: LabelledImages, inputs = inputsOf(images)): number {
  const Y = target.outputs(inputs).data;
  let right = 0;
  images.labels.forEach((label, s) => {
    const row = Y.subarray(s * CLASSES, (s + 1) * CLASSES);
    if (row.every((value, k) => k === label || value < row[label]!)) right++;
  });
  return right / images.count;
}

async function atBudget(
  model: ImplicitModel,
  target: Attacked,
  test: LabelledImages,
  sigma: number,
  log: (line: string) => void,
) {
  const p = test.side ** 2;
  const pixels = inputsOf(test).data;
  const boxesAt = (size: number) => stateBoxes(model, inputBox(uniform(p, size)));
  const boxes = boxesAt(sigma);
  const methods = [intervalMargins(boxes), sensitivityMargins(boxes), linearMargins(boxes, await lpSolver())];
  const small = boxesAt(CONTROL * sigma);
  const control = intervalMargins(small);
  const state = { ms: 0, samples: 0 };
  const spent = methods.map(() => ({ ms: 0, samples: 0, least: 0, certified: 0 }));
  /** Bounds of the images that are attacked, by method, and those of the control. */
  const claims: { readonly honest: Float64Array[]; readonly control: Float64Array }[] = [];
  let either = 0;
  for (let s = 0; s < test.count; s++) {
    const [u, y] = [pixels.subarray(s * p, (s + 1) * p), test.labels[s]!];
    const box = timed(state, () => boxes.of(u));
    const bounds = methods.slice(0, s < BY_LP ? 3 : 2).map((method, m) => measured(spent[m]!, method, box, y, s));
    if (bounds.slice(0, 2).some(certified)) either++;
    if (s < ATTACKED) claims.push({ honest: bounds, control: control.of(small.of(u), y) });
  }
  const { violations, broken, accuracy } = attack(target, first(test, ATTACKED), sigma, claims);
  const [interval, sensitivity, lp] = spent as [Spent, Spent, Spent];
  log(
    `σ = ${(255 * sigma).toFixed(0)}/255: certified ${(either / test.count).toFixed(4)} (interval ${(interval.certified / test.count).toFixed(4)}, sensitivity ${(sensitivity.certified / test.count).toFixed(4)}), accuracy under attack ${accuracy.toFixed(4)}, ${violations} violations, ${broken} of a bound for a tenth of it`,
  );
  const ms = ({ ms: time, samples }: { ms: number; samples: number }) => time / samples;
  return {
    violations,
    control_broken: broken,
    certified_accuracy: either / test.count,
    certified_interval: interval.certified / test.count,
    certified_sensitivity: sensitivity.certified / test.count,
    attacked_accuracy: accuracy,
    least_margin_interval: interval.least / BY_LP,
    least_margin_sensitivity: sensitivity.least / BY_LP,
    least_margin_lp: lp.least / BY_LP,
    ms_state: ms(state),
    ms_interval: ms(interval),
    ms_sensitivity: ms(sensitivity),
    ms_lp: ms(lp),
  };
}

interface Spent {
  ms: number;
  samples: number;
  /** Sum over the images that linear programs see of the least margin that is proven. */
  least: number;
  certified: number;
}

function measured(
  spent: Spent,
  method: MarginBounds,
  box: Parameters<MarginBounds["of"]>[0],
  y: number,
  sample: number,
): Float64Array {
  const bounds = timed(spent, () => method.of(box, y));
  if (certified(bounds)) spent.certified++;
  if (sample < BY_LP) spent.least += Math.min(...bounds);
  return bounds;
}

function timed<T>(spent: { ms: number; samples: number }, work: () => T): T {
  const started = performance.now();
  const result = work();
  spent.ms += performance.now() - started;
  spent.samples++;
  return result;
}

/** Attacks whose margin is below what was claimed, by any method, and below what the control claims; accuracy under the worst attack of an image. */
export function attack(
  target: Attacked,
  images: LabelledImages,
  sigma: number,
  claims: readonly { readonly honest: Float64Array[]; readonly control: Float64Array }[],
) {
  const [U, y] = [inputsOf(images), images.labels];
  const held = new Uint8Array(images.count).fill(1);
  let [violations, broken] = [0, 0];
  for (let round = 0; round < 2 * ATTACKS; round++) {
    const stream = random(3).fork(`attack ${round}`);
    const moved =
      round < ATTACKS
        ? projectedGradient(target, U, y, sigma, { steps: STEPS, random: stream })
        : randomCorners(U, sigma, stream);
    const Y = target.outputs(moved).data;
    claims.forEach(({ honest, control }, s) => {
      const margins = Array.from({ length: CLASSES }, (_, k) => Y[s * CLASSES + y[s]!]! - Y[s * CLASSES + k]!);
      const below = (bounds: Float64Array) =>
        margins.some((margin, k) => k !== y[s] && !(margin >= bounds[k]! - EVALUATION));
      if (honest.some(below)) violations++;
      if (below(control)) broken++;
      if (margins.some((margin, k) => k !== y[s] && margin <= 0)) held[s] = 0;
    });
  }
  return { violations, broken, accuracy: held.reduce((a, b) => a + b, 0) / images.count };
}

/** Share of correctly classified images that a sparse attack turns, by the sensitivity of the margin and by its gradient. */
function sparse(model: ImplicitModel, target: Attacked, test: LabelledImages, log: (line: string) => void) {
  const images = first(test, ATTACKED);
  const [U, p] = [inputsOf(images), images.side ** 2];
  const rows = new Map<string, Float64Array>();
  const minus = (data: Float64Array, width: number, y: number, k: number) =>
    Float64Array.from({ length: width }, (_, i) => data[y * width + i]! - data[k * width + i]!);
  const sensitivity = (s: number, j: number, _: number, k: number) => {
    const y = images.labels[s]!;
    const row =
      rows.get(`${y},${k}`) ??
      sensitivityRow(model, minus(model.C.data, model.C.columns, y, k), minus(model.D.data, p, y, k));
    rows.set(`${y},${k}`, row);
    return row[j]!;
  };
  const before = accuracyOf(target, images);
  const turned = (count: number, score: Parameters<typeof sparseAttack>[4]) =>
    1 - accuracyOf(target, images, sparseAttack(target, U, images.labels, count, score)) / before;
  const figures: Record<string, number> = {};
  for (const share of SHARES) {
    const count = Math.round((share / 100) * p);
    const bySensitivity = turned(count, sensitivity);
    const byGradient = turned(count, (_, __, slope) => Math.abs(slope));
    figures[`sparse_sensitivity_${share}pc`] = bySensitivity;
    figures[`sparse_gradient_${share}pc`] = byGradient;
    log(
      `${share} % of pixels: turned ${bySensitivity.toFixed(3)} by sensitivity, ${byGradient.toFixed(3)} by gradient`,
    );
  }
  return figures;
}
