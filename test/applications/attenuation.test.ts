/** @file LoDoPaB's scale, the field of view, and fewer pixels as Pillow makes them. */

import { describe, expect, it, test } from "vitest";
import { attenuation, fieldOfView, shrink } from "../../src/applications/ct/attenuation.js";
import { golden } from "../volumes.js";

test.each([
  [0, 20 / 81.35858],
  [-1000, 0.02 / 81.35858],
  [3071, 1],
  [5000, 1],
  [-3024, 0],
])("%i HU is an attenuation of %f", (hu, expected) => {
  expect(attenuation(hu)).toBeCloseTo(expected, 6);
});

describe("the field of view", () => {
  it("of 512 pixels is the 362 in the middle", () => {
    const image = Float32Array.from({ length: 512 * 512 }, (_, p) => p);
    const { image: cut, size } = fieldOfView(image, 512, 512);
    expect([size, cut.length]).toEqual([362, 362 * 362]);
    expect([cut[0], cut[361], cut.at(-1)]).toEqual([75 * 512 + 75, 75 * 512 + 436, 436 * 512 + 436]);
  });

  it("of other sizes has the same share", () => {
    expect(fieldOfView(new Float32Array(256 * 256), 256, 256).size).toBe(181);
    expect(fieldOfView(new Float32Array(1024 * 1024), 1024, 1024).size).toBe(724);
  });

  it("of a slice that is not square is refused", () => {
    expect(() => fieldOfView(new Float32Array(6), 2, 3)).toThrow("expected a square slice, got 2 × 3");
  });
});

describe("fewer pixels", () => {
  const image = Float32Array.from(golden.shrink.image);

  it.each(Object.entries(golden.shrink.to))("%s of 29 are Pillow's", (to, expected) => {
    const small = shrink(image, 29, Number(to));
    expect(small.length).toBe(expected.length);
    small.forEach((value, p) => {
      expect(value).toBeCloseTo(expected[p]!, 6);
    });
  });

  it.each([0, 30, 2.5])("%f of 29 are refused", (to) => {
    expect(() => shrink(image, 29, to)).toThrow("expected at most the 29 × 29 pixels of the image");
  });
});
