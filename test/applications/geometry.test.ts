/** @file Where pixels, rays and detectors are: asymmetric phantoms, known chords, adjoints, and the papers' matrix bit by bit. */

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  detectorAt,
  evenAngles,
  fanGeometry,
  type Geometry,
  parallelGeometry,
  someViews,
} from "../../src/applications/ct/geometry.js";
import { projector } from "../../src/applications/ct/projector.js";
import { plainRows, tomography, tomographyOf, unitRows } from "../../src/applications/ct/tomography.js";
import { csrAdjoint, csrApply, validateCsr } from "../../src/linear/csr.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { dot, norm, normal, uniform } from "../arrays.js";

const fan = { sourceToAxis: 40, sourceToDetector: 70 };
const irregular = [0, 90, 17.3, -60, 181, 44.9999];
const table: [string, Geometry][] = [
  ["parallel, even", parallelGeometry({ size: 12, angles: evenAngles(7) })],
  ["parallel, odd, 0.7 mm", parallelGeometry({ size: 13, pixel: 0.7, angles: evenAngles(5) })],
  ["parallel, limited", parallelGeometry({ size: 12, angles: evenAngles(9, 30, 120) })],
  ["parallel, irregular", parallelGeometry({ size: 12, angles: irregular })],
  ["parallel, shifted", parallelGeometry({ size: 12, angles: irregular, shift: 0.3, centre: [1.5, -0.6] })],
  ["parallel, coarse", parallelGeometry({ size: 12, angles: evenAngles(4), detectors: 5, spacing: 2.1 })],
  ["fan, even", fanGeometry({ size: 12, angles: evenAngles(7, 0, 360), ...fan })],
  ["fan, 1.3 mm", fanGeometry({ size: 13, pixel: 1.3, angles: irregular, ...fan })],
  ["fan, shifted", fanGeometry({ size: 12, angles: irregular, shift: 0.4, centre: [1.5, -0.6], ...fan })],
];

/** The ray of view k and detector m from a to b, as the picture of `Geometry` has it. */
function ends(geometry: Geometry, k: number, m: number): [number, number, number, number] {
  const theta = (geometry.angles[k]! * Math.PI) / 180;
  const s = (m - (geometry.detectors - 1) / 2) * geometry.spacing + geometry.shift;
  const along = [Math.cos(theta), Math.sin(theta)] as const;
  const beam = [-Math.sin(theta), Math.cos(theta)] as const;
  const at = (u: number, v: number) => [u * along[0] + v * beam[0], u * along[1] + v * beam[1]] as const;
  const { sourceToAxis: R, sourceToDetector: D } = fan;
  const [a, b] = geometry.turn === 180 ? [at(s, -100), at(s, 100)] : [at(0, -R), at(s, D - R)];
  return [...a, ...b];
}

/** Line integral by the midpoint rule. */
function sampled({ size, pixel, centre }: Geometry, u: Float64Array, [ax, ay, bx, by]: number[], steps: number) {
  let sum = 0;
  for (let n = 0; n < steps; n++) {
    const t = (n + 0.5) / steps;
    const i = Math.floor((ax! + t * (bx! - ax!) - centre[0]) / pixel + size / 2);
    const j = Math.floor((ay! + t * (by! - ay!) - centre[1]) / pixel + size / 2);
    if (i >= 0 && i < size && j >= 0 && j < size) sum += u[i * size + j]!;
  }
  return (sum * Math.hypot(bx! - ax!, by! - ay!)) / steps;
}

