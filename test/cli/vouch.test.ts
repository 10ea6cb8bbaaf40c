/** @file The command as a child process: exit codes, the line for machines, files whole or not at all, interruption. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatNpy, parseNpy } from "../../src/files/npy.js";
import { csrApply } from "../../src/linear/csr.js";
import { SIZE, tinyBundle, tinyCt, tinyScan, VIEWS } from "./tiny.js";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
let folder = "";
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-cli-"));
  await writeFile(at("tiny.safetensors"), tinyBundle());
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param during  runs beside the child, and may signal it */
function vouch(
  words: readonly string[],
  during?: (signal: (name: "SIGINT") => void) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ["--import", "tsx", main, ...words], {
    env: { ...process.env, ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: text(stdout), stderr: text(stderr) }));
  });
  return Promise.all([ended, during?.((name) => child.kill(name))]).then(([result]) => result);
}

const lastLine = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
const model = () => ["--model", at("tiny.safetensors"), ...tinyScan];

test("--help is on stdout and without colour where it is not a terminal", async () => {
  const { code, stdout, stderr } = await vouch(["--help"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("evaluate dictionary");
  expect(stdout).not.toContain("\u001b");
});

test("a bad call: the sentence and its code on stderr, exit 64, no stack; with --json an object on stdout", async () => {
  const plain = await vouch(["evaluate", "ct", "--limt", "3"]);
  expect([plain.code, plain.stdout]).toEqual([64, ""]);
  expect(plain.stderr).toMatch(/^error \(parameter\): vouch evaluate ct: .*Did you mean --limit\?.*\n$/);
  const traced = await vouch(["reconstruct", at("none.npy"), "--json", "--trace"]);
  expect(traced.code).toBe(74);
  expect(traced.stderr).toContain("    at ");
  expect(lastLine(traced)).toMatchObject({ code: "file", details: { got: "no such file or folder" } });
});

test("demo catches the corrupted measurement by name and writes its files", async () => {
  const ended = await vouch([
    "demo",
    "--phantoms",
    "1",
    "--calibrate",
    "19",
    "--json",
    "--out",
    at("demo"),
    ...model(),
  ]);
  const { name, figures, env } = lastLine(ended);
  expect([ended.code, name]).toEqual([0, "demo"]);
  expect(figures).toMatchObject({ caught: 1, alarms: 0 });
  expect(Object.values(figures).every((value) => typeof value === "number")).toBe(true);
  expect(Object.keys(env).sort()).toEqual(["arch", "cpu", "cpus", "node", "onnxruntime", "platform", "vouch"]);
  expect((await readdir(at("demo"))).sort()).toEqual(["certificate.json", "figure.png"]);
  const { inferences } = JSON.parse(await readFile(at("demo", "certificate.json"), "utf8"));
  const labels = inferences.map(({ name: of, certificates }: { name: string; certificates: object[] }) => [
    of,
    Object.fromEntries((certificates as { property: string; label: string }[]).map((c) => [c.property, c.label])),
  ]);
  const passes = { box: "pass", fidelity: "pass", convergence: "pass" };
  for (const [of, by] of labels) {
    expect(by).toMatchObject(of === "phantom 1" ? passes : { box: "pass", fidelity: "fail", convergence: "fail" });
  }
  expect(labels).toHaveLength(4);
});

test("--device: one without a driver ends in exit 69 and a remedy, an unknown one in 64", async () => {
  const words = ["calibrate", "--limit", "19", "--json", ...model(), "--device"];
  const missing = await vouch([...words, "webgpu"], undefined, { VK_DRIVER_FILES: at("no-driver.json") });
  expect(missing.code).toBe(69);
  expect(lastLine(missing)).toMatchObject({ code: "engine" });
  expect(missing.stderr).toMatch(/error \(engine\): .*device "webgpu".*device "cpu"/);
  const unknown = await vouch([...words, "abacus"]);
  expect(unknown.code).toBe(64);
  expect(unknown.stderr).toContain('expected auto or cpu or webgpu or cuda, got "abacus"');
});

test("calibrate, then evaluate and reconstruct: figures, certificates, and exit 1 where a label fails", async () => {
  const calibrated = await vouch(["calibrate", "--limit", "19", "--json", ...model()]);
  expect(calibrated.code).toBe(0);
  expect(lastLine(calibrated).figures).toEqual({
    samples: 19,
    patients: 19,
    fbp_unconverged: 0,
    tv_unconverged: 0,
    l2o_unconverged: 0,
  });

  const image = Float32Array.from({ length: SIZE * SIZE }, (_, i) =>
    ((i % SIZE) - 7.5) ** 2 + (i / SIZE - 7.5) ** 2 < 20 ? 0.6 : 0.2,
  );
  const counts = Uint16Array.from([...image, ...image], (value) => Math.round(65535 * value));
  await writeFile(at("images.npy"), formatNpy({ shape: [2, SIZE, SIZE], data: counts }));
  const evaluated = await vouch(["evaluate", "ct", "--images", at("images.npy"), "--json", ...model()]);
  expect(evaluated.code).toBe(0);
  const { figures } = lastLine(evaluated);
  expect(figures).toMatchObject({ fbp_steps: 0, fbp_unconverged: 0, fbp_params: 0, fbp_fidelity_fail: 1 });
  expect(figures.fbp_psnr).toBeGreaterThan(5);
  for (const method of ["tv", "l2o"]) {
    for (const key of ["psnr", "ssim", "psnr_fr", "ssim_fr", "steps", "ms_per_slice"]) {
      expect(figures[`${method}_${key}`]).toBeGreaterThan(0);
    }
    expect(figures[`${method}_psnr_fr`]).toBeGreaterThan(figures[`${method}_psnr`]);
    expect(figures[`${method}_box_fail`] + figures[`${method}_fidelity_fail`]).toBe(0);
  }
  expect(figures).toMatchObject({ slices: 2, patients: 2, l2o_params: 41 });
  expect(figures.l2o_minus_tv_db).toBeCloseTo(figures.l2o_psnr - figures.tv_psnr, 9);
  expect(figures.l2o_minus_tv_db_low).toBeLessThanOrEqual(figures.l2o_minus_tv_db);
  expect(figures.l2o_minus_tv_db_high).toBeGreaterThanOrEqual(figures.l2o_minus_tv_db);

  const table = ["--methods", "all", "--markdown", "--csv", at("table.csv"), "--figure", at("table.svg"), "--json"];
  const all = await vouch(["evaluate", "ct", "--images", at("images.npy"), ...table, ...model()]);
  expect(all.code).toBe(0);
  const { figures: whole, missing, l2o } = lastLine(all);
  expect({ missing, l2o }).toEqual({
    missing: ["unet", "unrolled", "ffpn", "released", "released_c28", "l2o_prox", "l2o_weak", "l2o_adaptive"],
    l2o: "l2o_convex",
  });
  expect(all.stderr).toContain("unet has no weights; train them: vouch train ct --method unet");
  expect(all.stderr).toMatch(
    /vouch train ct --method l2o_adaptive --init \S+-unrolled\.safetensors,\S+-weak\.safetensors --data/,
  );
  expect(all.stderr).toMatch(/^\| l2o_convex \| \d/m);
  expect(whole.l2o_psnr).toBe(whole.l2o_convex_psnr);
  expect(whole.l2o_convex_psnr).toBeCloseTo(figures.l2o_psnr, 9);
  expect(whole.l2o_convex_gap).toBeLessThan(0.05);
  expect(whole.tv_gap).toBeLessThan(0.05);
  expect(whole.fbp_gap).toBe(null);
  for (const method of ["fbp", "tv", "l2o_convex"])
    expect(whole[`${method}_regularization_fail`]).toBeLessThanOrEqual(1);
  const lines = (await readFile(at("table.csv"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => line.split(",")[0])).toEqual(["method", "fbp", "tv", "l2o_convex"]);
  expect(lines[3]!.split(",")[1]).toBe(String(whole.l2o_convex_psnr));
  expect(await readFile(at("table.svg"), "utf8")).toContain("Error of l2o_convex");

  const seen = csrApply(tinyCt.matrix, Float64Array.from(image));
  const sinogram = new Float32Array(tinyCt.rays);
  tinyCt.kept.forEach((ray, i) => {
    sinogram[ray] = seen[i]! * (Math.floor(ray / tinyCt.sinogram[1]) === VIEWS / 2 ? 2 : 1);
  });
  await writeFile(at("sinogram.npy"), formatNpy({ shape: [tinyCt.rays], data: sinogram }));
  const doubled = await vouch([
    "reconstruct",
    at("sinogram.npy"),
    "--json",
    "--max-steps",
    "600",
    "--out",
    at("doubled"),
    ...model(),
  ]);
  expect(doubled.code).toBe(1);
  expect(lastLine(doubled).figures).toMatchObject({ inferences: 1, trustworthy: 0, failed: 1 });
  expect((await readdir(at("doubled"))).sort()).toEqual([
    "calibration.png",
    "certificate.json",
    "figure.png",
    "model.png",
    "x.npy",
  ]);
  const x = parseNpy(await readFile(at("doubled", "x.npy")));
  expect(x.shape).toEqual([SIZE, SIZE]);
  expect(x.data).toBeInstanceOf(Float32Array);
});

test("tune: trials respect what is asked, end no worse than their start, and go on to the same ones", async () => {
  const words = ["tune", "ct", "--limit", "2", "--max-steps", "400", "--gap", "0.1", "--json", ...model()];
  const whole = await vouch([...words, "--trials", "9", "--record", at("whole.json")]);
  expect(whole.code).toBe(0);
  const { figures } = lastLine(whole);
  expect(figures.best).toBeLessThanOrEqual(400);
  expect(figures.relaxation).toBeGreaterThanOrEqual(1);
  expect(figures.relaxation).toBeLessThan(2);
  expect((await vouch([...words, "--trials", "8", "--record", at("part.json")])).code).toBe(0);
  const again = await vouch([...words, "--trials", "9", "--record", at("part.json")]);
  expect([again.code, lastLine(again).code]).toEqual([74, "file"]);
  expect((await vouch([...words, "--trials", "9", "--resume", "--record", at("part.json")])).code).toBe(0);
  const [a, b] = await Promise.all(
    ["whole.json", "part.json"].map(async (name) => JSON.parse(await readFile(at(name), "utf8"))),
  );
  expect(b.trials.slice(0, 8)).toEqual(a.trials.slice(0, 8));
  expect(b.trials.length).toBe(9);
  const loss = await vouch([
    "tune",
    "ct",
    "--for",
    "loss",
    "--limit",
    "2",
    "--trials",
    "3",
    "--record",
    at("rho.json"),
    "--json",
    ...model(),
  ]);
  expect(lastLine(loss).figures.rho).toBeGreaterThanOrEqual(0.6);
  expect(lastLine(loss).figures.best).toBeLessThan(0.1);
});

test("reconstruct --gap stops at a proven gap, states it in words, and refuses a gap out of range", async () => {
  const image = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE < SIZE / 2 ? 0.7 : 0.1));
  await writeFile(at("halves.npy"), formatNpy({ shape: [SIZE, SIZE], data: image }));
  const words = ["reconstruct", at("halves.npy"), "--method", "tv", "--out", at("gap"), ...model(), "--json"];
  const { figures } = lastLine(await vouch([...words, "--gap", "0.02"]));
  expect(figures.proven).toBe(1);
  expect(figures.gap_max).toBeGreaterThan(0);
  expect(figures.gap_max).toBeLessThanOrEqual(0.02);
  const { inferences } = JSON.parse(await readFile(at("gap", "certificate.json"), "utf8"));
  expect(inferences[0].optimality).toMatchObject({ verdict: "VERIFIED", relativeGap: figures.gap_max });
  const { because, label } = inferences[0].certificates.find((c: { property: string }) => c.property === "optimality");
  expect(label).toBe("pass");
  expect(because).toMatch(
    /^no x that meets fidelity and box has an objective more than [\d.]+ % lower.*not to say x is right$/,
  );
  const refused = await vouch([...words, "--gap", "0"]);
  expect([refused.code, lastLine(refused).code]).toEqual([64, "parameter"]);
});

test("Ctrl-C keeps the last checkpoint, and a resumed training ends with the same bytes", async () => {
  const words = ["train", "ct", ...tinyScan, "--count", "2", "--size", "3", "--batch", "4", "--slices", "8"].concat([
    "--validation",
    "4",
    "--phases",
    "6",
    "--passes",
    "2",
    "--json",
    "--out",
  ]);
  const [whole, cut] = [at("whole", "w.safetensors"), at("cut", "w.safetensors")];
  const checkpoint = at("cut", "w.checkpoint.safetensors");
  await mkdir(at("cut"));
  const stopped = await vouch([...words, cut], async (signal) => {
    while (!existsSync(checkpoint)) await new Promise((resolve) => setTimeout(resolve, 20));
    signal("SIGINT");
  });
  expect(stopped.code).toBe(130);
  expect(lastLine(stopped).figures.phases).toBeGreaterThan(0);
  expect((await readdir(at("cut"))).sort()).toEqual(["w.checkpoint.safetensors", "w.log.jsonl"]);

  const again = await vouch([...words, cut]);
  expect([again.code, lastLine(again).code]).toEqual([74, "file"]);
  const other = await vouch([...words.map((word) => (word === "6" ? "7" : word)), cut, "--resume"]);
  expect([other.code, lastLine(other).details.expected]).toEqual([64, "phases 6, as in the checkpoint"]);

  const resumed = await vouch([...words, cut, "--resume"]);
  const uninterrupted = await vouch([...words, whole]);
  expect([resumed.code, uninterrupted.code]).toEqual([0, 0]);
  expect((await readdir(at("cut"))).sort()).toEqual(["w.digests.json", "w.log.jsonl", "w.safetensors"]);
  expect(Buffer.compare(await readFile(cut), await readFile(whole))).toBe(0);
  const steps = (await readFile(at("whole", "w.log.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(steps.filter((step) => "t" in step)).toHaveLength(6 * 2 * 2);
  expect(steps.filter((step) => "validation" in step)).toHaveLength(6);
});

test("calibrating on images that were trained on is refused, and nothing is written", async () => {
  const values = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => (i % 7) / 7);
  await writeFile(at("seen.npy"), formatNpy({ shape: [3, SIZE, SIZE], data: values }));
  const weights = at("seen.safetensors");
  const small = ["--count", "2", "--size", "3", "--phases", "1", "--passes", "1", "--out", weights];
  expect((await vouch(["train", "ct", "--data", at("seen.npy"), ...tinyScan, ...small])).code).toBe(0);
  const leaked = await vouch(["calibrate", "--data", at("seen.npy"), "--model", weights, ...tinyScan]);
  expect(leaked.code).toBe(2);
  expect(leaked.stderr).toContain("expected samples that were not trained on");
  expect(existsSync(at("seen.calibration.json"))).toBe(false);
});
