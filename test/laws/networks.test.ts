/** @file Blocks of networks: PyTorch's values, engine = interpreter, gradients = central differences. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { batchNorm, batchStatistics, runningStatistics } from "../../src/networks/batch-norm.js";
import { convolution } from "../../src/networks/convolution.js";
import { maxPool } from "../../src/networks/max-pool.js";
import { softmax } from "../../src/networks/softmax.js";
import { upConvolution } from "../../src/networks/up-convolution.js";
import { interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradient } from "../../src/tensor/vjp.js";
import { normal } from "../arrays.js";

interface Golden {
  readonly blocks: Readonly<Record<string, readonly number[]>>;
}
const golden: Golden = JSON.parse(readFileSync(new URL("../golden/networks.json", import.meta.url), "utf8"));

const wave = (shape: readonly number[], phase: number) => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => Math.sin(0.7 * i + phase)),
});
const variance = wave([3], 6);
const feeds = {
  x: wave([2, 3, 4, 6], 0),
  W: wave([3, 2, 3, 3], 1),
  b: wave([2], 2),
  gamma: wave([3], 3),
  beta: wave([3], 4),
  mean: wave([3], 5),
  variance: { shape: [3], data: variance.data.map((value) => value ** 2 + 0.5) },
};
const x = input("x", ["N", 3, 4, 6]);
const at = (name: "W" | "b" | "gamma" | "beta" | "mean" | "variance") => input(name, feeds[name].shape);
const [W, b, gamma, beta] = [at("W"), at("b"), at("gamma"), at("beta")];
const statistics = { mean: at("mean"), variance: at("variance") };
const running = runningStatistics(statistics, batchStatistics(x), x);

const blocks: [name: string, y: Tensor, wrt: readonly Tensor[]][] = [
  ["maxPool", maxPool(x), [x]],
  ["softmax", softmax(x), [x]],
  ["upConvolution", upConvolution(x, W, b), [x, W, b]],
  ["batchNorm", batchNorm(x, gamma, beta, statistics), [x, gamma, beta]],
  ["batchNormTraining", batchNorm(x, gamma, beta, batchStatistics(x)), [x, gamma, beta]],
  ["runningMean", running.mean, []],
  ["runningVariance", running.variance, []],
];

describe.each(blocks)("%s", (name, y, wrt) => {
  const [exact] = interpret([y], feeds);

  // Constants of a graph are float32 numbers: 0.1 and 1e-5 are not PyTorch's to more than 1e-8.
  it("has PyTorch's values", () => {
    const expected = golden.blocks[name]!;
    expect(exact!.data.length).toBe(expected.length);
    expected.forEach((value, k) => {
      expect(Math.abs(exact!.data[k]! - value)).toBeLessThan(1e-7);
    });
  });

  it("is the same in the engine", async () => {
    await using session = await compile([y], { threads: 1 });
    const fed = Object.fromEntries(
      Object.entries(feeds).map(([key, { shape, data }]) => [key, { shape, data: Float32Array.from(data) }]),
    );
    const [result] = await session.run(fed);
    expect(result!.shape).toEqual(exact!.shape);
    exact!.data.forEach((value, k) => {
      expect(Math.abs(result!.data[k]! - value)).toBeLessThan(1e-5);
    });
  });

  it.runIf(wrt.length > 0)("has the gradient of central differences", () => {
    const weights = { weights: { shape: exact!.shape, data: normal([exact!.data.length], 17).data } };
    const loss = sum(mul(y, input("weights", y.shape)));
    interpret(gradient(loss, wrt), { ...feeds, ...weights }).forEach((found, i) => {
      const key = (wrt[i]!.node.attributes as { name: keyof typeof feeds }).name;
      const { shape: own, data } = feeds[key];
      for (const k of [0, data.length >> 1, data.length - 1]) {
        const moved = (h: number) => {
          const next = Float64Array.from(data);
          next[k]! += h;
          return interpret([loss], { ...feeds, ...weights, [key]: { shape: own, data: next } })[0]!.data[0]!;
        };
        const difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(Math.abs(found.data[k]! - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)));
      }
    });
  });
});

it("a pool of an odd side and filters of an even one are refused by name", () => {
  expect(() => maxPool(input("y", ["N", 1, 5, 4]))).toThrow(/^maxPool: expected an even height and width/);
  const even = input("K", [2, 3, 4, 4]);
  expect(() => convolution(x, even, b)).toThrow(/^convolution: expected filters \[out, in, k, k\] with k odd/);
  expect(convolution(x, input("K", [2, 3, 3, 3]), b).shape).toEqual(["N", 2, 4, 6]);
});
