/** @file vouch train trading, train trading-published and evaluate trading as child processes. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-trading-model-"));
});
afterAll(() => rm(folder, { recursive: true }));

function vouch(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", main, ...words], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

const few = ["--snapshots", "20", "--batch", "10"];

test("both models are trained, sealed, and scored side by side with intervals", async () => {
  const corrected = ["train", "trading", "--out", at("t.safetensors"), ...few];
  const first = await vouch(...corrected, "--validation", "10", "--phases", "1", "--passes", "2");
  expect(first.stderr).not.toMatch(/^error/m);
  expect(first.code).toBe(0);
  const published = await vouch("train", "trading-published", "--out", at("p.safetensors"), ...few, "--epochs", "1");
  expect(published.code).toBe(0);
  const asked = ["--limit", "20", "--calibration", "100", "--figure", at("trades.svg"), "--json"];
  const weights = ["--model", at("t.safetensors"), "--published", at("p.safetensors")];
  const { code, stdout } = await vouch("evaluate", "trading", ...weights, ...asked);
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  for (const method of ["learned", "published", "published_analytic", "best_margin", "analytic", "haircut"]) {
    for (const key of ["executed_utility", "executed_fraction"]) {
      const [low, mean, high] = ["_low", "", "_high"].map((end) => figures[`${method}_${key}${end}`]);
      expect(low).toBeLessThanOrEqual(mean);
      expect(mean).toBeLessThanOrEqual(high);
    }
  }
  for (const key of ["failures_flagged", "good_flagged", "ms_inference", "ms_inference_model"]) {
    expect(figures[key]).toBeGreaterThanOrEqual(0);
  }
  for (const file of ["trades.svg", "trades.network.svg"]) expect(await readFile(at(file), "utf8")).toMatch(/^<svg/);
}, 600_000);

test.each([
  [["--model", "models/dictionary.safetensors"], /expected a trading model, got dictionary/],
  [
    ["--published", "models/trading.safetensors"],
    /--published .*expected a model of trading-published, got one of trading/,
  ],
  [["--model", "nowhere.safetensors"], /^error \(file\): vouch evaluate trading: --model nowhere.safetensors/],
  [["--limit", "1"], /--limit/],
])("evaluate trading %s is refused", async (words, message) => {
  const { code, stdout, stderr } = await vouch("evaluate", "trading", ...words);
  expect([64, 74]).toContain(code);
  expect(stdout).toBe("");
  expect(stderr).toMatch(message);
});

test.each([
  [["train", "trading", "--snapshots", "0"], /--snapshots/],
  [["train", "trading-published", "--epochs", "0"], /--epochs/],
])("%s is refused", async (words, message) => {
  const { code, stderr } = await vouch(...words);
  expect(code).toBe(64);
  expect(stderr).toMatch(message);
});
