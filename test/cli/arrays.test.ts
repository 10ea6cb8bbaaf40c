/** @file Images of every kind of file are the same images, and what is none is refused by name. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArray } from "../../cli/arrays.js";
import type { Wanted } from "../../cli/file-array.js";
import { kindOf, readCollection, toImages, toSinograms } from "../../cli/images.js";
import { formatNpy } from "../../src/files/npy.js";
import { SIZE, tinyCt } from "./tiny.js";

let folder = "";
const at = (...path: string[]) => join(folder, ...path);
const pixels = SIZE * SIZE;
/** Images of 8 bits: i-th value of image n. */
const levels = [0, 1, 2].map((n) => Uint8Array.from({ length: pixels }, (_, i) => (7 * i + 60 * n) % 256));
const wide = levels.map((image) => Uint16Array.from(image, (value) => 257 * value));
const png = (data: Uint8Array | Uint16Array, [height, width] = [SIZE, SIZE]) =>
  encode({ width: width!, height: height!, data, depth: data instanceof Uint16Array ? 16 : 8, channels: 1 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-arrays-"));
  for (const sub of ["many", "mixed", "none"]) await mkdir(at(sub));
  await writeFile(at("8.png"), png(levels[0]!));
  await writeFile(at("16.PNG"), png(wide[0]!));
  await writeFile(at("one.npy"), formatNpy({ shape: [SIZE, SIZE], data: wide[0]! }));
  await writeFile(
    at("floats.npy"),
    formatNpy({ shape: [SIZE, SIZE], data: Float32Array.from(levels[0]!, (v) => v / 255) }),
  );
  await writeFile(
    at("many.npy"),
    formatNpy({ shape: [3, SIZE, SIZE], data: Uint16Array.from(wide.flatMap((a) => [...a])) }),
  );
  for (const n of [2, 0, 1]) await writeFile(at("many", `slice-${n}.png`), png(n === 1 ? wide[n]! : levels[n]!));
  for (const name of ["many/notes.txt", "text.dcm", "text.hdf5"]) await writeFile(at(name), "no image");
  await writeFile(at("mixed", "a.png"), png(levels[0]!));
  await writeFile(at("mixed", "b.png"), png(levels[0]!.subarray(0, pixels / 2), [SIZE / 2, SIZE]));
  const [views, detectors] = tinyCt.sinogram;
  await writeFile(at("rays.png"), png(new Uint8Array(views * detectors), [views, detectors]));
});
afterAll(() => rm(folder, { recursive: true }));

const wanted: Wanted = { what: "an image", size: SIZE, members: ["images"] };
const images = async (path: string) => toImages("vouch", await readArray("vouch", at(path), wanted), SIZE);

describe("the same image", () => {
  const expected = levels.map((image) => Float32Array.from(image, (value) => Math.fround(value / 255)));
  it.each(["8.png", "16.PNG", "one.npy", "floats.npy"])("in %s", async (path) => {
    const [image, ...others] = await images(path);
    expect(others).toEqual([]);
    image!.forEach((value, i) => {
      expect(Math.abs(value - expected[0]![i]!)).toBeLessThan(1e-7);
    });
  });

  it("in a folder of PNGs in the order of their names, and in one file", async () => {
    expect(await images("many")).toEqual(await images("many.npy"));
    const { slices } = await readCollection("vouch", at("many"), { size: SIZE });
    expect(slices.map(({ image }) => image)).toEqual(await images("many.npy"));
  });
});

describe("what is no image is refused by name", () => {
  it.each([
    ["none", /^vouch: expected one of grey images \(\.png\), .* in .*none, got none/],
    ["mixed", /^vouch .*b\.png: expected Uint16Array \[16, 16\], as a\.png, got Uint16Array \[8, 16\]/],
    ["text.dcm", /^vouch .*text\.dcm: expected a DICOM file, got other bytes/],
    ["text.hdf5", /^vouch .*text\.hdf5: expected a file named as LoDoPaB's/],
    [join("many", "notes.txt"), /^vouch .*notes\.txt: expected/],
  ])("%s", async (path, words) => {
    await expect(readArray("vouch", at(path), wanted)).rejects.toThrow(words);
  });

  it("of another shape, with the scan in words", () => {
    expect(() => kindOf("vouch", { shape: [9, 25], data: new Float32Array(225) }, tinyCt)).toThrow(
      "or a sinogram [8, 25], or several, [n, …], of 8 views from 11.25° to 168.75°, 25 detectors, the papers' beam",
    );
  });

  it("a picture of a sinogram has no units", async () => {
    const array = await readArray("vouch", at("rays.png"), wanted);
    expect(kindOf("vouch", array, tinyCt)).toBe("sinograms");
    expect(() => toSinograms("vouch", array, tinyCt)).toThrow("expected float32 or float64, got uint16");
  });
});
