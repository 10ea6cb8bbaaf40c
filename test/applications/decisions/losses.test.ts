/** @file Losses of predicted costs: subgradients against differences, bounds of the regret, training by each. */

import { describe, expect, it } from "vitest";
import {
  blackbox,
  type CostLoss,
  perturbedFenchelYoung,
  spoPlus,
  squaredCosts,
} from "../../../src/applications/decisions/losses.js";
import { asNetwork, twoLayers } from "../../../src/applications/decisions/network.js";
import { drawPathData } from "../../../src/applications/decisions/paths/data.js";
import { evaluatePaths } from "../../../src/applications/decisions/paths/evaluate.js";
import { flowRegret, PATH_LOSSES, pathOracle, pathSet } from "../../../src/applications/decisions/paths/losses.js";
import { trainPaths } from "../../../src/applications/decisions/paths/train.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { input } from "../../../src/tensor/primitives/leaf.js";
import { fitNetwork, fitOutside } from "../../../src/training/fit.js";
import { initialArrays } from "../../../src/training/network.js";
import type { OutsideLoss } from "../../../src/training/outside.js";
import { sgd } from "../../../src/training/sgd.js";

const K = 4;
const EDGES = 2 * K * (K - 1);
const oracle = pathOracle(K);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
const drawn = (stream: string) => {
  const rng = random(6).fork(stream);
  return Float64Array.from({ length: EDGES }, () => 4 * rng.uniform() - 1);
};

const losses: [string, CostLoss][] = [
  ["two-stage", squaredCosts()],
  ["spo+", spoPlus(oracle)],
  ["fenchel-young", perturbedFenchelYoung(oracle, { draws: 4, scale: 0.5 })],
  ["blackbox", blackbox(oracle, { interpolation: 2 })],
];
/** A sample of each loss, with what it learns from. */
const sample = (loss: CostLoss, n: number) => {
  const costs = drawn(`costs ${n}`);
  return { costs, target: loss.learnsFrom === "costs" ? costs : Float64Array.from(oracle(costs)) };
};

describe.each(losses)("%s", (_, loss) => {
  it("has the gradient of central differences, where decisions do not change", () => {
    for (let n = 0; n < 5; n++) {
      const { target } = sample(loss, n);
      const predicted = drawn(`predicted ${n}`);
      const { gradient } = loss.at(predicted, target, n);
      expect(Math.hypot(...gradient)).toBeGreaterThan(0.1);
      const h = 1e-7;
      for (let i = 0; i < EDGES; i++) {
        const [up, down] = [h, -h].map((step) => loss.at(predicted.with(i, predicted[i]! + step), target, n).value);
        expect((up! - down!) / (2 * h)).toBeCloseTo(gradient[i]!, 6);
      }
    }
  });
});

describe.each(losses.slice(0, 3))("%s", (_, loss) => {
  it("is convex and ≥ 0: above each of its tangents", () => {
    for (let n = 0; n < 20; n++) {
      const { target } = sample(loss, n);
      const [a, b] = [drawn(`a ${n}`), drawn(`b ${n}`)];
      const [atA, atB] = [a, b].map((costs) => loss.at(costs, target, n));
      expect(atA!.value).toBeGreaterThanOrEqual(-1e-12);
      const tangent =
        atA!.value +
        dot(
          atA!.gradient,
          b.map((value, i) => value - a[i]!),
        );
      expect(atB!.value).toBeGreaterThanOrEqual(tangent - 1e-9);
    }
  });
});

