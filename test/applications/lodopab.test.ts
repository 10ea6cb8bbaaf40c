/** @file LoDoPaB: names, parts and shapes of its files, its patients, and the scan of its observations. */

import { describe, expect, it } from "vitest";
import { detectorAt, someViews } from "../../src/applications/ct/geometry.js";
import {
  LODOPAB_PARTS,
  LODOPAB_SIZE,
  type LodopabFile,
  lodopabFile,
  lodopabGeometry,
  lodopabImages,
  lodopabName,
  lodopabObservations,
  lodopabPatients,
  lodopabSlices,
} from "../../src/applications/ct/lodopab.js";
import { projector } from "../../src/applications/ct/projector.js";
import { VouchError } from "../../src/errors.js";
import { csrApply } from "../../src/linear/csr.js";

const last: LodopabFile = { kind: "ground_truth", part: "test", index: 27 };

it("every slice of a part is in one file of 128", () => {
  for (const part of ["train", "validation", "test"] as const) {
    let next = 0;
    for (let index = 0; next < LODOPAB_PARTS[part]; index++) {
      const file: LodopabFile = { kind: "ground_truth", part, index };
      expect(lodopabFile(lodopabName(file))).toEqual(file);
      const { first, count } = lodopabSlices(file);
      expect([first, count <= 128, count > 0]).toEqual([next, true, true]);
      next += count;
    }
    expect(next).toBe(LODOPAB_PARTS[part]);
  }
  expect(lodopabName(last)).toBe("ground_truth_test_027.hdf5");
  expect(lodopabSlices(last)).toEqual({ first: 3456, count: 97 });
});

it.each(["ground_truth_test_028.hdf5", "ground_truth_test_27.hdf5", "ground_truth_all_000.hdf5", "slices.hdf5"])(
  "%s is none of its files",
  (name) => {
    expect(lodopabFile(name)).toBeUndefined();
  },
);

describe("images", () => {
  const size = LODOPAB_SIZE ** 2;
  /** Rows of a file, of which slice n is n/200 everywhere. */
  const rows = (count: number) => {
    const data = new Float32Array(count * size);
    for (let n = 0; n < count; n++) data.fill(n / 200, n * size, (n + 1) * size);
    return { shape: [count, LODOPAB_SIZE, LODOPAB_SIZE], data };
  };

  it("are the slices of the file, without the empty rows that may follow the last of a part", () => {
    for (const count of [97, 128]) {
      const images = lodopabImages(last, rows(count));
      expect(images.length).toBe(97);
      expect([images[0]![0], images[96]![size - 1]]).toEqual([0, Math.fround(96 / 200)]);
    }
  });

  const outside = (value: number) => {
    const array = rows(97);
    array.data[5] = value;
    return array;
  };
  it.each<[string, () => { shape: number[]; data: Float32Array | Float64Array }, string, string]>([
    ["too few rows", () => rows(96), "shape", "expected float32 [97, 362, 362], got float32 [96, 362, 362]"],
    ["another size", () => ({ shape: [97, 2, 2], data: new Float32Array(388) }), "shape", "got float32 [97, 2, 2]"],
    ["another type", () => ({ ...rows(97), data: new Float64Array(97 * size) }), "shape", "got float64"],
    ["a value above 1", () => outside(1.5), "data", "ground_truth_test_027.hdf5: expected values in [0, 1], got 1.5"],
    ["a value that is none", () => outside(Number.NaN), "data", "got NaN at element 5"],
  ])("of %s are refused", (_, array, code, words) => {
    const made = array();
    expect(() => lodopabImages(last, made)).toThrow(VouchError);
    expect(() => lodopabImages(last, made)).toThrow(expect.objectContaining({ code }));
    expect(() => lodopabImages(last, made)).toThrow(words);
  });
});

