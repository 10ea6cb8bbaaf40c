/** @file The image classifiers: data, contraction at any weights, the explicit twin, training by every rule, the confidence certificate. */

import { beforeAll, describe, expect, it } from "vitest";
import {
  classified,
  digitImages,
  idxImages,
  imageBatch,
  type LabelledImages,
  split,
} from "../../src/applications/images/data.js";
import { bundleNetwork, evaluateImages, imageClassifier } from "../../src/applications/images/evaluate.js";
import { explicitNetwork, fixedPointNetwork } from "../../src/applications/images/network.js";
import { contractionSteps, type TrainedImages, trainImages } from "../../src/applications/images/train.js";
import { adjointIteration } from "../../src/backward/adjoint-iteration.js";
import { implicit } from "../../src/backward/implicit.js";
import { jfb } from "../../src/backward/jfb.js";
import { neumann } from "../../src/backward/neumann.js";
import type { BackwardRule } from "../../src/backward/rule.js";
import { unrolled } from "../../src/backward/unrolled.js";
import { wilson } from "../../src/certificates/wilson.js";
import { feedData, feedParams, type Model, type Weights } from "../../src/model.js";
import { random } from "../../src/random.js";
import { interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradient } from "../../src/tensor/vjp.js";
import { crossEntropy } from "../../src/training/cross-entropy.js";

/** Ten classes of 6×6 images: a bright pixel pair whose place is the class, on noise; in one of ten there is none to see. */
function toyImages(count: number, seed: number): LabelledImages {
  const draws = random(seed);
  const side = 6;
  const labels = Uint8Array.from({ length: count }, () => draws.integer(10));
  const pixels = Float32Array.from({ length: count * side * side }, () => 0.3 * draws.uniform());
  labels.forEach((label, n) => {
    if (draws.uniform() < 0.1) return;
    const at = n * side * side + (1 + Math.floor(label / 4)) * side + 1 + (label % 4);
    pixels[at] = 1;
    pixels[at + side] = 0.9;
  });
  return { count, side, pixels, labels };
}

const OPTIONS = { side: 6, pool: 2, gamma: 0.9, mean: 0.2, deviation: 0.3, seed: 1 };

/** Weights far larger than initial ones: a contraction there is not by luck. */
function wild(model: Model, scale: number): Weights {
  const draws = random(4);
  return Object.fromEntries(
    Object.entries(model.initialWeights()).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map(() => scale * draws.normal()) },
    ]),
  );
}

describe("data", () => {
  const images = toyImages(50, 1);

  it("a byte is b/255, and files that do not belong together are refused", () => {
    const bytes = { shape: [2, 1, 1], data: Uint8Array.of(0, 255) };
    const labels = { shape: [2], data: Uint8Array.of(3, 9) };
    expect(idxImages(bytes, labels)).toEqual({
      count: 2,
      side: 1,
      pixels: Float32Array.of(0, 1),
      labels: Uint8Array.of(3, 9),
    });
    expect(() => idxImages(bytes, { shape: [3], data: Uint8Array.of(1, 2, 3) })).toThrow("one an image");
    expect(() => idxImages({ shape: [2, 1, 2], data: new Uint8Array(4) }, labels)).toThrow("[count, side, side]");
    expect(() => idxImages(bytes, { shape: [2], data: Uint8Array.of(1, 10) })).toThrow("0 … 9");
  });

  it("digits are 64 sixteenths and a label, and a short line is refused by number", () => {
    const line = [...Array.from({ length: 64 }, (_, i) => i % 17), 7].join(",");
    const { pixels, labels, side } = digitImages(`${line}\n${line}\n`);
    expect([side, labels[1], pixels[16], pixels[64 + 1]]).toEqual([8, 7, 1, 1 / 16]);
    expect(() => digitImages(`${line}\n1,2,3\n`)).toThrow("line 2");
  });

  it("a split puts each image in one part, the same for the same seed", () => {
    const parts = split(images, { a: 7, b: 11 }, 3);
    const sums = (part: LabelledImages) =>
      Array.from({ length: part.count }, (_, n) => part.pixels.slice(36 * n, 36 * (n + 1)).reduce((s, v) => s + v, 0));
    const all = [parts.a, parts.b, parts.rest].flatMap(sums).sort();
    expect(all).toEqual(sums(images).sort());
    expect(split(images, { a: 7, b: 11 }, 3)).toEqual(parts);
    expect(split(images, { a: 7, b: 11 }, 4).a).not.toEqual(parts.a);
    expect(() => split(images, { a: 50 }, 3)).toThrow(expect.objectContaining({ code: "parameter" }));
  });

  it("targets are one-hot at the label", () => {
    const { target } = classified(images).examples([4, 9], 0);
    const rows = [0, 1].map((n) => [...target.data.subarray(10 * n, 10 * (n + 1))]);
    [4, 9].forEach((index, n) => {
      expect(rows[n]!.indexOf(1)).toBe(images.labels[index]);
      expect(rows[n]!.reduce((a, b) => a + b)).toBe(1);
    });
  });
});

