/** @file Training of implicit models for their certificate. */

import { expect, it } from "vitest";
import { type Dense, dense } from "../../src/applications/implicit/dense.js";
import { predict } from "../../src/applications/implicit/predict.js";
import { inputBox, uniform } from "../../src/applications/implicit/robust/input-set.js";
import { certified, sensitivityMargins } from "../../src/applications/implicit/robust/margins.js";
import { noRecourse, recourseMargins } from "../../src/applications/implicit/robust/recourse.js";
import { stateBoxes } from "../../src/applications/implicit/robust/state-box.js";
import {
  certifiedClassifier,
  certifiedCrossEntropy,
  implicitOf,
  trainCertified,
} from "../../src/applications/implicit/robust/train.js";
import {
  counterpartClassifier,
  recourseClassifier,
  recourseOf,
  trainCounterpart,
  trainRecourse,
} from "../../src/applications/implicit/robust/train-recourse.js";
import { compileModel } from "../../src/model.js";
import { random } from "../../src/random.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";

const [p, q, states] = [6, 3, 8];
const sigma = 0.03;

/** The class is the largest of three pairs of inputs. */
function labelled(count: number, seed: number) {
  const draws = random(seed);
  const rows = Float32Array.from({ length: count * p }, () => draws.uniform());
  const labels = Uint8Array.from({ length: count }, (_, s) => {
    const sums = [0, 1, 2].map((k) => rows[s * p + 2 * k]! + rows[s * p + 2 * k + 1]!);
    return sums.indexOf(Math.max(...sums));
  });
  return { rows, labels };
}

const training = labelled(600, 1);
const test = labelled(200, 2);
const recipe = { training, states, classes: q, epochs: 6, batch: 20, learningRate: 1e-2, threads: 1 };

/** Shares of the test samples that are right, and that margins prove so. */
function shares(model: Parameters<typeof predict>[0], margins: (sample: Float64Array, label: number) => Float64Array) {
  const inputs: Dense = dense(200, p, Float64Array.from(test.rows));
  const Y = predict(model, inputs).Y.data;
  let [right, sure] = [0, 0];
  test.labels.forEach((label, s) => {
    const row = Y.subarray(s * q, (s + 1) * q);
    if (row.indexOf(Math.max(...row)) === label) right++;
    if (certified(margins(inputs.data.slice(s * p, (s + 1) * p), label))) sure++;
  });
  return { right: right / 200, sure: sure / 200 };
}

async function scores(budget: number) {
  const model = await trainCertified({ ...recipe, sigma: budget });
  const boxes = stateBoxes(model, inputBox(uniform(p, sigma)));
  const bounds = sensitivityMargins(boxes);
  return shares(model, (sample, label) => bounds.of(boxes.of(sample), label));
}

it("certifies more than training without perturbations does, and classifies", async () => {
  const [plain, robust] = [await scores(0), await scores(sigma)];
  expect(robust.sure).toBeGreaterThan(plain.sure + 0.05);
  expect(robust.right).toBeGreaterThan(0.75);
  expect(plain.right).toBeGreaterThan(0.75);
  expect(robust.sure).toBeLessThanOrEqual(robust.right);
}, 60_000);

it("reads the worst differences of outputs that the float64 bounds prove, and the record predicts what the engine does", async () => {
  const model = certifiedClassifier({ inputs: p, states, classes: q, kappa: 0.7, sigma, seed: 3 });
  const weights = model.initialWeights();
  weights["A"]!.data.forEach((_, i) => {
    weights["A"]!.data[i] = Math.sin(i);
  });
  const record = implicitOf(model, weights);
  const u = test.rows.slice(0, p);
  await using compiled = await compileModel(model, weights, { threads: 1 });
  const { x } = await compiled.solve({ u: { shape: [1, p], data: u } }, { tolerance: 1e-6 });
  const Y = predict(record, dense(1, p, Float64Array.from(u))).Y.data;
  const boxes = stateBoxes(record, inputBox(uniform(p, sigma)));
  for (let y = 0; y < q; y++) {
    const bounds = sensitivityMargins(boxes).of(boxes.of(Float64Array.from(u)), y);
    for (let k = 0; k < q; k++) {
      if (k === y) continue;
      expect(x.data[y * q + k]).toBeCloseTo(-bounds[k]!, 4);
      expect(x.data[y * q + k]!).toBeGreaterThan(Y[k]! - Y[y]!);
    }
  }
  for (let i = 0; i < states; i++) {
    const row = (record.A as Dense).data.subarray(i * states, (i + 1) * states);
    expect(row.reduce((sum, value) => sum + Math.abs(value), 0)).toBeLessThanOrEqual(0.7 + 1e-12);
  }
});

