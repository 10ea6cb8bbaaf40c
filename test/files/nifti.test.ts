/** @file NIfTI: values, types and orientations of volumes written by hand, and what is no volume refused. */

import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { parseNifti } from "../../src/files/nifti.js";
import { decoded, golden } from "../volumes.js";

interface Written {
  readonly dims?: readonly number[];
  /** Diagonal of the affine, mm. */
  readonly axes?: readonly [number, number, number];
  readonly type?: number;
  readonly bits?: number;
  readonly slope?: number;
  readonly intercept?: number;
  readonly skew?: number;
  readonly put?: (view: DataView, at: number, value: number) => void;
}

/** A NIfTI-1 file of the values 0, 1, 2 …, x fastest. */
function volume({
  dims = [4, 3, 2],
  axes = [-2, -3, 5],
  type = 16,
  bits = 32,
  slope = 1,
  intercept = 0,
  skew = 0,
  put = (view, at, value) => view.setFloat32(at, value, true),
}: Written = {}): Uint8Array {
  const count = dims.reduce((a, b) => a * b, 1);
  const bytes = new Uint8Array(352 + (count * bits) / 8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 348, true);
  [dims.length, ...dims].forEach((n, i) => {
    view.setInt16(40 + 2 * i, n, true);
  });
  view.setInt16(70, type, true);
  view.setInt16(72, bits, true);
  [1, ...axes.map(Math.abs)].forEach((mm, i) => {
    view.setFloat32(76 + 4 * i, mm, true);
  });
  view.setFloat32(108, 352, true);
  view.setFloat32(112, slope, true);
  view.setFloat32(116, intercept, true);
  // sform: rows of the affine.
  view.setInt16(254, 1, true);
  axes.forEach((mm, i) => {
    view.setFloat32(280 + 16 * i + 4 * i, mm, true);
  });
  view.setFloat32(284, skew, true);
  new TextEncoder().encodeInto("n+1\0", bytes.subarray(344));
  for (let i = 0; i < count; i++) put(view, 352 + (i * bits) / 8, i);
  return bytes;
}

describe("a volume", () => {
  it.each(Object.entries(golden.nifti))("of nibabel, %s", async (_, { file, ...expected }) => {
    const { shape, data, spacing } = await parseNifti(decoded(file));
    expect([shape, spacing]).toEqual([expected.shape, expected.spacing]);
    expect([...data]).toEqual(expected.data);
  });

  it("that is stored as DICOM prints it comes as it is", async () => {
    const { shape, data, spacing } = await parseNifti(volume());
    expect([shape, spacing]).toEqual([
      [2, 3, 4],
      [5, 3, 2],
    ]);
    expect([...data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it.each<[string, [number, number, number], (z: number, y: number, x: number) => [number, number, number]]>([
    ["left to right", [2, -3, 5], (z, y, x) => [z, y, 3 - x]],
    ["back to front", [-2, 3, 5], (z, y, x) => [z, 2 - y, x]],
    ["head to feet", [-2, -3, -5], (z, y, x) => [1 - z, y, x]],
    ["as neurologists print it", [2, 3, 5], (z, y, x) => [z, 2 - y, 3 - x]],
  ])("that is stored %s is turned", async (_, axes, from) => {
    const { data } = await parseNifti(volume({ axes }));
    for (let z = 0, at = 0; z < 2; z++)
      for (let y = 0; y < 3; y++)
        for (let x = 0; x < 4; x++) {
          const [k, j, i] = from(z, y, x);
          expect(data[at++]).toBe((k * 3 + j) * 4 + i);
        }
  });

  it.each<[string, Written]>([
    ["int16, zipped", { type: 4, bits: 16, put: (view, at, value) => view.setInt16(at, value, true) }],
    ["uint8", { type: 2, bits: 8, put: (view, at, value) => view.setUint8(at, value) }],
    ["uint16", { type: 512, bits: 16, put: (view, at, value) => view.setUint16(at, value, true) }],
    ["int32", { type: 8, bits: 32, put: (view, at, value) => view.setInt32(at, value, true) }],
    ["float64", { type: 64, bits: 64, put: (view, at, value) => view.setFloat64(at, value, true) }],
  ])("of %s has slope and intercept", async (title, written) => {
    const bytes = volume({ ...written, slope: 2, intercept: -1000 });
    const { data } = await parseNifti(title.includes("zipped") ? gzipSync(bytes) : bytes);
    expect([...data]).toEqual(Array.from({ length: 24 }, (_, i) => 2 * i - 1000));
  });

  it("whose slope is 0 has none", async () => {
    expect((await parseNifti(volume({ slope: 0, intercept: 7 }))).data[5]).toBe(5);
  });
});

describe("what is no volume is refused", () => {
  it.each<[string, () => Uint8Array, string]>([
    ["other bytes", () => new Uint8Array(400), "expected an undamaged NIfTI file, got other bytes"],
    ["a torn file", () => volume().subarray(0, 380), "bytes of voxels"],
    ["a torn zip", () => gzipSync(volume()).subarray(0, 60), "expected an undamaged NIfTI file"],
    ["colour", () => volume({ type: 128, bits: 24, put: () => {} }), "datatype 128"],
    ["four dimensions", () => volume({ dims: [2, 2, 2, 3] }), "got [2, 2, 2, 3]"],
    ["no spacing", () => volume({ axes: [0, -3, 5] }), "expected spacing of 0.01 to 50 mm"],
    ["a volume turned against the patient", () => volume({ skew: 1.5 }), "fslreorient2std"],
  ])("%s", async (_, bytes, words) => {
    await expect(parseNifti(bytes())).rejects.toThrow(expect.objectContaining({ code: "format" }));
    await expect(parseNifti(bytes())).rejects.toThrow(words);
  });
});
