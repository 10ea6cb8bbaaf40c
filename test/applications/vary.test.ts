import { describe, expect, it } from "vitest";
import { varied } from "../../src/applications/ct/vary.js";
import { random } from "../../src/random.js";

const size = 6;
const area = size * size;
const ramp = Float32Array.from({ length: area }, (_, i) => (i + 1) / (2 * area));
/** Cut at 0.3: a corner of it, and one pixel just below. */
const cut = ramp.map((x, i) => (i % size < 3 && i < 18 ? 0.3 : i === 3 ? 0.28 : x / 4));
const draws = (image: Float32Array) => Array.from({ length: 200 }, (_, i) => varied(image, size, random(4).fork(i)));
const sorted = (values: Float32Array) => [...values].sort((a, b) => a - b);

describe("varied", () => {
  it("turns, mirrors and scales an image that no window has cut, and does no more", () => {
    const orders = new Set<string>();
    for (const one of draws(ramp)) {
      const ranks = [...one.keys()].sort((a, b) => one[a]! - one[b]!);
      expect(one.every((value) => value >= 0 && value <= 1)).toBe(true);
      orders.add(ranks.slice(0, 2).join());
      // Neighbours of the image stay neighbours: the darkest two lie side by side.
      const [a, b] = ranks as [number, number];
      expect(Math.abs((a % size) - (b % size)) + Math.abs(Math.floor(a / size) - Math.floor(b / size))).toBe(1);
      const scale = sorted(one)[0]! / sorted(ramp)[0]!;
      expect(Math.abs(scale - 1)).toBeLessThanOrEqual(0.05 + 1e-6);
      sorted(one).forEach((value, i) => {
        expect(value).toBeCloseTo(sorted(ramp)[i]! * scale, 6);
      });
    }
    expect(orders.size).toBe(8);
  });

  it("gives bone to pixels that a window cut and to those in part of it, and to no other", () => {
    const brightest: number[] = [];
    for (const one of draws(cut)) {
      const scale = sorted(one)[0]! / sorted(cut)[0]!;
      const plain = sorted(cut).map((value) => value * scale);
      const rest = area - 10;
      sorted(one).forEach((value, i) => {
        if (i < rest) expect(value).toBeCloseTo(plain[i]!, 6);
        expect(value).toBeLessThanOrEqual(1);
      });
      brightest.push(sorted(one).at(-1)! / scale - 0.3);
    }
    expect(Math.max(...brightest)).toBeGreaterThan(0.2);
    expect(Math.min(...brightest)).toBeGreaterThanOrEqual(-1e-6);
  });

  it("is all zero where the image is", () => {
    expect(varied(new Float32Array(area), size, random(1))).toEqual(new Float32Array(area));
  });
});
