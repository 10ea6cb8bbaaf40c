/** @file Images of medical formats and folders: their order, patients and uses, and what does not fit together named. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readArray } from "../../cli/arrays.js";
import type { Wanted } from "../../cli/file-array.js";
import { readCollection } from "../../cli/images.js";
import { attenuation } from "../../src/applications/ct/attenuation.js";
import { LODOPAB_PARTS } from "../../src/applications/ct/lodopab.js";
import { formatNpy } from "../../src/files/npy.js";
import { formatNpz } from "../../src/files/npz.js";
import { dicomBytes, dicomTags, type Tags } from "../dicom.js";
import { hdf5Bytes } from "../hdf5.js";
import { decoded, golden } from "../volumes.js";

const SIZE = 4;
const wanted: Wanted = { what: "images", size: SIZE, members: ["images"] };
let folder = "";
const at = (...path: string[]) => join(folder, ...path);

/** A slice of 12 × 12 pixels, of which 8 × 8 are kept, with one value everywhere. */
function slice(hu: number, z: number, tags: Record<string, unknown> = {}): Uint8Array {
  const stored = new Uint16Array(144).fill((hu + 1000) / 2);
  const place = { "00200032": { vr: "DS", Value: [0, 0, z] }, "00280030": { vr: "DS", Value: [0.7, 0.7] } };
  return dicomBytes({ ...dicomTags({ rows: 12, columns: 12, stored }), ...place, ...tags } as Tags);
}

const id = (vr: string, value: string) => ({ vr, Value: [value] });

/** Files by path. */
async function lay(files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(join(at(path), ".."), { recursive: true });
    await writeFile(at(path), bytes);
  }
}

const values = Float32Array.from({ length: 16 }, (_, i) => i / 16);
const npy = (count: number) =>
  formatNpy({ shape: [count, 4, 4], data: new Float32Array(16 * count).map((_, i) => values[i % 16]!) });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-folders-"));
  const other = { "0020000E": id("UI", "1.2.9"), "00100020": id("LO", "P2") };
  await lay({
    "series/b.dcm": slice(0, 10),
    "series/a.dcm": slice(100, 20),
    "series/IM0003": slice(-100, 15),
    "series/LICENSE": "to whom it may concern",
    "series/DICOMDIR": slice(0, 10),
    "series/notes.xml": "<a/>",
    "patients/one/1.dcm": slice(0, 1),
    "patients/one/2.dcm": slice(0, 2),
    "patients/two/1.dcm": slice(300, 1, other),
    "nameless/1.dcm": slice(0, 1, { "00100020": id("LO", "") }),
    "two series/1.dcm": slice(0, 1),
    "two series/2.dcm": slice(0, 2, { "0020000E": id("UI", "1.2.9") }),
    "two sizes/1.dcm": slice(0, 1),
    "two sizes/2.dcm": slice(0, 2, {
      "00280010": { vr: "US", Value: [6] },
      "7FE00010": { vr: "OW", Value: [new ArrayBuffer(144)] },
    }),
    "oblong/1.dcm": slice(0, 1, { "00280030": { vr: "DS", Value: [0.7, 0.9] } }),
    "damaged/1.dcm": slice(0, 1).subarray(0, 400),
    "mixed/1.dcm": slice(0, 1),
    "mixed/1.png": encode({ width: 4, height: 4, data: new Uint8Array(16), depth: 8, channels: 1 }),
    "arrays/b.npy": npy(2),
    "arrays/a.npy": formatNpy({ shape: [4, 4], data: values.map((v) => v / 2) }),
    "types/a.npy": npy(1),
    "types/b.npy": formatNpy({ shape: [1, 4, 4], data: new Uint16Array(16) }),
    "oblong volumes/a.nii": decoded(golden.nifti["RAS, int16"]!.file),
    "volumes/a.nii": decoded(golden.nifti["square"]!.file),
    "volumes/b.NII": decoded(golden.nifti["square"]!.file),
    "one.npz": formatNpz({ anything: { shape: [4, 4], data: values } }),
    "named.npz": formatNpz({
      other: { shape: [1], data: values.slice(1, 2) },
      images: { shape: [4, 4], data: values },
    }),
    "unnamed.npz": formatNpz({ a: { shape: [1], data: values.slice(1, 2) }, b: { shape: [4, 4], data: values } }),
  });
});
afterAll(() => rm(folder, { recursive: true }));

