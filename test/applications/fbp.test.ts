/** @file Filtered backprojection: known kernels, known phantoms, and the laws of scale, rotation and superposition. */

import { describe, expect, it } from "vitest";
import { fbp, hann, lineIntegrals, type RampFilter, ramLak, sheppLogan } from "../../src/applications/ct/fbp.js";
import { evenAngles, fanGeometry, parallelGeometry } from "../../src/applications/ct/geometry.js";
import { psnr } from "../../src/applications/ct/metrics.js";
import {
  plainRows,
  type Tomography,
  tomography,
  tomographyOf,
  unitRows,
} from "../../src/applications/ct/tomography.js";
import { VouchError } from "../../src/errors.js";
import { csrApply } from "../../src/linear/csr.js";
import { normal } from "../arrays.js";

const size = 64;
const fan = { sourceToAxis: 130, sourceToDetector: 220 };
const parallel = (views: number) => parallelGeometry({ size, angles: evenAngles(views) });

/** 0.7 in a disc off the axis, and 0.3 in a smaller one elsewhere. */
const phantom = Float64Array.from({ length: size * size }, (_, p) => {
  const within = (x: number, y: number, r: number) =>
    (Math.floor(p / size) - 31.5 - x) ** 2 + ((p % size) - 31.5 - y) ** 2 < r * r;
  return within(9, -6, 13) ? 0.7 : within(-14, 12, 7) ? 0.3 : 0;
});
const mean = (u: Float32Array, x: number, y: number, r: number) => {
  let [sum, count] = [0, 0];
  u.forEach((v, p) => {
    if ((Math.floor(p / size) - 31.5 - x) ** 2 + ((p % size) - 31.5 - y) ** 2 >= r * r) return;
    sum += v;
    count++;
  });
  return sum / count;
};
const measured = (ct: Tomography, u: Float64Array = phantom) => csrApply(ct.matrix, u);
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

describe("filters are the inverse transforms of their windows on the ramp", () => {
  const windows: [string, RampFilter, (f: number) => number][] = [
    ["ramLak", ramLak, () => 1],
    ["sheppLogan", sheppLogan, (f) => Math.sin(Math.PI * f) / (Math.PI * f)],
    ["hann", hann, (f) => (1 + Math.cos(2 * Math.PI * f)) / 2],
  ];
  it.each(windows)("%s", (_, filter, window) => {
    for (const n of [0, 1, 2, 3, 8, 17]) {
      // h(n) = 2 ∫₀^½ f W(f) cos 2πfn df, by the midpoint rule.
      const steps = 100_000;
      let h = 0;
      for (let k = 0; k < steps; k++) {
        const f = (k + 0.5) / (2 * steps);
        h += f * window(f) * Math.cos(2 * Math.PI * f * n);
      }
      expect(filter(n)).toBeCloseTo(h / steps, 9);
      expect(filter(-n)).toBe(filter(n));
    }
  });
});

describe.each([
  ["parallel, half a turn", tomographyOf(parallel(180), plainRows)],
  ["parallel, half a turn, unit rows", tomographyOf(parallel(180), unitRows)],
  ["parallel, a whole turn", tomographyOf(parallelGeometry({ size, angles: evenAngles(240, 0, 360) }))],
  ["parallel, half-pixel detectors", tomographyOf(parallelGeometry({ size, angles: evenAngles(180), spacing: 0.5 }))],
  ["parallel, 0.4 mm", tomographyOf(parallelGeometry({ size, pixel: 0.4, angles: evenAngles(180) }))],
  ["parallel, shifted", tomographyOf(parallelGeometry({ size, angles: evenAngles(180), shift: 0.4, centre: [3, -1] }))],
  [
    "parallel, uneven",
    tomographyOf(parallelGeometry({ size, angles: [...evenAngles(60, 0, 60), ...evenAngles(80, 60, 180)] })),
  ],
  ["fan", tomographyOf(fanGeometry({ size, angles: evenAngles(300, 0, 360), ...fan }))],
  ["fan, unit rows", tomographyOf(fanGeometry({ size, angles: evenAngles(300, 0, 360), ...fan }), unitRows)],
  [
    "fan, 2 mm",
    tomographyOf(
      fanGeometry({ size, pixel: 2, angles: evenAngles(300, 0, 360), sourceToAxis: 260, sourceToDetector: 440 }),
    ),
  ],
  ["the papers' operator, 180 views", tomography({ size, angles: 180 })],
])("%s", (_, ct) => {
  const truth = Float32Array.from(phantom);
  const d = measured(ct);

  it.each([
    ["Ram-Lak", ramLak, 26],
    ["Shepp–Logan", sheppLogan, 25],
    ["Hann", hann, 22],
  ])("%s gives the known values in place", (_, filter, least) => {
    const u = fbp(ct, d, filter);
    expect(Math.abs(mean(u, 9, -6, 9) / 0.7 - 1)).toBeLessThan(3e-3);
    expect(Math.abs(mean(u, -14, 12, 4) / 0.3 - 1)).toBeLessThan(1e-2);
    expect(Math.abs(mean(u, -15, -15, 6))).toBeLessThan(3e-3);
    expect(psnr(u, truth, { dataRange: 0.7 })).toBeGreaterThan(least);
  });
});