describe.each(table)("%s", (_, geometry) => {
  const A = projector(geometry);
  const { size, pixel, centre, detectors } = geometry;

  it("is the line integral of the image", () => {
    validateCsr("test", A);
    expect([A.rows, A.columns]).toEqual([geometry.angles.length * detectors, size * size]);
    const u = uniform([size * size], 3, 0, 1).data;
    const Au = csrApply(A, u);
    const steps = 20_000;
    let most = 0;
    for (let row = 0; row < A.rows; row += 3) {
      const line = ends(geometry, Math.floor(row / detectors), row % detectors);
      const length = Math.hypot(line[2] - line[0], line[3] - line[1]);
      // A sample at each of up to 2 size borders may fall on the wrong side.
      expect(Math.abs(Au[row]! - sampled(geometry, u, line, steps))).toBeLessThan((2 * size * length) / steps);
      most = Math.max(most, Au[row]!);
    }
    expect(most).toBeGreaterThan((size * pixel) / 4);
  });

  it("sends a pixel off the centre to the detectors beside its shadow", () => {
    for (const [i, j] of [
      [2, 8],
      [9, 1],
    ] as const) {
      const point = new Float64Array(size * size);
      point[i * size + j] = 1;
      const sinogram = csrApply(A, point);
      const x = centre[0] + (i - (size - 1) / 2) * pixel;
      const y = centre[1] + (j - (size - 1) / 2) * pixel;
      geometry.angles.forEach((angle, k) => {
        const theta = (angle * Math.PI) / 180;
        const [u, v] = [x * Math.cos(theta) + y * Math.sin(theta), y * Math.cos(theta) - x * Math.sin(theta)];
        const scale = geometry.turn === 180 ? 1 : fan.sourceToDetector / (fan.sourceToAxis + v);
        expect(geometry.view(theta).shadow(x, y)).toBeCloseTo(u * scale, 10);
        expect(geometry.view(theta).magnification(x, y)).toBeCloseTo(scale, 10);
        const reach = pixel * scale * Math.SQRT1_2 * 1.1;
        for (let m = 0; m < detectors; m++) {
          const off = Math.abs(detectorAt(geometry, m) - u * scale);
          if (off > reach) expect(sinogram[k * detectors + m], `view ${k}, detector ${m}`).toBe(0);
          if (off < 0.45 * pixel * scale) expect(sinogram[k * detectors + m]).toBeGreaterThan(0);
        }
      });
    }
  });

  it("⟨Ax, y⟩ = ⟨x, Aᵀy⟩, by the matrix and by the operator's graph, plain and with unit rows", () => {
    for (const rows of [plainRows, unitRows]) {
      const ct = tomographyOf(geometry, rows);
      const [x, y] = [normal([1, 1, size, size], 5), normal([1, ct.matrix.rows], 6)];
      const S = ct.operator;
      const Sx = interpret([S.apply(input("x", S.domain))], { x })[0]!.data;
      const Sy = interpret([S.adjoint(input("y", S.range))], { y })[0]!.data;
      expect(Sx).toEqual(csrApply(ct.matrix, x.data));
      const scale = norm(Sx) * norm(y.data);
      expect(Math.abs(dot(Sx, y.data) - dot(x.data, Sy))).toBeLessThan(1e-13 * scale);
      expect(norm(Sy.map((v, i) => v - csrAdjoint(ct.matrix, y.data)[i]!))).toBeLessThan(1e-12 * norm(Sy));
    }
  });

  it("unit rows are plain rows over their norms, and rays that miss the image are left out", () => {
    const [plain, unit] = [tomographyOf(geometry, plainRows), tomographyOf(geometry, unitRows)];
    expect(unit.kept).toEqual(plain.kept);
    expect([plain.rays, unit.rays]).toEqual([A.rows, A.rows]);
    plain.kept.forEach((ray, row) => {
      const [from, to] = [plain.matrix.indptr[row]!, plain.matrix.indptr[row + 1]!];
      const entries = Float64Array.from(unit.matrix.values.subarray(from, to));
      expect(Math.abs(norm(entries) - 1)).toBeLessThan(1e-6);
      expect([...entries].map((v) => Math.fround(v * unit.norms[row]!))).toEqual(
        [...plain.matrix.values.subarray(from, to)].map((v) => expect.closeTo(v, 5)),
      );
      expect(plain.norms[row]).toBe(1);
      expect(A.indptr[ray + 1]! - A.indptr[ray]!).toBe(to - from);
    });
  });
});

