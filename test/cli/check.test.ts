/** @file vouch check: exit 0 where all holds, 1 where a check fails, 64 for what is no model. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCall } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";
import { exitCodeOf } from "../../cli/errors.js";
import { loadModel } from "../../cli/models.js";
import { fixedPointNetwork } from "../../src/applications/images/network.js";
import type { VouchError } from "../../src/errors.js";
import { formatBundle, parseBundle } from "../../src/files/bundle.js";
import { violatedConditions } from "../../src/model.js";
import { tinyBundle, tinyScan } from "./tiny.js";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const library = new URL("../../src/index.ts", import.meta.url).href;
const scan = tinyScan.filter((_, i) => i < 4);
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-check-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function check(...words: string[]): Promise<Ended> {
  const env = { ...process.env, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", main, "check", ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
/** The error of a call within this process. */
async function refused(word: string): Promise<VouchError> {
  const silent = { line() {}, table() {}, heading() {}, label: (label: string) => label };
  const { name, command, options, operand, target } = readCall(["check", word], commands);
  const progress = () => ({ update() {}, stop() {} });
  const { signal } = new AbortController();
  const run = command.run({ name: `vouch ${name}`, options, operand, target, out: silent, progress, signal });
  return run.then(
    () => {
      throw new Error("no error");
    },
    (error: VouchError) => error,
  );
}

const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split("\n").at(-1)!);

/** A model of Davis–Yin with a step of the caller's: α L ≤ 1 holds to α = 1. */
const module = (alpha: number) => `
import { box, davisYin, define, identity, indicator, l1 } from ${JSON.stringify(library)};
import { tensor } from ${JSON.stringify(library)};
const { input, mul, sub, sum } = tensor;
const x = identity(["N", 3]);
export const model = define({
  name: "mine",
  params: { tau: { shape: [], init: () => Float32Array.of(0.2) } },
  data: { d: ["N", 3] },
  problem: ({ tau }, { d }) => ({
    data: {
      smooth: {
        name: "half square",
        value: (v) => mul(0.5, sum(mul(sub(v, d), sub(v, d)), [1])),
        grad: (v) => sub(v, d),
        lipschitz: () => tensor.constant(1),
      },
      of: x,
    },
    box: { prox: indicator(box(0, 1)) },
    sparsity: { prox: l1(tau) },
  }),
  split: (problem) => davisYin(problem, { alpha: ${alpha} }),
});
export const data = { d: { shape: [2, 3], data: Float32Array.of(0.91, 0.42, 0.13, 0.74, 0.25, 0.56) } };
`;

describe("a file of weights", () => {
  test("passes: conditions with both sides, adjoints, bounds and gradients, in words and figures", async () => {
    await writeFile(at("tiny.safetensors"), tinyBundle());
    const plain = await check(at("tiny.safetensors"), ...scan);
    expect([plain.code, plain.stderr]).toEqual([0, ""]);
    expect(plain.stdout).toMatch(/condition +1 +1\.0000 +≤ +1\.0000 +pass +β Σ αᵢ‖Sᵢ‖² ≤ 1/);
    expect(plain.stdout).toMatch(/adjoint +fidelity +\d\.\de-\d\d +≤ +1\.0e-10 +pass/);
    expect(plain.stdout).toContain("Optimality of its answers can be proven.");
    expect(plain.stdout).toContain("All 7 checks hold.");
    const { name, figures } = lastLine(await check(at("tiny.safetensors"), ...scan, "--json"));
    expect(name).toBe("check");
    expect(figures).toMatchObject({ checks: 7, failed: 0, provable: 1, gradient_K_limit: 1e-4 });
    expect(figures.condition_1).toBeLessThanOrEqual(figures.condition_1_limit);
    expect(figures.gradient_K).toBeLessThan(1e-4);
    expect(figures.norm_regularization).toBeLessThanOrEqual(figures.norm_regularization_limit);
  });

  test("fails with exit 1 where a weight is not a number, naming what fails", async () => {
    const { manifest, weights } = parseBundle(tinyBundle());
    const K = { shape: weights["K"]!.shape, data: weights["K"]!.data.map((v, i) => (i === 0 ? Number.NaN : v)) };
    await writeFile(at("nan.safetensors"), formatBundle({ manifest, weights: { ...weights, K } }));
    const ended = await check(at("nan.safetensors"), ...scan);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/condition +1 +NaN +≰ +1\.0000 +fail/);
    expect(ended.stdout).toMatch(/\d of 7 fail: condition 1, .*gradient K/);
  });
});