describe("the fixed-point network", () => {
  const model = fixedPointNetwork(OPTIONS);
  const { operator } = model.trace();
  const shape = (operator.init() as { z: Tensor }).z.shape;
  const images = toyImages(3, 2);
  const data = feedData(model, imageBatch(images, 0, 3));
  const point = (seed: number, scale: number) => {
    const draws = random(seed);
    const length = 3 * shape.slice(1).reduce<number>((product, n) => product * (n as number), 1);
    return {
      shape: [3, ...(shape.slice(1) as number[])],
      data: Float64Array.from({ length }, () => scale * draws.normal()),
    };
  };
  const T = operator.apply({ z: input("z", shape) }) as { z: Tensor };
  const apply = (weights: Weights, z: ReturnType<typeof point>) =>
    interpret([T.z], { ...feedParams(weights), ...data, z })[0]!.data;

  it.each([0.1, 1, 30])("contracts by γ at weights of size %d, and not by much less than its bound says", (scale) => {
    const weights = wild(model, scale);
    let worst = 0;
    for (let seed = 0; seed < 10; seed++) {
      const [a, b] = [point(seed, 1), point(seed + 100, 1)];
      const [Ta, Tb] = [apply(weights, a), apply(weights, b)];
      for (let n = 0; n < 3; n++) {
        const width = Ta.length / 3;
        const distance = (u: Float64Array, v: Float64Array) =>
          Math.hypot(...u.subarray(n * width, (n + 1) * width).map((value, i) => value - v[n * width + i]!));
        worst = Math.max(worst, distance(Ta, Tb) / distance(a.data, b.data));
      }
    }
    expect(worst).toBeLessThanOrEqual(OPTIONS.gamma);
    expect(worst).toBeGreaterThan(OPTIONS.gamma / 4 - 0.01);
    const [condition] = operator.conditions();
    const [left, right] = interpret([condition!.left, condition!.right], feedParams(weights)).map(
      ({ data: d }) => d[0]!,
    );
    expect(left).toBeLessThanOrEqual(right!);
  });

  it("each sample's answer does not depend on its batch", () => {
    const weights = wild(model, 0.3);
    const x = operator.read(T);
    const together = interpret([x], { ...feedParams(weights), ...data, z: point(1, 1) })[0]!.data;
    const z = point(1, 1);
    const width = z.data.length / 3;
    const alone = interpret([x], {
      ...feedParams(weights),
      ...feedData(model, imageBatch(images, 1, 2)),
      z: { shape: [1, ...z.shape.slice(1)], data: z.data.slice(width, 2 * width) },
    })[0]!.data;
    expect([...alone]).toEqual([...together.subarray(10, 20)]);
  });

  it.each([{ gamma: 1 }, { gamma: 0 }, { pool: 3 }, { deviation: 0 }])("refuses %o", (change) => {
    expect(() => fixedPointNetwork({ ...OPTIONS, ...change })).toThrow(expect.objectContaining({ code: "parameter" }));
  });
});

