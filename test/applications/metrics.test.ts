import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { psnr, ssim, ssimWang2004 } from "../../src/applications/ct/metrics.js";
import { VouchError } from "../../src/errors.js";

interface Case {
  height: number;
  width: number;
  seed: number;
  amplitude: number;
  peak: number;
  range: "one" | "max";
  psnr: number;
  ssim: number;
  ssimWang2004: number;
}

const golden: { cases: Case[] } = JSON.parse(readFileSync(new URL("../golden/metrics.json", import.meta.url), "utf8"));

/** The images of bench/peers/golden_metrics.py. */
function images({ height, width, seed, amplitude, peak }: Case): { x: Float32Array; truth: Float32Array } {
  const x = new Float32Array(height * width);
  const truth = new Float32Array(height * width);
  let state = seed;
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      const noise = state / 2 ** 31 - 1;
      const wave = Math.cos(c / 7 + r / 11);
      truth[r * width + c] = peak * (0.5 + 0.25 * Math.sin(r / 5) + 0.25 * wave);
      x[r * width + c] = peak * (0.5 + 0.24 * Math.sin(r / 5 + 0.1) + 0.23 * wave) + peak * amplitude * noise;
    }
  }
  return { x, truth };
}

describe("metrics agree with scikit-image", () => {
  test.each(golden.cases)("$height×$width seed $seed range $range", (golden) => {
    const { height, width, range } = golden;
    const { x, truth } = images(golden);
    const dataRange = range === "one" ? 1 : Math.max(...truth);
    for (const [a, b] of [
      [x, truth],
      [Float64Array.from(x), Float64Array.from(truth)],
    ] as const) {
      expect(psnr(a, b, { dataRange })).toBeCloseTo(golden.psnr, 6);
      expect(ssim(a, b, { height, width, dataRange })).toBeCloseTo(golden.ssim, 8);
      expect(ssimWang2004(a, b, { height, width, dataRange })).toBeCloseTo(golden.ssimWang2004, 8);
    }
  });
});

const size = { height: 12, width: 14, dataRange: 1 };
const truth = Float32Array.from({ length: 12 * 14 }, (_, i) => 0.5 + 0.5 * Math.sin(i));

test("an image equals itself: SSIM 1, PSNR Infinity", () => {
  expect(ssim(truth, truth, size)).toBeCloseTo(1, 12);
  expect(ssimWang2004(truth, truth, size)).toBeCloseTo(1, 12);
  expect(psnr(truth, truth, { dataRange: 1 })).toBe(Number.POSITIVE_INFINITY);
});

test("PSNR of a constant offset has a closed form", () => {
  const x = Float64Array.from(truth, (v) => v + 0.1);
  expect(psnr(x, Float64Array.from(truth), { dataRange: 2 })).toBeCloseTo(10 * Math.log10(4 / 0.01), 9);
});

test("metrics are symmetric and invariant to a common scale", () => {
  const x = truth.map((v, i) => v + 0.1 * Math.cos(3 * i));
  const scaled = { ...size, dataRange: 4 };
  for (const metric of [ssim, ssimWang2004]) {
    expect(metric(x, truth, size)).toBeCloseTo(metric(truth, x, size), 12);
    expect(
      metric(
        x.map((v) => 4 * v),
        truth.map((v) => 4 * v),
        scaled,
      ),
    ).toBeCloseTo(metric(x, truth, size), 12);
    expect(metric(x, truth, size)).toBeLessThan(1);
  }
});

const withNaN = truth.map((v, i) => (i === 5 ? Number.NaN : v));
test.each([
  ["lengths differ", () => psnr(truth.subarray(1), truth, size), "shape"],
  ["empty", () => psnr(new Float32Array(0), new Float32Array(0), size), "shape"],
  ["range 0", () => psnr(truth, truth, { dataRange: 0 }), "parameter"],
  ["range NaN", () => ssim(truth, truth, { ...size, dataRange: Number.NaN }), "parameter"],
  ["wrong size", () => ssim(truth, truth, { ...size, height: 11 }), "shape"],
  ["too small", () => ssimWang2004(truth, truth, { height: 6, width: 28, dataRange: 1 }), "shape"],
  ["NaN in x", () => ssim(withNaN, truth, size), "data"],
  ["NaN in truth", () => psnr(truth, withNaN, size), "data"],
])("%s is refused", (_, call, code) => {
  expect(call).toThrow(VouchError);
  expect(call).toThrow(expect.objectContaining({ code }));
});
