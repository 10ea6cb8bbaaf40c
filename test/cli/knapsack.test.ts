/** @file vouch train knapsack and vouch evaluate knapsack: a small file there and back. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { random } from "../../src/random.js";
import { runCommand } from "./run.js";

let folder = "";
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-knapsack-"));
  const rng = random(2);
  const contexts = Array.from({ length: 60 }, () => [rng.uniform(), rng.uniform()]);
  const costs = contexts.map(([a, b]) => [1 + 4 * a!, 1 + 4 * b!, 2, 3 - 2 * a!]);
  const data = {
    capacities: [6, 5],
    weights: [
      [3, 3, 2, 2],
      [1, 4, 2, 1],
    ],
    contexts,
    costs,
  };
  await writeFile(file("data.json"), JSON.stringify(data));
});
afterAll(() => rm(folder, { recursive: true }));

it("trains, and evaluates what it wrote on the contexts after those", async () => {
  const split = ["--data", file("data.json"), "--train", "40"];
  const recipe = ["--validation", "10", "--phases", "1", "--passes", "2", "--batch", "10", "--hidden", "3"];
  const trained = await runCommand(["train", "knapsack", ...split, ...recipe, "--out", file("sets.safetensors")]);
  // 30 contexts in 3 batches, 2 epochs; 2·3 + 3 + 3·4 + 4 weights.
  expect(trained.figures).toMatchObject({ steps: 6, phases: 1, parameters: 25 });
  const model = ["--model", file("sets.safetensors")];
  const { figures, lines } = await runCommand([
    "evaluate",
    "knapsack",
    ...split,
    "--test",
    "20",
    "--calibration",
    "0",
    ...model,
  ]);
  expect(figures["regret_4"]).toBeGreaterThanOrEqual(0);
  expect(figures["regret_blind_4"]).toBeGreaterThan(0);
  expect(figures["accuracy_low_4"]).toBeLessThanOrEqual(figures["accuracy_4"]!);
  expect(figures["proven_4"]).toBe(1);
  expect(figures["accurate_flagged_4"]).toBeUndefined();
  expect(figures["unconverged_4"]).toBe(0);
  expect(lines[0]).toBe("20 test contexts of a knapsack of 4 items, 2 capacities.");
}, 60_000);

it("refuses too few contexts and other models by name", async () => {
  const words = ["evaluate", "knapsack", "--data", file("data.json"), "--model", "paths-5"];
  await expect(runCommand([...words, "--train", "50"])).rejects.toThrow(
    /550 rows or more of contexts and costs, got 60/,
  );
  await expect(runCommand([...words, "--train", "40", "--test", "20", "--calibration", "0"])).rejects.toThrow(
    /a model of knapsacks, got paths/,
  );
});
