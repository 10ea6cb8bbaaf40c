import { describe, expect, it } from "vitest";
import { varied } from "../../src/applications/ct/vary.js";
import { random } from "../../src/random.js";

const size = 6;
const area = size * size;
const image = Float32Array.from({ length: area }, (_, i) => (i + 1) / (2 * area));
const many = Array.from({ length: 200 }, (_, i) => varied(image, size, random(4).fork(i)));

describe("varied", () => {
  it("stays in [0, 1] and keeps the order of values, each at one of eight places", () => {
    const orders = new Set<string>();
    for (const one of many) {
      const ranks = [...one.keys()].sort((a, b) => one[a]! - one[b]!);
      expect(one.every((value) => value >= 0 && value <= 1)).toBe(true);
      orders.add(ranks.slice(0, 2).join());
      // Neighbours of the image stay neighbours: the darkest two lie side by side.
      const [a, b] = ranks as [number, number];
      expect(Math.abs((a % size) - (b % size)) + Math.abs(Math.floor(a / size) - Math.floor(b / size))).toBe(1);
    }
    expect(orders.size).toBe(8);
  });

  it("brightens the peak alone by more than the scale", () => {
    const low = (values: Float32Array) => [...values].sort((a, b) => a - b)[0]!;
    const high = (values: Float32Array) => [...values].sort((a, b) => a - b).at(-1)!;
    const scales = many.map((one) => low(one) / low(image));
    expect(Math.min(...scales)).toBeGreaterThanOrEqual(0.75);
    expect(Math.max(...scales)).toBeLessThanOrEqual(1.25);
    expect(Math.max(...many.map((one, i) => high(one) / high(image) / scales[i]!))).toBeGreaterThan(1.5);
  });

  it("is all zero where the image is", () => {
    expect(varied(new Float32Array(area), size, random(1))).toEqual(new Float32Array(area));
  });
});