it.each([
  ["robust counterpart", trainCounterpart],
  ["affine recourse", trainRecourse],
])(
  "the %s certifies more than training without perturbations does, and classifies",
  async (_, train) => {
    const [plain, robust] = [await scored(train, 0), await scored(train, sigma)];
    expect(robust.sure).toBeGreaterThan(plain.sure + 0.05);
    expect(robust.right).toBeGreaterThan(0.75);
    expect(plain.right).toBeGreaterThan(0.75);
    expect(robust.sure).toBeLessThanOrEqual(robust.right);
  },
  60_000,
);

async function scored(train: typeof trainRecourse, budget: number) {
  const { model, recourse } = await train({ ...recipe, sigma: budget });
  const boxes = stateBoxes(model, inputBox(uniform(p, sigma)));
  const bounds = recourseMargins(boxes, recourse);
  return shares(model, (sample, label) => bounds.of(boxes.of(sample), label));
}

it.each([
  ["recourse", recourseClassifier, recourseOf],
  ["counterpart", counterpartClassifier, undefined],
] as const)(
  "the %s classifier reads the worst differences that the float64 bounds prove",
  async (_, classifier, slopesOf) => {
    const model = classifier({ inputs: p, states, classes: q, kappa: 0.7, sigma, seed: 4 });
    const weights = model.initialWeights();
    weights["A"]!.data.forEach((__, i) => {
      weights["A"]!.data[i] = Math.sin(i);
    });
    const record = implicitOf(model, weights);
    const recourse = slopesOf ? slopesOf(weights) : noRecourse(record);
    const u = test.rows.slice(0, p);
    await using compiled = await compileModel(model, weights, { threads: 1 });
    const { x } = await compiled.solve({ u: { shape: [1, p], data: u } }, { tolerance: 1e-6 });
    const boxes = stateBoxes(record, inputBox(uniform(p, sigma)));
    for (let y = 0; y < q; y++) {
      const bounds = recourseMargins(boxes, recourse).of(boxes.of(Float64Array.from(u)), y);
      for (let k = 0; k < q; k++) if (k !== y) expect(x.data[y * q + k]).toBeCloseTo(-bounds[k]!, 4);
    }
    expect(recourse.R.data.some((value) => value !== 0)).toBe(slopesOf !== undefined);
  },
);

it("the certified loss is the cross-entropy where nothing moves, and above it elsewhere", () => {
  const W = input("W", ["N", 2, 2]);
  const target = { shape: [1, 2, 2], data: Float32Array.of(1, 0, 0, 0) };
  const at = (gap: number) =>
    interpret([certifiedCrossEntropy(W, input("target", ["N", 2, 2]))], {
      W: { shape: [1, 2, 2], data: Float32Array.of(0, gap, 9, 0) },
      target,
    })[0]!.data[0]!;
  expect(at(-2)).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6);
  expect(at(-1)).toBeGreaterThan(at(-2));
});

it.each([{ sigma: Number.NaN }, { sigma: -1 }, { kappa: 1 }])("refuses %o", (change) => {
  const sizes = { inputs: p, states, classes: q, kappa: 0.5, sigma: 0.1, seed: 1 };
  expect(() => certifiedClassifier({ ...sizes, ...change })).toThrow(expect.objectContaining({ code: "parameter" }));
});
