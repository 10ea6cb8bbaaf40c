/** @file Command lines are read against the table, and bad input ends in a sentence and an exit code. */

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandHelp, overallHelp, readCall, subcommands } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";
import { editDistance, exitCodeOf, nearest } from "../../cli/errors.js";
import { VouchError } from "../../src/errors.js";
import { formatBundle } from "../../src/files/bundle.js";
import { formatNpy, type NpyData } from "../../src/files/npy.js";
import { SIZE, tinyBundle, tinyCt, tinyScan, VIEWS } from "./tiny.js";

let folder = "";
const at = (...path: string[]) => join(folder, ...path);
const image = (value = 0.5) => new Float32Array(SIZE * SIZE).fill(value);
const npy = (data: NpyData, shape: number[] = [SIZE, SIZE]) => formatNpy({ shape, data });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-command-"));
  await writeFile(at("tiny.safetensors"), tinyBundle());
  await writeFile(at("good.npy"), npy(image().fill(0.25, 0, 9)));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...words: string[]): Promise<VouchError> {
  const silent = { line() {}, table() {}, heading() {}, label: (label: string) => label };
  try {
    const { name, command, options, operand, target } = readCall(words, commands);
    const progress = () => ({ update() {}, stop() {} });
    const { signal } = new AbortController();
    await command.run({ name: `vouch ${name}`, options, operand, target, out: silent, progress, signal });
  } catch (error) {
    if (error instanceof VouchError) return error;
    throw error;
  }
  throw new Error("no error");
}

const reconstruct = (file: string, ...more: string[]) =>
  run("reconstruct", at(file), "--model", at("tiny.safetensors"), "--out", at("out"), ...tinyScan, ...more);

describe("a command line", () => {
  test.each([
    [["demoo"], 'vouch: expected a command, got "demoo". Did you mean demo?'],
    [["demo", "--pahntoms", "2"], "vouch demo: expected an option it knows, got --pahntoms. Did you mean --phantoms?"],
    [
      ["evaluate", "ct", "--limt=3"],
      "vouch evaluate ct: expected an option it knows, got --limt. Did you mean --limit?",
    ],
    [["demo", "-s", "2"], "got -s. Did you mean --"],
    [["evaluate"], `vouch evaluate: expected ${subcommands("evaluate", commands).join(" or ")}, got nothing`],
    [["train", "cat"], `vouch train: expected ${subcommands("train", commands).join(" or ")}, got "cat"`],
    [["evaluate", "ct", "--limit", "0"], 'vouch evaluate ct: --limit: expected a whole number ≥ 1, got "0"'],
    [["evaluate", "ct", "--limit", "-3"], 'vouch evaluate ct: --limit: expected a whole number ≥ 1, got "-3"'],
    [["evaluate", "ct", "--limit", "1.5"], "vouch evaluate ct: --limit: expected a whole number"],
    [["train", "ct", "--lr", "abc"], 'vouch train ct: --lr: expected a number > 0, got "abc"'],
    [["train", "ct", "--rho", "1.5"], "vouch train ct: --rho: expected a number > 0 and ≤ 1"],
    [["evaluate", "ct", "--limit"], "vouch evaluate ct: --limit: expected N, got nothing"],
    [["evaluate", "ct", "--limit", "--json"], 'vouch evaluate ct: --limit: expected N, got "--json"'],
    [["demo", "--json=1"], 'vouch demo: --json: expected no value, got "1"'],
    [
      ["evaluate", "ct", "--methods", "tv,xnet"],
      'vouch evaluate ct: --methods: expected fbp or tv or unet or unrolled or ffpn or released or released_c28 or l2o_convex or l2o_prox or l2o_weak or l2o_adaptive or l2o or all, got "xnet"',
    ],
    [["train", "ct", "--method", "xnet"], "vouch train ct: --method: expected unet or unrolled or ffpn or released"],
    [["reconstruct"], "vouch reconstruct: expected input, got nothing"],
    [["reconstruct", "a.npy", "b.npy"], 'vouch reconstruct: expected one input, got "b.npy"'],
    [["demo", "extra"], 'vouch demo: expected options only, got "extra"'],
  ])("%j", (words, sentence) => {
    const read = () => readCall(words, commands);
    expect(read).toThrow(sentence);
    expect(read).toThrow(expect.objectContaining({ code: "parameter" }));
  });

  test("options have their values, defaults and types", () => {
    const { name, options, operand } = readCall(
      ["evaluate", "ct", "--limit=7", "--methods", "l2o, tv,l2o", "--json"],
      commands,
    );
    expect(name).toBe("evaluate ct");
    expect(options).toMatchObject({ limit: 7, methods: ["l2o", "tv"], seed: 0, figure: undefined });
    expect(options).not.toHaveProperty("json");
    expect(operand).toBe("");
    expect(readCall(["reconstruct", "x.npy", "--delta", "0"], commands)).toMatchObject({
      operand: "x.npy",
      options: { delta: 0, method: "l2o" },
    });
  });

  test("help names every command, and every option of a command", async () => {
    const all = await overallHelp(commands, "summary");
    for (const [name, command] of Object.entries(commands)) {
      expect(all).toContain(name);
      expect(all).toContain(command.summary);
      const help = await commandHelp(name, command);
      for (const [option, { summary }] of Object.entries(command.options)) {
        expect(help).toContain(`--${option}`);
        expect(help).toContain(summary);
      }
    }
    const training = await overallHelp(commands, "summary", "train");
    expect(training).toContain("dictionary");
    expect(training).not.toContain("reconstruct");
  });

  test("the nearest name takes the fewest edits", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("", "abc")).toBe(3);
    expect(nearest("limt", ["methods", "limit", "lr"])).toBe("limit");
  });
});

