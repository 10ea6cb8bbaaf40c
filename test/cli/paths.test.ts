/** @file vouch train paths and vouch evaluate paths: a small grid there and back, each loss by its name, what is refused. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readCall } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";
import { shippedModel } from "../../cli/paths.js";
import { parseBundle } from "../../src/files/bundle.js";
import { runCommand } from "./run.js";

let folder = "";
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-paths-"));
});
afterAll(() => rm(folder, { recursive: true }));

const weightsOf = (loss: string) => file(`by-${loss.replace("+", "")}.safetensors`);
const train = (loss: string) =>
  runCommand([
    ...["train", "paths", "--grid", "3", "--loss", loss, "--phases", "1", "--passes", "2", "--batch", "100"],
    ...["--out", weightsOf(loss)],
  ]);

it.each([
  ["mse", /mean squared error/, /shortest paths/],
  ["spo+", /^SPO\+/, /true costs/],
])(
  "trains by %s, and evaluates what it wrote",
  async (loss, training, shown) => {
    const trained = await train(loss);
    // 900 contexts in 9 batches, 2 epochs; 5·10 + 10 + 10·9 + 9 weights.
    expect(trained.figures).toMatchObject({ steps: 18, phases: 1, parameters: 159 });
    const { card } = parseBundle(await readFile(weightsOf(loss))).manifest;
    expect(card["training"]).toMatch(training);
    expect(card["data"]).toMatch(shown);
    const svg = file("decision.svg");
    const words = ["evaluate", "paths", "--models", weightsOf(loss), "--epochs", "0", "--calibration", "80"];
    const { figures, lines, progress } = await runCommand([...words, "--figure", svg]);
    expect(progress["decide 3×3"]).toBe(280);
    expect(figures["proven_3"]).toBe(1);
    expect(figures["regret_3"]).toBeGreaterThan(0);
    expect(figures["accuracy_low_3"]).toBeLessThan(figures["accuracy_3"]!);
    expect(figures["s_per_epoch_3"]).toBeUndefined();
    expect(lines.join("\n")).toMatch(/3×3: 200 test contexts, drawn by the recipe/);
    expect(existsSync(svg)).toBe(true);
  },
  60_000,
);

it("times an epoch, and evaluates every shipped grid by default", async () => {
  await train("mse");
  const timed = ["evaluate", "paths", "--models", weightsOf("mse"), "--epochs", "1", "--calibration", "80"];
  const { figures, progress } = await runCommand(timed);
  expect(figures["s_per_epoch_3"]).toBeGreaterThan(0);
  expect(progress["train 3×3"]).toBe(18);
  const { models } = readCall(["evaluate", "paths"], commands).options;
  expect(models).toBe([5, 10, 15, 20, 30, 50, 100].map((k) => `paths-${k}`).join(","));
  for (const name of String(models).split(",")) expect(existsSync(shippedModel(name))).toBe(true);
}, 60_000);

it("refuses other losses, grids and files by name", async () => {
  await expect(train("hinge")).rejects.toThrow(/--loss: expected mse or regret or two-stage or spo\+.*got "hinge"/);
  await expect(runCommand(["train", "paths", "--grid", "1"])).rejects.toThrow(/--grid: expected.*≥ 2.*got "1"/);
  await expect(runCommand(["evaluate", "paths", "--models", "trading"])).rejects.toThrow(/a model of shortest paths/);
});
