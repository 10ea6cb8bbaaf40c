import { describe, expect, it } from "vitest";
import { chiSquareQuantile } from "../../src/applications/ct/chi-square.js";
import { measure, noiseRadius } from "../../src/applications/ct/measure.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { parallelBeam } from "../../src/applications/ct/radon.js";
import { csrApply, dropZeroRows, normalizeRows } from "../../src/linear/csr.js";
import { random } from "../../src/random.js";

const { matrix } = dropZeroRows(normalizeRows(parallelBeam().matrix).matrix);
const noise = { level: 0.015, totalRows: 5490 };

describe("ellipses", () => {
  it("fills [0, 1], differs by seed and repeats for one", () => {
    for (let seed = 0; seed < 20; seed++) {
      const u = ellipses({ size: 128, random: random(seed) });
      expect(u.length).toBe(16384);
      expect(u.reduce((a, b) => Math.min(a, b))).toBe(0);
      expect(u.reduce((a, b) => Math.max(a, b))).toBeCloseTo(1, 5);
      expect(u).toEqual(ellipses({ size: 128, random: random(seed) }));
      expect(u).not.toEqual(ellipses({ size: 128, random: random(seed + 1) }));
    }
  });

  it("samples at centres: a third of the resolution reads every third pixel", () => {
    const [fine, coarse] = [ellipses({ size: 96, random: random(4) }), ellipses({ size: 32, random: random(4) })];
    // Both scale by their own minimum and maximum, so they agree up to an affine map.
    const at = (k: number) => fine[(3 * Math.floor(k / 32) + 1) * 96 + 3 * (k % 32) + 1]!;
    const [low, high] = [coarse.indexOf(0), coarse.indexOf(coarse.reduce((a, b) => Math.max(a, b)))];
    coarse.forEach((v, k) => {
      expect(Math.abs((at(k) - at(low)) / (at(high) - at(low)) - v)).toBeLessThan(1e-5);
    });
  });

  it("is not 0 in the background, in general", () => {
    const corners = Array.from({ length: 50 }, (_, seed) => ellipses({ size: 32, random: random(seed) })[0]!);
    expect(corners.filter((v) => v > 0.1).length).toBeGreaterThan(40);
  });

  it("refuses a size that is none", () => {
    expect(() => ellipses({ size: 0, random: random(0) })).toThrow(/ellipses: expected size an integer ≥ 1, got 0/);
  });
});

describe("chiSquareQuantile", () => {
  // scipy.stats.chi2.ppf
  it.each([
    [0.99, 1, 6.6348966010212145],
    [0.001, 1, 1.5707971492624921e-6],
    [0.5, 1, 0.454936423119572],
    [0.999999, 1, 23.92812697687947],
    [1e-6, 2, 2.0000010000006676e-6],
    [0.05, 3, 0.35184631774927144],
    [0.95, 10, 18.307038053275146],
    [0.01, 30, 14.953456528455435],
    [0.3, 33, 28.30690536892254],
    [0.5, 4952, 4951.33334929133],
    [0.99, 4952, 5186.4524773754365],
    [0.999999, 4952, 5439.533095256734],
  ])("at %f with %i degrees of freedom", (probability, m, expected) => {
    expect(Math.abs(chiSquareQuantile(probability, m) / expected - 1)).toBeLessThan(1e-10);
  });

  it.each([
    [0, 3],
    [1, 3],
    [Number.NaN, 3],
    [0.5, 0],
    [0.5, 1.5],
  ])("refuses probability %f with m %f", (probability, m) => {
    expect(() => chiSquareQuantile(probability, m)).toThrow(expect.objectContaining({ code: "parameter" }));
  });
});

describe("measure", () => {
  const image = ellipses({ size: 128, random: random(1) });
  const clean = csrApply(matrix, Float64Array.from(image));

  it("adds white noise of the stated level", () => {
    const d = measure(matrix, image, { ...noise, random: random(2) });
    const sigma = (0.015 * clean.reduce((sum, v) => sum + Math.abs(v), 0)) / 5490;
    const e = Float64Array.from(d, (v, i) => (v - clean[i]!) / sigma);
    const m = e.length;
    expect(Math.abs(e.reduce((a, b) => a + b, 0) / m)).toBeLessThan(5 / Math.sqrt(m));
    expect(Math.abs(e.reduce((a, b) => a + b * b, 0) / m - 1)).toBeLessThan(5 * Math.sqrt(2 / m));
    expect(d).toEqual(measure(matrix, image, { ...noise, random: random(2) }));
  });

  it("without noise is Au, rounded", () => {
    expect(measure(matrix, image, { level: 0, random: random(2) })).toEqual(Float32Array.from(clean));
  });

  it("refuses what it cannot use", () => {
    const call = (u: ArrayLike<number>, change: object) => () =>
      measure(matrix, u, { ...noise, random: random(2), ...change });
    expect(call([1], {})).toThrow(expect.objectContaining({ code: "shape" }));
    expect(
      call(
        image.map(() => Number.NaN),
        {},
      ),
    ).toThrow(expect.objectContaining({ code: "data" }));
    expect(call(image, { level: -1 })).toThrow(expect.objectContaining({ code: "parameter" }));
    expect(call(image, { totalRows: 4951 })).toThrow(expect.objectContaining({ code: "parameter" }));
  });
});

describe("noiseRadius", () => {
  it("holds the truth at the asked rate, over 200 phantoms", () => {
    const failures = new Map([
      [0.99, 0],
      [0.5, 0],
    ]);
    for (let seed = 0; seed < 200; seed++) {
      const image = ellipses({ size: 128, random: random(seed).fork("phantom") });
      const d = measure(matrix, image, { ...noise, random: random(seed).fork("noise") });
      const clean = csrApply(matrix, Float64Array.from(image));
      const distance = Math.sqrt(d.reduce((sum, v, i) => sum + (v - clean[i]!) ** 2, 0));
      for (const [probability, count] of failures) {
        if (distance > noiseRadius(d, { ...noise, probability })) failures.set(probability, count + 1);
      }
    }
    expect(failures.get(0.99)! / 200).toBeLessThanOrEqual(0.03);
    expect(Math.abs(failures.get(0.5)! / 200 - 0.5)).toBeLessThan(0.12);
  });

  it("is σ̂√q rounded up to float32, 0.99 by default", () => {
    const d = Float32Array.from({ length: 300 }, (_, i) => 1 + i / 7);
    const exact = ((0.015 * d.reduce((a, b) => a + b, 0)) / 400) * Math.sqrt(chiSquareQuantile(0.99, 300));
    const radius = noiseRadius(d, { level: 0.015, totalRows: 400 });
    expect(Math.fround(radius)).toBe(radius);
    expect(radius).toBeGreaterThanOrEqual(exact);
    expect(radius / exact - 1).toBeLessThan(2 ** -23);
    expect(noiseRadius(d, { level: 0 })).toBe(0);
  });

  it("refuses what it cannot use", () => {
    expect(() => noiseRadius([], noise)).toThrow(expect.objectContaining({ code: "data" }));
    expect(() => noiseRadius([1, Number.NaN], noise)).toThrow(expect.objectContaining({ code: "data" }));
    expect(() => noiseRadius([1], { ...noise, probability: 1 })).toThrow(/^noiseRadius: expected probability/);
  });
});
