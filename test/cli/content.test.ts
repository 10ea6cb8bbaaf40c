/** @file Images and sinograms with nothing in them, split files with a patient on two sides, scans that differ: each refused in words. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { readCollection, requireContent, requireSignal } from "../../cli/images.js";
import { describePapers, describeScan, parseRecord, requireScan, type Scan } from "../../cli/scans.js";
import { evenAngles, fanGeometry, parallelGeometry } from "../../src/applications/ct/geometry.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { formatNpy } from "../../src/files/npy.js";
import { tinyCt } from "./tiny.js";

const image = Float32Array.from({ length: 256 }, (_, i) => i / 300);
const sinogram = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i / 30));

describe("content", () => {
  const topped = (share: number) => image.map((value, i) => (i < share * 256 ? 1 : value));

  it.each<[string, Float32Array, string]>([
    ["zeros", new Float32Array(256), "expected images that are not blank, got 0 everywhere in image 1"],
    ["one value", new Float32Array(256).fill(0.25), "got 0.25 everywhere in image 1"],
    ["saturation", topped(0.3), "expected images that are not saturated, got the value 1 in 30 % of image 1"],
  ])("%s in an image is refused by its number", (_, bad, words) => {
    expect(() => requireContent("vouch", [image, bad])).toThrow(expect.objectContaining({ code: "data" }));
    expect(() => requireContent("vouch", [image, bad])).toThrow(words);
  });

  it.each<[string, Float32Array, string]>([
    ["zeros", new Float32Array(100), "expected sinograms that are not blank, got 0 everywhere in sinogram 1"],
    ["clipping", sinogram.map((v) => Math.min(v, 0.9)), "expected sinograms that are not saturated"],
  ])("%s in a sinogram is refused by its number", (_, bad, words) => {
    expect(() => requireSignal("vouch", [sinogram, bad])).toThrow(words);
  });

  it("and honest ones pass", () => {
    requireContent("vouch", [image, topped(0.1), image.map(() => 0).fill(1, 3, 4)]);
    requireSignal("vouch", [sinogram, sinogram.map((v) => -v)]);
  });
});

describe("a split", () => {
  let folder = "";
  const path = () => join(folder, "images.npy");
  const put = (name: string, json: unknown) => writeFile(join(folder, name), JSON.stringify(json));
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vouch-splits-"));
    const data = new Float32Array(4 * 256).map((_, i) => image[i % 256]!);
    await writeFile(path(), formatNpy({ shape: [4, 16, 16], data }));
    await put("images.json", { items: ["a", "a", "b", "unknown (3 cases)"].map((patient) => ({ patient })) });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("with a patient on two sides is refused by the patient", async () => {
    await put("leaking.json", { test: ["a", "b"], calibration: ["c"], training: ["d", "b"] });
    const read = readCollection("vouch", path(), { size: 16, split: join(folder, "leaking.json") });
    await expect(read).rejects.toThrow("expected each patient on one side of the split, got b in test and in training");
  });

  it("with each patient on one side is read, and a patient who is not known is one of their own", async () => {
    await put("clean.json", { test: ["a"], calibration: ["b"] });
    const { slices, known, split } = await readCollection("vouch", path(), {
      size: 16,
      split: join(folder, "clean.json"),
    });
    expect(slices.map(({ patient }) => patient)).toEqual(["a", "a", "b", "slice 3"]);
    expect([known, split]).toEqual([false, { test: ["a"], calibration: ["b"] }]);
  });
});

describe("a scan", () => {
  const ours = describePapers(tinyCt);
  const angles = evenAngles(8, 0, 360);
  const fan = fanGeometry({ size: 16, angles, sourceToAxis: 50, sourceToDetector: 80 });
  const distances = { sourceToAxis: 50, sourceToDetector: 80 };
  const parallel = parallelGeometry({ size: 16, angles: evenAngles(8), detectors: tinyCt.sinogram[1], shift: 0.25 });
  const cases: [string, Scan, string][] = [
    ["more views", describePapers(tomography({ size: 16, angles: 9 })), "9 views from 10° to 170°"],
    [
      "a fan",
      describeScan(fan, [8, fan.detectors], { beam: "fan", rows: "unit", ...distances }),
      "fan beam of 50 and 80 mm",
    ],
    [
      "a shifted detector",
      describeScan(parallel, tinyCt.sinogram, { beam: "parallel", rows: "unit" }),
      "(they differ in beam, centre, shift)",
    ],
    ["line integrals", { ...ours, rows: "plain" }, "line integrals (they differ in rows)"],
  ];

  it.each(cases)("of %s is refused with both in words", (_, theirs, words) => {
    const refused = () => requireScan("vouch s.npz", theirs, tinyCt);
    expect(refused).toThrow(expect.objectContaining({ code: "shape" }));
    expect(refused).toThrow(
      "sinograms of this scan: 8 views from 11.25° to 168.75°, 25 detectors, the papers' beam, 16²",
    );
    expect(refused).toThrow(words);
  });

  it("that is the same passes, as it is and through its record", () => {
    const record = { version: 1, scan: ours, noise: { level: 0.015, seed: 0 }, source: "ellipses", patients: ["a"] };
    const read = parseRecord(new TextEncoder().encode(JSON.stringify(record)));
    requireScan("vouch s.npz", read.scan, tinyCt);
    requireScan("vouch s.npy", undefined, tinyCt);
    expect(read).toEqual(record);
  });

  test.each([
    ["{", "expected the record of a simulation, in JSON"],
    ['{"version":2}', "at version"],
  ])("%s is no record", (text, words) => {
    expect(() => parseRecord(new TextEncoder().encode(text))).toThrow(words);
  });
});