describe("axes", () => {
  const size = 6;
  const image = Float64Array.from({ length: size * size }, (_, p) => p * p);
  const row = (i: number) => image.slice(i * size, (i + 1) * size).reduce((a, b) => a + b, 0);
  const column = (j: number) => image.filter((_, p) => p % size === j).reduce((a, b) => a + b, 0);
  const profile = (angle: number) => {
    const geometry = parallelGeometry({ size, pixel: 2, angles: [angle], detectors: size });
    return [...csrApply(projector(geometry), image)].map((v) => Math.round(v * 1e3) / 1e3);
  };

  it("at 0° detector m sums row m of the image, at 90° column m, and half a turn later the other way", () => {
    const indices = Array.from({ length: size }, (_, m) => m);
    expect(profile(0)).toEqual(indices.map((m) => 2 * row(m)));
    expect(profile(90)).toEqual(indices.map((m) => 2 * column(m)));
    expect(profile(180)).toEqual(indices.map((m) => 2 * row(size - 1 - m)));
    expect(profile(270)).toEqual(indices.map((m) => 2 * column(size - 1 - m)));
  });

  it("the detectors of a fan magnify: a point nearer the source has the larger shadow", () => {
    // At 0° the source is at y = −40, before column 0.
    const geometry = fanGeometry({ size, angles: [0], ...fan });
    const { magnification } = geometry.view(0);
    expect(magnification(0, -2)).toBeGreaterThan(magnification(0, 2));
    expect(magnification(0, 0)).toBe(70 / 40);
    expect(geometry.view(0).ray(0)).toMatchObject({ x: 0, y: -40, dy: 1 });
  });

  it("views can be picked by number", () => {
    const all = parallelGeometry({ size, angles: evenAngles(9) });
    const detectors = all.detectors;
    const some = csrApply(projector(someViews(all, [4, 1])), image);
    const whole = csrApply(projector(all), image);
    expect(some.subarray(0, detectors)).toEqual(whole.subarray(4 * detectors, 5 * detectors));
    expect(some.subarray(detectors)).toEqual(whole.subarray(detectors, 2 * detectors));
  });
});

describe("known values", () => {
  /** Chord of the disc of radius r about (x, y) at distance t of a line. */
  const chord = (r: number, t: number) => 2 * Math.sqrt(Math.max(0, r * r - t * t));

  it.each([
    ["parallel", parallelGeometry({ size: 200, pixel: 0.5, angles: irregular })],
    ["fan", fanGeometry({ size: 200, pixel: 0.5, angles: irregular, sourceToAxis: 150, sourceToDetector: 260 })],
  ])("chords of a disc off the axis, %s beam", (_, geometry) => {
    const [cx, cy, r] = [12, -7, 20];
    const at = (index: number) => (index - 99.5) * 0.5;
    const disc = Float64Array.from({ length: 200 * 200 }, (_, p) =>
      Number((at(Math.floor(p / 200)) - cx) ** 2 + (at(p % 200) - cy) ** 2 < r * r),
    );
    const seen = csrApply(projector(geometry), disc);
    geometry.angles.forEach((angle, k) => {
      const theta = (angle * Math.PI) / 180;
      for (let m = 0; m < geometry.detectors; m++) {
        const { x, y, dx, dy } = geometry.view(theta).ray(detectorAt(geometry, m));
        expect(Math.hypot(dx, dy)).toBeCloseTo(1, 12);
        const t = Math.abs((cx - x) * dy - (cy - y) * dx);
        // Either end of the chord is off by at most half the diagonal of a pixel across the edge.
        const off = (Math.SQRT1_2 * 0.5) / Math.sqrt(1 - (t / r) ** 2);
        if (t < 0.9 * r) expect(Math.abs(seen[k * geometry.detectors + m]! - chord(r, t))).toBeLessThan(2 * off);
        if (t > r + 0.5) expect(seen[k * geometry.detectors + m]).toBe(0);
      }
    });
  });

  it("lengths scale with every length of the scan", () => {
    const angles = evenAngles(5);
    const one = projector(fanGeometry({ size: 9, angles, ...fan }));
    const three = projector(fanGeometry({ size: 9, pixel: 3, angles, sourceToAxis: 120, sourceToDetector: 210 }));
    expect(three.indices).toEqual(one.indices);
    three.values.forEach((v, e) => {
      expect(v).toBeCloseTo(3 * one.values[e]!, 4);
    });
  });

  it("a fan from far away is a parallel beam", () => {
    const u = uniform([400], 8, 0, 1).data;
    const far = { sourceToAxis: 1e7, sourceToDetector: 1e7 };
    const rays = { size: 20, angles: [13, 71, 160], detectors: 31, spacing: 1 };
    const [a, b] = [
      csrApply(projector(fanGeometry({ ...rays, ...far })), u),
      csrApply(projector(parallelGeometry(rays)), u),
    ];
    expect(norm(a)).toBeGreaterThan(10);
    a.forEach((v, i) => {
      expect(v).toBeCloseTo(b[i]!, 3);
    });
  });

  it("the default detectors see every pixel from every side", () => {
    for (const geometry of [
      parallelGeometry({ size: 11, angles: evenAngles(24, 0, 360), centre: [3, -2] }),
      fanGeometry({ size: 11, angles: evenAngles(24, 0, 360), ...fan, centre: [3, -2] }),
    ]) {
      const half = (geometry.detectors / 2) * geometry.spacing;
      for (const angle of geometry.angles) {
        for (const [x, y] of [
          [-5.5, -5.5],
          [5.5, -5.5],
          [-5.5, 5.5],
          [5.5, 5.5],
        ] as const) {
          const s = geometry.view((angle * Math.PI) / 180).shadow(3 + x, -2 + y);
          expect(Math.abs(s)).toBeLessThanOrEqual(half + 1e-9);
        }
      }
    }
  });

  it("512² pixels are one pass", () => {
    const geometry = fanGeometry({
      size: 512,
      angles: evenAngles(4, 0, 360),
      sourceToAxis: 900,
      sourceToDetector: 1500,
    });
    const A = projector(geometry);
    expect(A.columns).toBe(512 * 512);
    validateCsr("test", A);
    expect(A.values.length).toBeGreaterThan(4 * 512 * 512);
  });
});

