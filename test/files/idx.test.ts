import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIdx } from "../../src/files/idx.js";

function written(shape: readonly number[], data: Uint8Array): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + data.length);
  file.set([0, 0, 8, shape.length]);
  const view = new DataView(file.buffer);
  shape.forEach((n, axis) => {
    view.setUint32(4 + 4 * axis, n, false);
  });
  file.set(data, 4 + 4 * shape.length);
  return file;
}

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 });
const arrays = shapes.chain((shape) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return fc.tuple(fc.constant(shape), fc.uint8Array({ minLength: size, maxLength: size }));
});

describe("parseIdx", () => {
  test("reads what was written", () => {
    fc.assert(
      fc.property(arrays, ([shape, data]) => {
        expect(parseIdx(written(shape, data))).toEqual({ shape, data });
      }),
    );
  });

  test("the bytes of the published format", () => {
    const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
    expect(parseIdx(bytes)).toEqual({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  });

  test("every proper beginning of a file is refused as truncated, and a file with more as well", () => {
    fc.assert(
      fc.property(arrays, fc.nat(), ([shape, data], at) => {
        const bytes = written(shape, data);
        const length = at % bytes.length;
        expect(() => parseIdx(bytes.subarray(0, length))).toThrow(length === 0 ? "0 bytes" : "truncated");
        expect(() => parseIdx(Uint8Array.of(...bytes, 0))).toThrow("trail");
      }),
    );
  });

  test.each([
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), "Unpack"],
    ["text", new TextEncoder().encode("label,pixel"), "two zeros"],
    ["floats", Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), "0x0d"],
    ["no dimension", Uint8Array.of(0, 0, 8, 0), "dimension"],
  ])("%s is refused", (_, bytes, word) => {
    expect(() => parseIdx(bytes)).toThrow(expect.objectContaining({ code: "format" }));
    expect(() => parseIdx(bytes)).toThrow(word);
  });
});