describe("bad input", () => {
  const broken: [string, () => Uint8Array, string][] = [
    ["a wrong shape", () => npy(new Float32Array(35), [5, 7]), "expected an image [16, 16] or a sinogram [8, 25]"],
    ["a wrong rank", () => npy(image(), [1, 1, SIZE, SIZE]), "got [1, 1, 16, 16]"],
    ["no images", () => npy(new Float32Array(0), [0, SIZE, SIZE]), "got [0, 16, 16]"],
    ["a wrong dtype", () => npy(new Int32Array(SIZE * SIZE)), "expected float32, float64 or uint16, got int32"],
    ["NaN", () => npy(image().fill(NaN, 3, 4)), "expected finite values, got NaN at element 3"],
    ["Inf", () => npy(image().fill(Infinity, 9, 10)), "expected finite values, got Infinity at element 9"],
    ["values above the scale", () => npy(image(1.5)), "expected values in [0, 1], got 1.5 at element 0. Scale them."],
    ["values below the scale", () => npy(image().fill(-1, 5, 6)), "expected values in [0, 1], got -1 at element 5"],
    ["a blank image", () => npy(image(0)), "expected images that are not blank"],
    ["an empty file", () => new Uint8Array(), "got an empty file"],
    ["a truncated file", () => npy(image()).subarray(0, 200), "The file is truncated"],
    ["another format", () => new TextEncoder().encode("not an array"), "expected a .npy file"],
    ["a sinogram of counts", () => npy(new Uint16Array(VIEWS * 25), [VIEWS, 25]), "expected float32 or float64"],
    ["a sinogram with NaN", () => npy(new Float32Array(VIEWS * 25).fill(NaN), [VIEWS, 25]), "expected finite values"],
  ];
  test.each(broken)("%s", async (_, bytes, sentence) => {
    expect(tinyCt.sinogram).toEqual([VIEWS, 25]);
    await writeFile(at("bad.npy"), bytes());
    const error = await reconstruct("bad.npy");
    expect(error.message).toContain(sentence);
    expect(error.details.name).toBe(`vouch reconstruct ${at("bad.npy")}`);
    expect(exitCodeOf(error)).toBe(64);
    expect(await readdir(folder)).not.toContain("out");
  });

  test("a missing file and a folder in the way end with 74", async () => {
    const missing = await reconstruct("none.npy");
    expect([missing.code, exitCodeOf(missing)]).toEqual(["file", 74]);
    expect(missing.message).toMatch(/^vouch reconstruct .*none\.npy: expected .* got no such file or folder/);
    await writeFile(at("tiny.calibration.json"), "{");
    const unreadable = await reconstruct("good.npy", "--calibration", folder);
    expect([unreadable.code, exitCodeOf(unreadable)]).toEqual(["file", 74]);
    expect(unreadable.message).toContain("vouch reconstruct: --calibration");
    const inTheWay = await run(
      "calibrate",
      "--model",
      at("tiny.safetensors"),
      ...tinyScan,
      "--out",
      at("good.npy", "c.json"),
    );
    expect([inTheWay.code, exitCodeOf(inTheWay)]).toEqual(["file", 74]);
    expect(inTheWay.message).toMatch(/^vouch calibrate: --out: expected .* to be a folder/);
  });

  test("a negative δ, and a δ of an image", async () => {
    const negative = await reconstruct("good.npy", "--delta", "-1");
    expect(negative.message).toContain('vouch reconstruct: --delta: expected a number ≥ 0, got "-1"');
    expect(exitCodeOf(negative)).toBe(64);
    expect((await reconstruct("good.npy", "--delta", "1")).message).toContain("--delta: expected a sinogram");
  });

  test("weights that do not fit, are no weights, or are of another model", async () => {
    const options = { count: 4, size: 3, rho: 0.8 };
    const wrong = {
      K: { shape: [4, 1, 5, 5], data: new Float32Array(100) },
      tau: { shape: [4], data: new Float32Array(4) },
    };
    const files: [string, Uint8Array, string][] = [
      [
        "misfit",
        formatBundle({ manifest: { model: "ct-convex", options, card: {} }, weights: wrong }),
        "K of shape [4, 1, 3, 3]",
      ],
      [
        "other",
        formatBundle({ manifest: { model: "dictionary", options: {}, card: {} }, weights: {} }),
        "ct-convex model",
      ],
      ["text", new TextEncoder().encode("weights, honestly"), "is it a .safetensors file"],
      ["cut", tinyBundle().subarray(0, 300), "truncated"],
    ];
    for (const [name, bytes, sentence] of files) {
      await writeFile(at(`${name}.safetensors`), bytes);
      const error = await run("reconstruct", at("good.npy"), "--model", at(`${name}.safetensors`), ...tinyScan);
      expect(error.details.name).toBe(`vouch reconstruct: --model ${at(`${name}.safetensors`)}`);
      expect(error.message.toLowerCase()).toContain(sentence.toLowerCase());
      expect(exitCodeOf(error)).toBe(64);
    }
  });

  test("ids and splits that do not belong to the images", async () => {
    await writeFile(at("set.npy"), npy(image()));
    const evaluate = () =>
      run("evaluate", "ct", "--images", at("set.npy"), "--model", at("tiny.safetensors"), ...tinyScan);
    await writeFile(at("set.json"), JSON.stringify({ items: [{ patient: "a" }, { patient: "b" }] }));
    expect((await evaluate()).message).toContain("expected 1 items, one a slice, got 2");
    await writeFile(at("set.json"), JSON.stringify({ items: [{ patient: "a" }] }));
    await writeFile(at("set.split.json"), JSON.stringify({ test: ["b"], calibration: ["a"] }));
    expect((await evaluate()).message).toContain("expected slices of the split's test patients");
    await writeFile(at("set.split.json"), JSON.stringify({ test: "b" }));
    expect((await evaluate()).message).toContain("expected lists of test and calibration patients");
    const train = await run("train", "ct", "--data", at("set.npy"), ...tinyScan);
    expect(exitCodeOf(train)).toBe(64);
    const odd = await run("train", "ct", "--method", "unet", "--rho", "0.9", ...tinyScan);
    expect(odd.message).toContain("--rho: expected no number of unet, got --rho");
  });
});
