/** @file Recipes of synthetic costs: NumPy's draws and PyEPO's data to the last digits, splits, regret of the means. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dataFile } from "../../../cli/paths.js";
import { drawKnapsackData, readKnapsackData } from "../../../src/applications/decisions/knapsack/data.js";
import { noisyPathData } from "../../../src/applications/decisions/paths/noisy.js";
import { relativeRegret } from "../../../src/applications/decisions/paths/regret.js";
import { polynomialCosts } from "../../../src/applications/decisions/polynomial.js";
import { randomState } from "../../../src/applications/decisions/random-state.js";

const file = dataFile("paths", "fpo_dys_knapsack2_20.json");
const golden = JSON.parse(readFileSync(new URL("../../golden/decisions.json", import.meta.url), "utf8"));
const apart = (ours: ArrayLike<number>, theirs: readonly number[]) => {
  expect(ours.length).toBe(theirs.length);
  return theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i]!)), 0);
};

describe("NumPy's stream", () => {
  it("is drawn number by number", () => {
    const { uniform, normal, below } = randomState(135);
    expect(Array.from({ length: 3 }, uniform)).toEqual(golden.stream.uniform);
    expect(apart(Array.from({ length: 3 }, normal), golden.stream.normal)).toBeLessThan(1e-15);
    expect(Array.from({ length: 5 }, () => below(500))).toEqual(golden.stream.below);
  });
  it("is refused for other seeds", () => {
    expect(() => randomState(-1)).toThrow(/^randomState: expected an integer in 0 … 2\^32 - 1, got -1/);
    expect(() => randomState(0.5)).toThrow(/got 0.5/);
  });
});

describe("PyEPO's data", () => {
  it("of shortest paths: contexts and costs, edges in our order", () => {
    const { grid: k, count, contexts, costs } = golden.paths;
    const stream = polynomialCosts(randomState(135), count, 2 * k * (k - 1));
    expect(apart(stream.contexts, contexts.flat())).toBeLessThan(1e-14);
    expect(apart(stream.costs, costs.flat())).toBeLessThan(1e-6);
    const { train } = noisyPathData(k, { train: count, validation: 0, test: 0 });
    // Edges of ours, right ones row by row, then down column by column, as places in PyEPO's rows.
    const places = [0, 1, 5, 6, 10, 11, 2, 7, 3, 8, 4, 9];
    for (let n = 0; n < count; n++) {
      const own = train.contexts.subarray(5 * n, 5 * n + 5);
      const row = contexts.findIndex((d: number[]) => Math.abs(d[0]! - own[0]!) < 1e-6);
      expect(apart(own, contexts[row])).toBeLessThan(1e-6);
      const ordered = places.map((place) => costs[row][place]);
      expect(apart(train.costs.subarray(12 * n, 12 * n + 12), ordered)).toBeLessThan(1e-6);
    }
  });
  it("of knapsacks", () => {
    const { items, count, weights, contexts, values } = golden.knapsacks;
    const { knapsack, train } = drawKnapsackData(items, { train: count, test: 0 });
    expect(knapsack.weights).toEqual(weights);
    expect(apart(train.contexts, contexts.flat())).toBeLessThan(1e-6);
    expect([...train.values]).toEqual(values.flat());
  });
  it.skipIf(!existsSync(file))("of the knapsack file: degree 1, noise of ±50 %", () => {
    const read = readKnapsackData(JSON.parse(readFileSync(file, "utf8")), { train: 10_000, test: 0 });
    const made = drawKnapsackData(20, { degree: 1, noise: 0.5, train: 10_000, test: 0 });
    expect(made.knapsack).toEqual(read.knapsack);
    expect(made.train.values).toEqual(read.train.values);
    expect(apart(made.train.contexts, [...read.train.contexts])).toBeLessThan(1e-6);
  });
  it("is refused with other options", () => {
    expect(() => noisyPathData(3, { noise: 2 })).toThrow(/^polynomialCosts: .*got 5, 4, 2/);
    expect(() => noisyPathData(3, { degree: 0 })).toThrow(/got 5, 0, 0.5/);
  });
});

describe("splits and regret", () => {
  const sizes = { train: 60, validation: 30, test: 30 };
  it("share all samples, and differ", () => {
    const [one, two] = [1, 2].map((split) => noisyPathData(4, { ...sizes, split }));
    const contexts = [one!, two!].map(({ train, validation, test }) =>
      [train, validation, test].flatMap((part) => [...part.contexts]),
    );
    expect(contexts[0]).not.toEqual(contexts[1]);
    expect([...contexts[0]!].sort()).toEqual([...contexts[1]!].sort());
  });
  it("is 0 for the true costs, and above that for their means", () => {
    const { test, testMeans } = noisyPathData(4, sizes);
    expect(relativeRegret(4, test, test.costs)).toBe(0);
    const floor = relativeRegret(4, test, testMeans);
    expect(floor).toBeGreaterThan(0);
    expect(relativeRegret(4, test, new Float32Array(test.costs.length))).toBeGreaterThan(2 * floor);
    const exact = noisyPathData(4, { ...sizes, noise: 0 });
    expect(relativeRegret(4, exact.test, exact.testMeans)).toBe(0);
  });
});