describe("laws", () => {
  const ct = tomographyOf(parallel(30));

  it("fbp is linear", () => {
    const [a, b] = [normal([ct.matrix.rows], 1).data, normal([ct.matrix.rows], 2).data];
    const [ua, ub] = [fbp(ct, a), fbp(ct, b)];
    const mixed = fbp(
      ct,
      a.map((v, i) => 2 * v - 3 * b[i]!),
    );
    expect(
      furthest(
        mixed,
        ua.map((v, i) => 2 * v - 3 * ub[i]!),
      ),
    ).toBeLessThan(1e-5);
    expect(furthest(ua, new Float32Array(ua.length))).toBeGreaterThan(0.1);
  });

  it("the same sinogram of pixels k times as large is an image 1/k as bright", () => {
    const twice = tomographyOf(parallelGeometry({ size, pixel: 2, angles: evenAngles(30) }));
    const d = measured(ct);
    expect(
      furthest(
        fbp(twice, d),
        fbp(ct, d).map((v) => v / 2),
      ),
    ).toBeLessThan(1e-6);
  });

  it.each([
    ["parallel", (from: number) => parallelGeometry({ size, angles: evenAngles(36, from, from + 180) })],
    ["fan", (from: number) => fanGeometry({ size, angles: evenAngles(36, from, from + 360), ...fan })],
  ])("%s: the same sinogram, seen from a quarter turn on, is the image turned by a quarter", (_, make) => {
    const [scan, turned] = [tomographyOf(make(0)), tomographyOf(make(90))];
    expect(turned.matrix.rows).toBe(scan.matrix.rows);
    const d = measured(scan);
    const [u, v] = [fbp(scan, d), fbp(turned, d)];
    // (x, y) turns to (−y, x).
    const expected = u.map((_, p) => u[(p % size) * size + (size - 1 - Math.floor(p / size))]!);
    expect(furthest(v, expected)).toBeLessThan(1e-5);
    expect(furthest(u, v)).toBeGreaterThan(0.1);
  });

  it("the order of the views does not matter, nor does a view given twice", () => {
    const angles = [...evenAngles(30)];
    const shuffled = tomographyOf(parallelGeometry({ size, angles: angles.toReversed() }));
    const doubled = tomographyOf(parallelGeometry({ size, angles: [...angles, angles[4]!] }));
    const u = fbp(ct, measured(ct));
    expect(furthest(fbp(shuffled, measured(shuffled)), u)).toBeLessThan(1e-5);
    expect(furthest(fbp(doubled, measured(doubled)), u)).toBeLessThan(1e-5);
  });

  it("more views, and finer detectors, come nearer; a missing third of the views costs", () => {
    const truth = Float32Array.from(phantom);
    const quality = (scan: Tomography) => psnr(fbp(scan, measured(scan)), truth, { dataRange: 0.7 });
    const [ten, forty, many] = [10, 40, 160].map((views) => quality(tomographyOf(parallel(views))));
    expect(forty!).toBeGreaterThan(ten! + 5);
    expect(many!).toBeGreaterThan(forty! + 1);
    const limited = quality(tomographyOf(parallelGeometry({ size, angles: evenAngles(107, 0, 120) })));
    expect(limited).toBeLessThan(many! - 5);
    expect(limited).toBeGreaterThan(10);
  });

  it("rays read by several detectors count once, by their mean", () => {
    const papers = tomography({ size: 16, angles: 8 });
    const image = normal([256], 4).data;
    const lines = lineIntegrals(papers, measured(papers, image));
    const raw = csrApply(papers.matrix, image).map((v, row) => v * papers.norms[row]!);
    const { detectors } = papers.geometry;
    expect(detectors).toBeLessThan(papers.sinogram[1]);
    papers.kept.forEach((place, row) => {
      const [view, m] = [Math.floor(place / papers.sinogram[1]), place % papers.sinogram[1]];
      expect(lines[view * detectors + papers.reads[m]!]).toBeCloseTo(raw[row]!, 5);
    });
  });
});

describe("bad input", () => {
  const ct = tomographyOf(parallelGeometry({ size: 16, angles: evenAngles(8) }));
  const half = tomographyOf(fanGeometry({ size: 16, angles: evenAngles(20, 0, 200), ...fan }));
  it.each<[string, () => unknown, string, string]>([
    ["a measurement of another scan", () => fbp(ct, new Float64Array(7)), "shape", "got [7]"],
    ["NaN", () => fbp(ct, measured(ct, normal([256], 1).data).fill(NaN, 9, 10)), "data", "got NaN in view 0"],
    [
      "a fan over part of the turn",
      () => fbp(half, measured(half, new Float64Array(256))),
      "parameter",
      "170.0 degrees",
    ],
  ])("%s", (_, make, code, words) => {
    expect(make).toThrow(VouchError);
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(words);
  });
});