describe("a folder", () => {
  it("of a series is in the order of its places, with one patient, and without what is no slice", async () => {
    const { shape, data, patients } = await readArray("vouch", at("series"), wanted);
    expect([shape, patients]).toEqual([
      [3, SIZE, SIZE],
      ["P1", "P1", "P1"],
    ]);
    const firsts = [0, 1, 2].map((n) => Number(data[n * SIZE * SIZE]));
    expect(firsts).toEqual([0, -100, 100].map((hu) => expect.closeTo(attenuation(hu), 6)));
  });

  it("of folders is all of theirs, each slice of its patient", async () => {
    const { slices, known } = await readCollection("vouch", at("patients"), { size: SIZE });
    expect(slices.map(({ patient }) => patient)).toEqual(["P1", "P1", "P2"]);
    expect([known, slices[2]!.image[3]]).toEqual([true, expect.closeTo(attenuation(300), 6)]);
  });

  it("of arrays is in the order of their names", async () => {
    const { shape, data } = await readArray("vouch", at("arrays"), wanted);
    expect(shape).toEqual([3, 4, 4]);
    expect([data[8], data[24]]).toEqual([0.25, 0.5]);
  });

  it("of volumes is slice after slice from the feet up, each volume a patient", async () => {
    const { shape, data, patients } = await readArray("vouch", at("volumes"), wanted);
    expect([shape, patients]).toEqual([
      [4, 4, 4],
      ["a.nii", "a.nii", "b.NII", "b.NII"],
    ]);
    // Of 12 pixels 8 are kept, two of them in a pixel: rows and columns 2 and 3 of slice 1.
    const { data: hu } = golden.nifti["square"]!;
    const mean =
      [2, 3].flatMap((i) => [2, 3].map((j) => attenuation(hu[144 + 12 * i + j]!))).reduce((a, b) => a + b) / 4;
    expect(data[16]).toBeCloseTo(mean, 6);
    expect(data.slice(0, 32)).toEqual(data.slice(32));
  });

  it("of LoDoPaB is read for one use, or split by its parts, by its patients", async () => {
    const rows = async (part: "test" | "validation", count: number) => {
      const ids = Array.from({ length: LODOPAB_PARTS[part] }, (_, i) => (part === "test" ? 692 : 632) + (i % 60));
      const data = new Float32Array(count * 362 * 362);
      for (let n = 0; n < count; n++) data.fill((n + 1) / 200, n * 362 * 362, (n + 1) * 362 * 362);
      await lay({
        [`lodopab/ground_truth_${part}_027.hdf5`]: await hdf5Bytes("data", [count, 362, 362], data),
        [`lodopab/patient_ids_rand_${part}.csv`]: ids.join("\n"),
      });
    };
    await rows("test", 97);
    await rows("validation", 66);
    const test = await readCollection("vouch", at("lodopab"), { size: SIZE, use: "test" });
    expect([test.slices.length, test.known]).toEqual([97, true]);
    expect(test.slices[1]).toMatchObject({ patient: `LoDoPaB ${692 + 37}`, index: 1 });
    expect(test.slices[1]!.image[0]).toBeCloseTo(2 / 200, 6);
    const { slices, split } = await readCollection("vouch", at("lodopab"), { size: SIZE });
    expect(slices.length).toBe(97 + 66);
    expect([split!.test.length, split!.calibration.length, split!.training]).toEqual([60, 60, []]);
    expect(split!.test).not.toEqual(expect.arrayContaining([split!.calibration[0]]));
    const training = readCollection("vouch", at("lodopab"), { size: SIZE, use: "training" });
    await expect(training).rejects.toThrow("expected LoDoPaB's ground truths (.hdf5) for training in");
    // One list of patients for both parts puts each patient on two sides.
    const ids = Array.from({ length: LODOPAB_PARTS.validation }, (_, i) => 692 + (i % 60));
    await lay({ "lodopab/patient_ids_rand_validation.csv": ids.join("\n") });
    await expect(readCollection("vouch", at("lodopab"), { size: SIZE })).rejects.toThrow(
      /expected each patient on one side of the split, got LoDoPaB \d+ in calibration and in test/,
    );
  }, 60_000);

  it("without patients' names knows bodies by their series", async () => {
    const { slices } = await readCollection("vouch", at("nameless"), { size: SIZE });
    expect(slices.map(({ patient }) => patient)).toEqual(["series 1.2.3"]);
  });

  it.each<[string, string, string]>([
    ["two series", "format", "2.dcm with the series of 1.dcm, 1.2.3, got 1.2.9"],
    ["two sizes", "shape", "2.dcm with the size of 1.dcm, 12 × 12, got 6 × 12"],
    ["oblong", "shape", "expected square pixels, got 0.7 × 0.9 mm"],
    ["damaged", "format", "damaged/1.dcm: expected"],
    ["mixed", "file", "expected files of one kind in"],
    ["types", "shape", "b.npy: expected Float32Array [4, 4], as a.npy, got Uint16Array [1, 4, 4]"],
    ["oblong volumes", "shape", "expected square pixels, got 0.75 × 0.5 mm"],
  ])("of %s is refused", async (path, code, words) => {
    await expect(readArray("vouch", at(path), wanted)).rejects.toThrow(expect.objectContaining({ code }));
    await expect(readArray("vouch", at(path), wanted)).rejects.toThrow(words);
  });
});

describe("an .npz", () => {
  it.each(["one.npz", "named.npz"])("%s holds the images", async (path) => {
    expect((await readArray("vouch", at(path), wanted)).data).toEqual(values);
  });

  it("of several arrays says which it could be", async () => {
    await expect(readArray("vouch", at("unnamed.npz"), wanted)).rejects.toThrow(
      "expected an array named images, or one alone, in unnamed.npz, got a, b",
    );
  });
});