describe("the papers' geometry", () => {
  const digest = (options: { size: number; angles: number }) => {
    const hash = createHash("sha256");
    const { matrix, kept } = tomography(options);
    for (const { buffer, byteOffset, byteLength } of [matrix.indptr, matrix.indices, matrix.values, kept]) {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return hash.digest("hex");
  };

  it.each([
    [128, 30, "a992bac1342fe2a539d6504776972c83816fadf54442080f2cdf2be959cdc636"],
    [16, 8, "3feac1078048c789f6de2b87e3adf1b83c4232d46973656508e252e09a4c578e"],
    [33, 7, "c9443b60ee6c257be80c9fefa83ac12da9bb1dc9e68abf9cc7f5805b43cedca4"],
  ])("%i² pixels, %i views: the very bits that shipped weights were trained with", (size, angles, expected) => {
    expect(digest({ size, angles })).toBe(expected);
  });

  it.each([
    [16, 8],
    [33, 7],
  ])("says where the lines of %i² pixels lie", (size, angles) => {
    const { geometry, matrix, kept, norms, reads, sinogram } = tomography({ size, angles });
    kept.forEach((place, row) => {
      const [k, m] = [Math.floor(place / sinogram[1]), place % sinogram[1]];
      const s = detectorAt(geometry, reads[m]!);
      const { shadow } = geometry.view((geometry.angles[k]! * Math.PI) / 180);
      for (let e = matrix.indptr[row]!; e < matrix.indptr[row + 1]!; e++) {
        const [i, j] = [Math.floor(matrix.indices[e]! / size), matrix.indices[e]! % size];
        const at = shadow(geometry.centre[0] + i - (size - 1) / 2, geometry.centre[1] + j - (size - 1) / 2);
        // Bilinear samples reach less than a pixel along either axis.
        expect(Math.abs(at - s)).toBeLessThan(Math.SQRT2);
      }
      expect(norms[row]).toBeGreaterThan(0);
    });
  });
});

describe("bad geometry is refused by the name of what is wrong", () => {
  const angles = [0];
  it.each([
    ["no size", () => parallelGeometry({ size: 0, angles }), "parallelGeometry: size"],
    ["no pixel", () => parallelGeometry({ size: 8, pixel: 0, angles }), "parallelGeometry: pixel"],
    ["no views", () => parallelGeometry({ size: 8, angles: [] }), "parallelGeometry: angles"],
    ["a view that is no number", () => parallelGeometry({ size: 8, angles: [0, Number.NaN] }), "NaN in view 1"],
    ["no detectors", () => parallelGeometry({ size: 8, angles, detectors: 0 }), "parallelGeometry: detectors"],
    ["negative spacing", () => fanGeometry({ size: 8, angles, ...fan, spacing: -1 }), "fanGeometry: spacing"],
    ["a centre that is no number", () => parallelGeometry({ size: 8, angles, centre: [0, Infinity] }), ": centre"],
    ["a shift that is no number", () => parallelGeometry({ size: 8, angles, shift: Number.NaN }), ": shift"],
    ["a source in the image", () => fanGeometry({ size: 80, angles, ...fan }), "fanGeometry: sourceToAxis"],
    [
      "a detector before the axis",
      () => fanGeometry({ size: 8, angles, ...fan, sourceToDetector: 39 }),
      "mm ≥ sourceToAxis",
    ],
    ["no count", () => evenAngles(0), "evenAngles: count"],
    ["an open end", () => evenAngles(3, 0, Infinity), "evenAngles: to"],
  ])("%s", (_, make, words) => {
    expect(make).toThrow(expect.objectContaining({ code: "parameter" }));
    expect(make).toThrow(words);
  });
});