it("the explicit network has the same parameters, and JFB is its exact gradient", () => {
  const [fpn, model] = [fixedPointNetwork(OPTIONS), explicitNetwork(OPTIONS)];
  const shapes = (m: Model) => Object.entries(m.params).map(([name, { shape }]) => [name, shape]);
  expect(shapes(model)).toEqual(shapes(fpn));
  expect(fixedPointNetwork({ ...OPTIONS, side: 28, pool: 3 }).size).toBe(54_256);
  const { operator, params } = model.trace();
  const set = classified(toyImages(2, 5)).examples([0, 1], 0);
  const feeds = { ...feedParams(wild(model, 0.2)), ...feedData(model, set.data), target: set.target };
  const names = ["first.K", "latent.1.0.K", "classes"];
  const slopes = (rule: BackwardRule) => {
    const x = operator.read(rule(operator, operator.init()));
    const graphs = gradient(
      sum(crossEntropy(x, input("target", x.shape))),
      names.map((name) => params[name]!),
    );
    return interpret(graphs, feeds).flatMap(({ data }) => [...data]);
  };
  const [once, exact] = [slopes(jfb), slopes(unrolled(3))];
  expect(Math.hypot(...exact)).toBeGreaterThan(1e-3);
  once.forEach((value, i) => {
    expect(Math.abs(value - exact[i]!)).toBeLessThan(1e-12);
  });
});

it("a contraction is solved in as many steps as γ asks for", () => {
  expect(contractionSteps(0.5)).toMatchObject({ cold: 8, tolerance: 1e-2 });
  expect(contractionSteps(0.95).cold).toBe(90);
});

describe("training", () => {
  const images = toyImages(500, 7);
  const test = toyImages(200, 8);
  const recipe = { images, epochs: 3, batch: 10, learningRate: 5e-3, validation: 100, calibration: 100, threads: 1 };
  const rules: Readonly<Record<string, BackwardRule>> = {
    jfb,
    cg: implicit({ tolerance: 1e-3, limit: 20 }),
    implicit: implicit({ tolerance: 1e-3, limit: 50, solver: adjointIteration }),
    neumann: neumann(3),
  };
  const trained: Record<string, TrainedImages & { products: number }> = {};
  beforeAll(async () => {
    for (const [name, backward] of Object.entries(rules)) {
      let products = 0;
      const onStep = (event: { products?: number }) => {
        products += event.products ?? 0;
      };
      trained[name] = { ...(await trainImages({ ...recipe, backward, onStep })), products };
    }
  }, 120_000);

  it.each(Object.keys(rules))("by %s learns the classes", async (rule) => {
    const figures = await evaluateImages(trained[rule]!.bundle, { images, test, threads: 1 });
    expect(figures.accuracy).toBeGreaterThan(0.75);
    expect(figures.unconverged).toBe(0);
    expect(figures.accuracy_low).toBeLessThan(figures.accuracy);
    expect(figures.accuracy_high).toBeGreaterThan(figures.accuracy);
  });

  it("JFB takes no product with the Jacobian, Neumann one a term, CG most", () => {
    const taken = Object.fromEntries(Object.entries(trained).map(([name, { products }]) => [name, products]));
    expect(taken["jfb"]).toBe(0);
    expect(taken["neumann"]).toBe(3 * 4 * 300);
    expect(taken["implicit"]).toBeGreaterThan(0);
    expect(taken["cg"]).toBeGreaterThan(taken["implicit"]!);
  });

  it("labels: about 5 % of images like those of the calibration fail, and answers that do not pass are wrong more often", async () => {
    const figures = await evaluateImages(trained["jfb"]!.bundle, { images, test, threads: 1 });
    expect(figures.fail).toBeLessThan(0.15);
    expect(figures.pass).toBeGreaterThan(0.8);
    expect(figures.accuracy_pass).toBeGreaterThan(figures.accuracy_not_pass);
  });

  it("another model's file is refused", async () => {
    const { bundle } = trained["jfb"]!;
    const other = { ...bundle, manifest: { ...bundle.manifest, model: "dictionary" } };
    expect(() => bundleNetwork(other)).toThrow(expect.objectContaining({ code: "format" }));
    await using classifier = await imageClassifier(bundle, { threads: 1 });
    expect(classifier.split).toEqual({ validation: 100, calibration: 100, seed: 1 });
  });
});

it("Wilson's interval holds the share, and shrinks with n", () => {
  expect(wilson(0.9, 10_000)[0]).toBeCloseTo(0.8939, 3);
  expect(wilson(1, 20)[1]).toBeCloseTo(1, 9);
  expect(wilson(0.5, 10)[1] - wilson(0.5, 10)[0]).toBeGreaterThan(wilson(0.5, 1000)[1] - wilson(0.5, 1000)[0]);
});