describe("bounds", () => {
  it("SPO+ is at least the regret, and 0 where the prediction is the truth", () => {
    const loss = spoPlus(oracle);
    let positive = 0;
    for (let n = 0; n < 50; n++) {
      const [costs, predicted] = [drawn(`costs ${n}`), drawn(`other ${n}`)];
      const regret = dot(costs, oracle(predicted)) - dot(costs, oracle(costs));
      if (regret > 0.1) positive++;
      expect(loss.at(predicted, costs, n).value).toBeGreaterThanOrEqual(regret - 1e-12);
      const true_ = loss.at(costs, costs, n);
      expect(true_.value).toBeCloseTo(0, 12);
      expect(Math.hypot(...true_.gradient)).toBe(0);
    }
    expect(positive).toBeGreaterThan(20);
  });

  it("the interpolated Hamming distance is at most the distance, and it where λ is small", () => {
    const hamming = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x).reduce((sum, value, i) => sum + Math.abs(value - y[i]!), 0);
    for (let n = 0; n < 20; n++) {
      const [best, predicted] = [Float64Array.from(oracle(drawn(`costs ${n}`))), drawn(`other ${n}`)];
      const distance = hamming(oracle(predicted), best);
      expect(blackbox(oracle).at(predicted, best, n).value).toBeLessThanOrEqual(distance + 1e-12);
      expect(blackbox(oracle, { interpolation: 1e-6 }).at(predicted, best, n).value).toBeCloseTo(distance, 6);
    }
  });

  it("the perturbed loss keeps a sample's draws, and draws others for another", () => {
    const loss = perturbedFenchelYoung(oracle);
    const [predicted, best] = [drawn("predicted"), Float64Array.from(oracle(drawn("best")))];
    expect(loss.at(predicted, best, 3)).toEqual(loss.at(predicted, best, 3));
    expect(loss.at(predicted, best, 4).value).not.toBe(loss.at(predicted, best, 3).value);
  });

  it("reduced costs give the regret of every flow", () => {
    const { train } = drawPathData(K, { train: 6, test: 1, seed: 3 });
    const indices = [0, 1, 2, 3, 4, 5];
    const { target } = pathSet(train, "reduced costs").examples(indices, 0);
    expect(Math.min(...target.data)).toBeGreaterThan(-1e-5);
    // The mean of two paths is a flow.
    const flows = indices.map((n) => [0, 1].map((side) => oracle(drawn(`flow ${n} ${side}`))));
    const data = Float64Array.from(flows.flatMap(([a, b]) => Array.from(a!, (value, e) => (value + b![e]!) / 2)));
    const x = input("x", ["N", EDGES]);
    const [regret] = interpret([flowRegret(x, input("r", ["N", EDGES]))], {
      x: { shape: [6, EDGES], data },
      r: { shape: [6, EDGES], data: Float64Array.from(target.data) },
    });
    indices.forEach((n) => {
      const costs = train.costs.subarray(n * EDGES, (n + 1) * EDGES);
      const own = data.subarray(n * EDGES, (n + 1) * EDGES);
      expect(regret!.data[n]).toBeCloseTo(dot(costs, own) - train.routes[n]!.cost, 4);
    });
  });
});

describe("training", () => {
  const data = drawPathData(3, { train: 120, test: 40, seed: 5 });

  it("by a loss from outside the graph takes the steps of the same loss inside it", async () => {
    const network = asNetwork(twoLayers([5, 4, 12], 2));
    const set = pathSet(data.train);
    const squared: OutsideLoss = (x, target, indices) => {
      const width = x.data.length / indices.length;
      const apart = x.data.map((value, i) => value - target.data[i]!);
      const losses = Float32Array.from(indices, (_, n) =>
        apart.subarray(n * width, (n + 1) * width).reduce((sum, value) => sum + value * value, 0),
      );
      const scaled = losses.map((value) => value / width);
      return {
        losses: { shape: [indices.length], data: scaled },
        gradient: { shape: x.shape, data: apart.map((value) => (2 * value) / width) },
      };
    };
    const initial = initialArrays(network);
    const options = { batch: 16, passes: 2, learningRate: 0.1, optimizer: sgd(), validation: set };
    const [inside, outside] = [
      await fitNetwork(network, initial, set, options),
      await fitOutside(network, squared, initial, set, options),
    ];
    expect(outside.validation).toBeCloseTo(inside.validation, 5);
    for (const [name, { data: mine }] of Object.entries(outside.weights)) {
      const moved = Math.hypot(...mine.map((value, i) => value - initial[name]!.data[i]!));
      expect(moved).toBeGreaterThan(1e-3);
      expect(Math.hypot(...mine.map((value, i) => value - inside.weights[name]!.data[i]!))).toBeLessThan(1e-4 * moved);
    }
  });

  it.each(PATH_LOSSES)(
    "by %s lowers the regret on test contexts",
    async (loss) => {
      const recipe = { loss, phases: 1, batch: 20, validation: 20 } as const;
      const scored = async (passes: number, learningRate: number) => {
        const { bundle, result } = await trainPaths(data, { ...recipe, passes, learningRate });
        expect(Number.isFinite(result.validation)).toBe(true);
        return (await evaluatePaths(bundle, data, { calibration: 100 })).regret;
      };
      const [before, after] = [await scored(1, 1e-9), await scored(25, 0.03)];
      expect(after).toBeLessThan(0.5 * before);
    },
    60_000,
  );
});

describe("bad input is refused by name", () => {
  const wrong: [string, () => unknown, RegExp][] = [
    ["no draws", () => perturbedFenchelYoung(oracle, { draws: 0 }), /^perturbedFenchelYoung: expected draws ≥ 1/],
    ["no noise", () => perturbedFenchelYoung(oracle, { scale: 0 }), /got 10 and 0/],
    ["λ = 0", () => blackbox(oracle, { interpolation: 0 }), /^blackbox: expected interpolation > 0, got 0/],
    ["NaN", () => spoPlus(oracle).at(drawn("a").with(3, Number.NaN), drawn("b"), 0), /NaN for edge 3/],
  ];
  it.each(wrong)("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});