describe("a module of the user's own", () => {
  test("passes with a step that meets its condition, and fails with exit 1 with one that does not", async () => {
    await writeFile(at("good.mjs"), module(1));
    await writeFile(at("long.mjs"), module(3));
    const good = await check(at("good.mjs"));
    expect([good.code, good.stderr]).toEqual([0, ""]);
    expect(good.stdout).toContain("cannot be proven (no-objective): data has no conjugate");
    const long = await check(at("long.mjs"), "--json");
    expect(long.code).toBe(1);
    expect(lastLine(long).figures).toMatchObject({ failed: 1, condition_1: 3 });
    expect(long.stderr).toMatch(/condition +1 +3\.0000 +≰ +1\.0000 +fail +0 < α L ≤ 1/);
    expect(long.stderr).toContain("1 of 4 fail: condition 1.");
  });

  test.each([
    ["export const data = {};", "no model"],
    ["export const model = { trace() {} };", "no data"],
    ["export const model = ;", "a module that can be imported"],
  ])("that exports too little is refused: %s", async (source, words) => {
    const file = at(`little-${words.replaceAll(" ", "-")}.mjs`);
    await writeFile(file, source);
    const error = await refused(file);
    expect([error.code, exitCodeOf(error)]).toEqual(["format", 64]);
    expect(error.message).toContain(words);
  });
});

describe("what is no model", () => {
  test("is refused with the names there are, and exit 64", async () => {
    const error = await refused("ct-elipses");
    expect(error.message).toMatch(/^vouch check: expected ct-chest, .*ct-ellipses, .*dictionary, .*got "ct-elipses"/);
    expect(exitCodeOf(error)).toBe(64);
    const ended = await check("ct-elipses");
    expect([ended.code, ended.stdout]).toEqual([64, ""]);
  });

  test("a file that holds something else, 64; one that is not there, 74", async () => {
    await writeFile(at("text.safetensors"), "weights, honestly");
    expect(exitCodeOf(await refused(at("text.safetensors")))).toBe(64);
    const other = { manifest: { model: "other", options: {}, card: {} }, weights: {} };
    await writeFile(at("other.safetensors"), formatBundle(other));
    const error = await refused(at("other.safetensors"));
    expect(error.message).toContain("got one of other");
    expect(exitCodeOf(error)).toBe(64);
    expect(exitCodeOf(await refused(at("none.safetensors")))).toBe(74);
    expect(exitCodeOf(await refused(at("none.mjs")))).toBe(74);
  });
});

test("an image classifier comes with an image of random pixels, and its condition holds", async () => {
  const options = { side: 8, pool: 1, gamma: 0.5, mean: 0.3, deviation: 0.3, seed: 1, validation: 10, calibration: 19 };
  const weights = fixedPointNetwork(options).initialWeights();
  const manifest = { model: "image-fpn", options, card: {} };
  await writeFile(at("image.safetensors"), formatBundle({ manifest, weights }));
  const scan = { "image-size": 128, angles: 30, seed: 1 };
  const loaded = await loadModel("vouch check", at("image.safetensors"), scan);
  expect(loaded.data["u"]!.shape).toEqual([1, 1, 8, 8]);
  expect(new Set(loaded.data["u"]!.data).size).toBeGreaterThan(60);
  const { operator } = loaded.model.trace();
  expect(operator.conditions()).toHaveLength(1);
  expect(violatedConditions(operator, loaded.weights)).toEqual([]);
});

test("shipped models hold, by name", async () => {
  const [tv, dictionary] = await Promise.all([check("tv", ...scan), check("dictionary")]);
  expect([tv.code, dictionary.code]).toEqual([0, 0]);
  expect(tv.stdout).toContain("tv, 0 parameters");
  expect(dictionary.stdout).toContain("cannot be proven (no-bound)");
});
