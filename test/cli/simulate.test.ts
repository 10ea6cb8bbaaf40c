/** @file Simulated measurements: seeded, of the papers' noise, with their scan; and read back by reconstruct, or refused with both scans. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRecord } from "../../cli/scans.js";
import { fanGeometry } from "../../src/applications/ct/geometry.js";
import { tomographyOf } from "../../src/applications/ct/tomography.js";
import { formatNpy } from "../../src/files/npy.js";
import { parseNpz } from "../../src/files/npz.js";
import { csrApply } from "../../src/linear/csr.js";
import { runCommand } from "./run.js";
import { SIZE, tinyCt, tinyScan } from "./tiny.js";

let folder = "";
const at = (...path: string[]) => join(folder, ...path);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-simulate-"));
});
afterAll(() => rm(folder, { recursive: true }));

const scanWords = tinyScan.slice(0, 4);
async function simulate(file: string, ...words: string[]) {
  const { figures } = await runCommand(["data", "simulate", "--out", at(file), "--limit", "3", ...scanWords, ...words]);
  const { images, sinograms, record } = parseNpz(await readFile(at(file)));
  return {
    figures,
    images: images!.data as Float32Array,
    sinograms: { shape: sinograms!.shape, data: sinograms!.data as Float32Array },
    record: parseRecord(record!.data as Uint8Array),
  };
}

describe("data simulate", () => {
  it("measures with the papers' noise, and rays that miss the image are 0", async () => {
    const { figures, images, sinograms, record } = await simulate("papers.npz");
    const { rays, sinogram, matrix, kept } = tinyCt;
    expect(figures).toEqual({ images: 3, views: sinogram[0], detectors: sinogram[1], rays: matrix.rows });
    expect(sinograms.shape).toEqual([3, ...sinogram]);
    expect([record.noise, record.patients[2], record.scan.beam]).toEqual([
      { level: 0.015, seed: 0 },
      "phantom 2",
      "papers",
    ]);
    for (let n = 0; n < 3; n++) {
      const d = sinograms.data.subarray(n * rays, (n + 1) * rays);
      const clean = csrApply(matrix, Float64Array.from(images.subarray(n * SIZE * SIZE, (n + 1) * SIZE * SIZE)));
      const sigma = (0.015 * clean.reduce((sum, v) => sum + Math.abs(v), 0)) / rays;
      const errors = Array.from(kept, (ray, row) => (d[ray]! - clean[row]!) / sigma);
      // χ² of `rows` degrees: 5 standard deviations either way.
      const spread = errors.reduce((sum, v) => sum + v * v, 0) / errors.length;
      expect(Math.abs(spread - 1)).toBeLessThan(5 * Math.sqrt(2 / errors.length));
      const missed = Array.from({ length: rays }, (_, ray) => ray).filter((ray) => !kept.includes(ray));
      expect(missed.map((ray) => d[ray])).toEqual(missed.map(() => 0));
    }
  });

  it("is the same bytes for the same seed, and others for another", async () => {
    await simulate("a.npz", "--seed", "7");
    await simulate("b.npz", "--seed", "7");
    await simulate("c.npz", "--seed", "8");
    const [a, b, c] = await Promise.all(["a.npz", "b.npz", "c.npz"].map((file) => readFile(at(file))));
    expect(a!.equals(b!)).toBe(true);
    expect(a!.equals(c!)).toBe(false);
  });

  it("knows fans, arcs and millimetres, and records them", async () => {
    const { images, sinograms, record } = await simulate(
      "fan.npz",
      ...["--beam", "fan", "--rows", "plain"].concat(["--pixel", "2", "--noise", "0"]),
    );
    const geometry = fanGeometry({
      size: SIZE,
      pixel: 2,
      angles: record.scan.angles,
      sourceToAxis: 96,
      sourceToDetector: 160,
    });
    expect(record.scan).toMatchObject({
      beam: "fan",
      rows: "plain",
      pixel: 2,
      sourceToAxis: 96,
      sourceToDetector: 160,
    });
    expect([record.scan.angles[0], record.scan.angles.at(-1)]).toEqual([22.5, 337.5]);
    const ct = tomographyOf(geometry);
    const clean = csrApply(ct.matrix, Float64Array.from(images.subarray(0, SIZE * SIZE)));
    ct.kept.forEach((ray, row) => {
      expect(sinograms.data[ray]).toBe(Math.fround(clean[row]!));
    });
    const arc = await simulate("arc.npz", "--beam", "parallel", "--from", "30", "--to", "110");
    expect(arc.record.scan.angles).toEqual([35, 45, 55, 65, 75, 85, 95, 105]);
  });

  it("of images keeps their patients, and refuses blank ones", async () => {
    const data = Float32Array.from({ length: 2 * SIZE * SIZE }, (_, i) => (i % 200) / 200);
    await writeFile(at("images.npy"), formatNpy({ shape: [2, SIZE, SIZE], data }));
    await writeFile(at("images.json"), JSON.stringify({ items: [{ patient: "a" }, { patient: "b" }] }));
    const { record, images } = await simulate("own.npz", "--data", at("images.npy"));
    expect([record.patients, images]).toEqual([["a", "b"], data]);
    await writeFile(at("images.npy"), formatNpy({ shape: [2, SIZE, SIZE], data: data.fill(0, SIZE * SIZE) }));
    await expect(simulate("own.npz", "--data", at("images.npy"))).rejects.toThrow("0 everywhere in image 1");
  });

  it.each([
    ["--pixel", "2", "expected the papers' beam as it is"],
    ["--source-to-axis", "50", "expected a fan"],
  ])("refuses %s %s of the papers' beam", async (option, value, words) => {
    await expect(simulate("no.npz", option, value)).rejects.toThrow(words);
  });
});

describe("reconstruct", () => {
  const reconstruct = (file: string, ...words: string[]) =>
    runCommand([
      "reconstruct",
      at(file),
      "--method",
      "fbp",
      "--model",
      at("none"),
      "--out",
      at("out"),
      ...tinyScan,
      ...words,
    ]);

  it("refuses sinograms of another scan, with both in words, and of other noise", async () => {
    await simulate("fan.npz", "--beam", "fan");
    await expect(reconstruct("fan.npz")).rejects.toThrow(
      /expected sinograms of this scan: 8 views from 11\.25° to 168\.75°.*the papers' beam.*, got 8 views from 22\.5° to 337\.5°.*fan beam of 48 and 80 mm/,
    );
    await simulate("loud.npz", "--noise", "0.05");
    await expect(reconstruct("loud.npz")).rejects.toThrow(/expected noise of 1\.5 %.*got 5 %\. Give --delta/);
  });

  it("reads sinograms of this scan, to the calibrations it then misses", async () => {
    await simulate("ours.npz");
    await expect(reconstruct("ours.npz")).rejects.toThrow("--calibration");
    await simulate("loud.npz", "--noise", "0.05");
    await expect(reconstruct("loud.npz", "--delta", "3")).rejects.toThrow("--calibration");
  });
});
