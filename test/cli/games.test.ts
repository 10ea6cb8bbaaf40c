/** @file vouch train games and vouch evaluate games: drawn games and a file there and back, the shipped models, what is refused. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseBundle } from "../../src/files/bundle.js";
import { random } from "../../src/random.js";
import { runCommand } from "./run.js";

let folder = "";
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-games-"));
  const rng = random(2);
  const contexts = Array.from({ length: 150 }, () => [rng.uniform(), rng.uniform()]);
  // Matching pennies with a third choice of the second player.
  const payoffs = contexts.map(([a, b]) => [
    [1 + a!, -1, b!],
    [-1, 1 + b!, -a!],
  ]);
  await writeFile(file("games.json"), JSON.stringify({ contexts, payoffs }));
  const broken = [...payoffs.slice(0, 7), [[1, 2, 3]], ...payoffs.slice(8)];
  await writeFile(file("broken.json"), JSON.stringify({ contexts, payoffs: broken }));
});
afterAll(() => rm(folder, { recursive: true }));

const recipe = ["--train", "60", "--validation", "10", "--phases", "1", "--passes", "2", "--batch", "25"];
const split = ["--train", "60", "--test", "20", "--calibration", "70", "--epochs", "0"];

it.each([
  ["softmax", /softmax responses/, 2 * 4 + 4 + 4 * 5 + 5 + 25],
  ["projection", /projections on the simplex/, 2 * 4 + 4 + 4 * 5 + 5 + 25],
])(
  "trains a %s model on a file of games, and evaluates what it wrote",
  async (kind, training, parameters) => {
    const weights = file(`${kind}.safetensors`);
    const data = ["--data", file("games.json")];
    const words = ["train", "games", ...data, ...recipe, "--hidden", "4", "--kind", kind, "--out", weights];
    // 50 contexts in 2 batches, 2 epochs.
    expect((await runCommand(words)).figures).toMatchObject({ steps: 4, phases: 1, parameters });
    const { card } = parseBundle(await readFile(weights)).manifest;
    expect(card["training"]).toMatch(training);
    expect(card["data"]).toMatch(/^50 contexts with equilibria of 2×3 games, quantal response/);
    const svg = file("game.svg");
    const { figures, lines } = await runCommand([
      ...["evaluate", "games", ...data, ...split],
      ...["--model", weights, "--figure", svg],
    ]);
    expect(Object.keys(figures)).toEqual([
      ...["mse", "mse_blind", "exploitability_median", "exploitability_blind", "exploitability_equilibria"],
      ...["response_median", "certified_fraction", "certified_low", "certified_high", "swapped_flagged", "unconverged"],
    ]);
    expect(figures["mse"]).toBeGreaterThan(0);
    expect(figures["exploitability_median"]).toBeGreaterThan(0);
    expect(figures["unconverged"]).toBe(0);
    expect(lines[0]).toMatch(/^2×3: 20 test contexts, calibrated on 70: quantal response equilibria/);
    expect(existsSync(svg)).toBe(true);
  },
  60_000,
);

it("trains payoffs of drawn games towards Nash equilibria's neighbours, and times an epoch", async () => {
  const weights = file("payoffs.safetensors");
  const words = ["train", "games", "--size", "3", ...recipe, "--kind", "payoffs", "--out", weights];
  expect((await runCommand(words)).figures["steps"]).toBe(4);
  const nash = ["evaluate", "games", "--model", weights, "--equilibrium", "nash", ...split.slice(0, -1), "2"];
  const { figures, lines } = await runCommand(nash);
  expect(figures["exploitability_equilibria"]).toBeLessThan(1e-9);
  expect(figures["exploitability_median"]).toBeGreaterThan(0.01);
  expect(figures["s_per_epoch"]).toBeGreaterThan(0);
  expect(lines[0]).toMatch(/Nash equilibria, games drawn with alternating signs/);
}, 60_000);

it.each(["games-3", "games-10"])(
  "ships %s, with less than a hundredth of the error of one answer for all",
  async (model) => {
    const { figures } = await runCommand(["evaluate", "games", "--model", model, "--train", "200", "--epochs", "0"]);
    expect(figures["mse"]).toBeLessThan(0.01 * figures["mse_blind"]!);
    expect(figures["certified_fraction"]).toBeGreaterThan(0.9);
    expect(figures["swapped_flagged"]).toBeGreaterThan(0.9);
    expect(figures["unconverged"]).toBe(0);
  },
  60_000,
);

it("refuses other files, sizes and models by name", async () => {
  const train = (...words: string[]) => runCommand(["train", "games", "--out", file("none.safetensors"), ...words]);
  await expect(train("--size", "1")).rejects.toThrow(/--size: expected.*≥ 2.*got "1"/);
  await expect(train("--kind", "hinge")).rejects.toThrow(/--kind: expected softmax or projection or payoffs/);
  await expect(train("--data", file("broken.json"), ...recipe)).rejects.toThrow(/2×3 payoffs in game 7, got 1×3/);
  await expect(train("--data", file("games.json"), "--kind", "payoffs", ...recipe)).rejects.toThrow(
    /games with B = −Bᵀ, to predict payoffs, got another, of 2×3 actions/,
  );
  await expect(train("--data", file("games.json"))).rejects.toThrow(/2000 contexts or more.*got 150/);
  await expect(runCommand(["evaluate", "games", "--model", "paths-5"])).rejects.toThrow(/a model of games, got paths/);
  const other = ["evaluate", "games", "--model", "games-3", "--data", file("games.json"), ...split];
  await expect(runCommand(other)).rejects.toThrow(/3×3 games and contexts of 3, got 2×3 games and contexts of 2/);
}, 60_000);