describe("patients", () => {
  const list = (ending = "\n") => Array.from({ length: LODOPAB_PARTS.test }, (_, i) => 692 + (i % 60)).join(ending);

  it("are those of the file's lines, in any way to write whole numbers and lines", () => {
    const patients = lodopabPatients(last, list());
    expect(patients.length).toBe(97);
    expect(patients[0]).toBe(`LoDoPaB ${692 + (3456 % 60)}`);
    expect(lodopabPatients(last, `${list("\r\n")}\r\n`)).toEqual(patients);
    expect(lodopabPatients(last, list().replaceAll("692", "6.920000000000000000e+02"))[24]).toBe("LoDoPaB 692");
  });

  it.each([
    ["a short list", "1\n2\n", "got 2"],
    ["a list of words", list().replace("700", "Meyer"), 'got "Meyer" in line 9'],
  ])("of %s are refused", (_, text, words) => {
    expect(() => lodopabPatients(last, text)).toThrow(words);
  });
});

it("observations are line integrals by its geometry: chords of a disc off the axis, in metres", () => {
  const geometry = lodopabGeometry();
  expect([geometry.angles.length, geometry.detectors]).toEqual([1000, 513]);
  expect([geometry.angles[0], geometry.angles[999]]).toEqual([0.09, 179.91]);
  expect(detectorAt(geometry, 512)).toBeCloseTo(130 * Math.SQRT2 * (512 / 513), 9);
  // ODL 1.0's parallel_beam_geometry of the same space: cells of 0.71676 mm from −183.84776, det_axis and det_to_src at 0.3.
  expect(geometry.spacing).toBeCloseTo(0.71676, 5);
  expect(detectorAt(geometry, 0) - geometry.spacing / 2).toBeCloseTo(-183.84776, 5);
  const [from, to] = [geometry.view(0.3).ray(0), geometry.view(0.3).ray(1)];
  expect([to.x - from.x, to.y - from.y].map((v) => v.toFixed(6))).toEqual(["0.955336", "0.295520"]);
  expect([-from.dx, -from.dy].map((v) => v.toFixed(6))).toEqual(["0.295520", "-0.955336"]);

  // Of a disc of 40 mm about (30, −55), attenuation 0.5, in metres.
  const [cx, cy, r] = [0.03, -0.055, 0.04];
  const stored = new Float32Array(1000 * 513);
  for (let k = 0; k < 1000; k++) {
    const theta = ((k + 0.5) * Math.PI) / 1000;
    const middle = cx * Math.cos(theta) + cy * Math.sin(theta);
    for (let m = 0; m < 513; m++) {
      const s = ((m - 256) * 0.26 * Math.SQRT2) / 513;
      stored[k * 513 + m] = 0.5 * 2 * Math.sqrt(Math.max(0, r * r - (s - middle) ** 2));
    }
  }
  const file: LodopabFile = { kind: "observation", part: "train", index: 279 };
  const { count } = lodopabSlices(file);
  const data = new Float32Array(count * stored.length);
  data.set(stored, stored.length);
  const observed = lodopabObservations(file, { shape: [count, 1000, 513], data })[1]!;

  const views = [0, 123, 499, 777];
  const at = (index: number) => (index - 180.5) * geometry.pixel;
  const disc = Float64Array.from({ length: 362 * 362 }, (_, p) =>
    (at(Math.floor(p / 362)) - 30) ** 2 + (at(p % 362) + 55) ** 2 < 1600 ? 0.5 : 0,
  );
  const seen = csrApply(projector(someViews(geometry, views)), disc);
  let most = 0;
  views.forEach((k, row) => {
    const theta = ((k + 0.5) * Math.PI) / 1000;
    const middle = 30 * Math.cos(theta) - 55 * Math.sin(theta);
    for (let m = 0; m < 513; m++) {
      const t = Math.abs(detectorAt(geometry, m) - middle) / 40;
      const [a, b] = [seen[row * 513 + m]!, observed[k * 513 + m]!];
      most = Math.max(most, b);
      // Either end of a chord is off by half a pixel's diagonal across the edge.
      if (t < 0.9) expect(Math.abs(a - b)).toBeLessThan((0.5 * Math.SQRT2 * geometry.pixel) / Math.sqrt(1 - t * t));
      if (t > 1.05) expect([a, b]).toEqual([0, 0]);
    }
  });
  expect(most).toBeCloseTo(40, 1);
});
