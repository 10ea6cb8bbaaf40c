/** @file The knapsack layer: its optimality, its training against the exact solver, its data, bad input. */

import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { mipSolver } from "../../../cli/highs.js";
import { dataFile } from "../../../cli/paths.js";
import { type KnapsackData, readKnapsackData } from "../../../src/applications/decisions/knapsack/data.js";
import { evaluateKnapsack } from "../../../src/applications/decisions/knapsack/evaluate.js";
import type { SolveMip } from "../../../src/applications/decisions/knapsack/exact.js";
import { itemCosts, knapsackModel } from "../../../src/applications/decisions/knapsack/model.js";
import { trainKnapsack } from "../../../src/applications/decisions/knapsack/train.js";
import { compileModel } from "../../../src/model.js";
import { random } from "../../../src/random.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { input } from "../../../src/tensor/primitives/leaf.js";

const ITEMS = 6;
const weights = [
  [3, 4, 5, 2, 6, 3],
  [2, 5, 3, 4, 3, 1],
];
const capacities = [9, 8];

/** Values that are linear in contexts d ~ U[0, 1]³, positive: two items each follow one number of the context most. */
function drawn(count: number) {
  const rng = random(4).fork("knapsack");
  const W = Array.from({ length: ITEMS }, (_, i) =>
    Array.from({ length: 3 }, (_, j) => (i % 3 === j ? 8 : 0) + rng.uniform()),
  );
  const contexts = Array.from({ length: count }, () => Array.from({ length: 3 }, () => rng.uniform()));
  const costs = contexts.map((d) => W.map((row) => 0.2 + row.reduce((sum, w, i) => sum + w * d[i]!, 0)));
  return { capacities, weights, contexts, costs };
}

let solve: SolveMip;
let data: KnapsackData;
beforeAll(async () => {
  solve = await mipSolver();
  data = readKnapsackData(drawn(90), { train: 60, test: 30 });
});

describe("the layer", () => {
  it("meets capacities and bounds, and no feasible point is better: ⟨∇f(x), y − x⟩ ≥ 0", async () => {
    const options = { context: 3, hidden: 4, gamma: 0.05, seed: 7 };
    const model = knapsackModel({ weights, capacities }, options);
    const initial = model.initialWeights();
    // Larger values than at the start, so that capacities bind.
    initial["b2"]!.data.forEach((_, i) => {
      initial["b2"]!.data[i] = 0.5 + i / 4;
    });
    await using compiled = await compileModel(model, initial);
    const count = 5;
    const d = { shape: [count, 3], data: data.test.contexts.slice(0, 3 * count) };
    const { x } = await compiled.solve({ d }, { tolerance: 1e-6, maxSteps: 20000 });
    const network = itemCosts(ITEMS, options);
    const params = Object.fromEntries(
      Object.entries(network.params).map(([name, { shape }]) => [name, input(name, shape)]),
    );
    const feeds = Object.fromEntries(Object.entries(initial).map(([name, array]) => [name, array]));
    const [costs] = interpret([network.cost(params, input("d", ["N", 3]))], { ...feeds, d });
    const rng = random(5);
    const width = ITEMS + 2;
    for (let n = 0; n < count; n++) {
      const own = x.data.slice(n * width, (n + 1) * width);
      expect(Math.min(...own)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...own)).toBeLessThanOrEqual(1);
      const left = (y: ArrayLike<number>) =>
        weights.map((row, r) => 1 - row.reduce((sum, w, i) => sum + w * y[i]!, 0) / capacities[r]!);
      left(own).forEach((share, r) => {
        expect(Math.abs(share - own[ITEMS + r]!)).toBeLessThan(1e-4);
      });
      expect(Math.min(...left(own))).toBeLessThan(1e-3);
      const gradient = own.map((value, i) => 0.05 * value + (i < ITEMS ? costs!.data[n * ITEMS + i]! : 0));
      for (let trial = 0; trial < 200; trial++) {
        const y = Float64Array.from({ length: ITEMS }, () => rng.uniform() ** 2);
        const slack = left(y);
        if (Math.min(...slack) < 0) continue;
        const slope = [...y, ...slack].reduce((sum, value, i) => sum + gradient[i]! * (value - own[i]!), 0);
        expect(slope).toBeGreaterThan(-1e-3);
      }
    }
  });
});

describe("training", () => {
  it.each(["mse", "spo+"] as const)(
    "by %s lowers the regret, below that of one set for all contexts",
    async (loss) => {
      const recipe = { loss, phases: 1, batch: 6, validation: 12, hidden: 8 } as const;
      // SPO+ learns values in their units, up to 10.
      const learn = loss === "mse" ? { passes: 25, learningRate: 0.05 } : { passes: 8, learningRate: 0.3 };
      const { bundle } = await trainKnapsack(data, solve, { ...recipe, ...learn });
      const start = await trainKnapsack(data, solve, { ...recipe, passes: 1, learningRate: 1e-9 });
      const [before, after] = [
        await evaluateKnapsack(start.bundle, data, solve),
        await evaluateKnapsack(bundle, data, solve),
      ];
      expect(after.regret).toBeLessThan(0.5 * before.regret);
      expect(after.regret).toBeLessThan(after.regretBlind);
      expect(after.unconverged).toBe(0);
      expect(Math.max(...after.decisions.map(({ values }) => values.capacity))).toBeLessThan(1e-3);
    },
    60_000,
  );

  it("refuses other models, other items, and nothing left to train on", async () => {
    const { bundle } = await trainKnapsack(data, solve, { phases: 1, passes: 1, validation: 50 });
    const { manifest } = bundle;
    const other = { ...bundle, manifest: { ...manifest, model: "paths" } };
    await expect(evaluateKnapsack(other, data, solve)).rejects.toThrow(/a model of knapsacks, got paths/);
    await expect(evaluateKnapsack(bundle, { ...data, items: 7 }, solve)).rejects.toThrow(/6 items .* got 7 items/);
    await expect(trainKnapsack(data, solve, { validation: 60 })).rejects.toThrow(/fewer than 60 contexts/);
  });
});

describe("data", () => {
  const split = { train: 3, test: 1 };
  const wrong: [string, () => unknown, RegExp][] = [
    ["another file", () => readKnapsackData({ weights }), /^readKnapsackData: expected capacities/],
    ["too few rows", () => readKnapsackData(drawn(3), split), /4 rows or more of contexts and costs, got 3 and 3/],
    ["a short row", () => readKnapsackData({ ...drawn(4), costs: [[1], [1], [1], [1]] }, split), /6 costs in row 0/],
    [
      "a capacity of 0",
      () => knapsackModel({ weights, capacities: [9, 0] }),
      /knapsackModel: expected finite capacities > 0, got 0 for constraint 1/,
    ],
  ];
  it.each(wrong)("%s is refused by name", (_, act, message) => {
    expect(act).toThrow(message);
  });

  const file = dataFile("paths", "fpo_dys_knapsack2_20.json");
  it.skipIf(!existsSync(file))("of PyEPO is read: 20 items, 2 capacities, whole values", () => {
    const { knapsack, items, context, test } = readKnapsackData(JSON.parse(readFileSync(file, "utf8")));
    expect([items, context, test.count]).toEqual([20, 5, 200]);
    expect(knapsack.capacities).toEqual([20, 20]);
    expect(test.values.every((value) => Number.isInteger(value) && value > 0)).toBe(true);
  });
});
