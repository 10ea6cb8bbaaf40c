/** @file Scans of 128² to 512² pixels, of limited and sparse views: an asymmetric phantom's shadow, its mass, and adjoints. */

import { describe, expect, it } from "vitest";
import {
  detectorAt,
  evenAngles,
  fanGeometry,
  type Geometry,
  parallelGeometry,
} from "../../src/applications/ct/geometry.js";
import { plainRows, tomographyOf, unitRows } from "../../src/applications/ct/tomography.js";
import { csrAdjoint, csrApply } from "../../src/linear/csr.js";
import { dot, norm, normal } from "../arrays.js";

const fan = { sourceToAxis: 900, sourceToDetector: 1400 };
const scans: [string, Geometry][] = [
  ["128², parallel, 30 views", parallelGeometry({ size: 128, angles: evenAngles(30) })],
  ["128², parallel, 12 views of 60°", parallelGeometry({ size: 128, angles: evenAngles(12, 20, 80) })],
  ["256², parallel, 7 views of 0.7 mm", parallelGeometry({ size: 256, pixel: 0.7, angles: evenAngles(7) })],
  ["256², fan, 9 views of 150°", fanGeometry({ size: 256, angles: evenAngles(9, -30, 120), ...fan })],
  ["362², fan, 5 views at odd angles", fanGeometry({ size: 362, angles: [3, 44, 131, 200, 351], ...fan })],
  ["512², parallel, 4 views", parallelGeometry({ size: 512, angles: evenAngles(4) })],
  ["512², fan, 3 views", fanGeometry({ size: 512, angles: evenAngles(3, 0, 360), ...fan })],
];

describe.each(scans)("%s", (_, geometry) => {
  const plain = tomographyOf(geometry, plainRows);
  const { size, pixel, detectors, spacing } = geometry;
  const full = (measured: Float64Array) => {
    const sinogram = new Float64Array(plain.rays);
    plain.kept.forEach((ray, row) => {
      sinogram[ray] = measured[row]!;
    });
    return sinogram;
  };

  it("an oblong off the axis throws its shadow between those of its corners, on that side and no other", () => {
    // Rows from 0.6 to 0.7 and columns from 0.15 to 0.45 of the image: below the middle and to its left.
    const [top, bottom, left, right] = [0.6, 0.7, 0.15, 0.45].map((share) => Math.round(share * size)) as [
      number,
      number,
      number,
      number,
    ];
    const image = Float64Array.from({ length: size * size }, (_, p) => {
      const [i, j] = [Math.floor(p / size), p % size];
      return Number(i >= top && i < bottom && j >= left && j < right);
    });
    const sinogram = full(csrApply(plain.matrix, image));
    const mm = (border: number) => (border - size / 2) * pixel;
    geometry.angles.forEach((angle, k) => {
      const view = geometry.view((angle * Math.PI) / 180);
      const shadows = [top, bottom].flatMap((i) => [left, right].map((j) => view.shadow(mm(i), mm(j))));
      const [least, most] = [Math.min(...shadows), Math.max(...shadows)];
      for (let m = 0; m < detectors; m++) {
        const s = detectorAt(geometry, m);
        const seen = sinogram[k * detectors + m]!;
        if (s < least - 1e-6 || s > most + 1e-6) expect(seen, `view ${k}, detector ${m}`).toBe(0);
        if (s > least + 0.01 * spacing && s < most - 0.01 * spacing) expect(seen).toBeGreaterThan(0);
      }
      if (geometry.turn === 360) return;
      const mass = sinogram.subarray(k * detectors, (k + 1) * detectors).reduce((a, b) => a + b, 0) * spacing;
      expect(mass / ((bottom - top) * (right - left) * pixel * pixel)).toBeCloseTo(1, 1);
    });
  });

  it.each([
    ["plain", plainRows],
    ["unit", unitRows],
  ])("⟨Ax, y⟩ = ⟨x, Aᵀy⟩ with %s rows", (_, rows) => {
    const { matrix } = tomographyOf(geometry, rows);
    const [x, y] = [normal([size * size], 1).data, normal([matrix.rows], 2).data];
    const [Ax, Aty] = [csrApply(matrix, x), csrAdjoint(matrix, y)];
    expect(norm(Ax)).toBeGreaterThan(0);
    expect(Math.abs(dot(Ax, y) - dot(x, Aty))).toBeLessThan(1e-13 * norm(Ax) * norm(y));
  });
});
