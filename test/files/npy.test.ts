import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VouchError } from "../../src/errors.js";
import { formatNpy, type NpyArray, parseNpy } from "../../src/files/npy.js";

const golden: { files: Record<string, string> } = JSON.parse(
  readFileSync(new URL("../golden/npy.json", import.meta.url), "utf8"),
);
const file = (name: string) => Uint8Array.from(Buffer.from(golden.files[name]!, "base64"));

const expected: Record<string, NpyArray> = {
  "<f4": { shape: [2, 3], data: Float32Array.of(1.5, -2, 3, 0, Number.POSITIVE_INFINITY, -0.25) },
  "<f8": { shape: [2], data: Float64Array.of(Math.PI, -1e-300) },
  "|u1": { shape: [1, 2, 3], data: Uint8Array.of(0, 1, 2, 3, 4, 5) },
  "|b1": { shape: [3], data: Uint8Array.of(1, 0, 1) },
  "<u2": { shape: [2], data: Uint16Array.of(65535, 1) },
  "<i2": { shape: [2], data: Int16Array.of(-32768, 7) },
  "<i4": { shape: [2, 1], data: Int32Array.of(-5, 2 ** 31 - 1) },
  "<u4": { shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  "<i8": { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 62n) },
  scalar: { shape: [], data: Float64Array.of(2.5) },
  empty: { shape: [0, 3], data: new Float32Array(0) },
  "version 2": { shape: [3], data: Float32Array.of(0, 1, 2) },
};

describe("numpy's own files", () => {
  test.each(Object.entries(expected))("%s is read", (name, array) => {
    expect(parseNpy(file(name))).toEqual(array);
  });
  test.each(Object.keys(expected).filter((name) => !["|b1", "version 2"].includes(name)))(
    "%s is written the same",
    (n) => {
      expect(Buffer.from(formatNpy(expected[n]!)).toString("base64")).toBe(golden.files[n]);
    },
  );
  test.each([
    ["big-endian", "big-endian >f4"],
    ["Fortran", "Fortran order"],
    ["f2", "<f2"],
    ["c8", "<c8"],
    ["U2", "<U2"],
    ["structured", "structured"],
  ])("%s is refused and named", (name, word) => {
    expect(() => parseNpy(file(name))).toThrow(expect.objectContaining({ code: "format" }));
    expect(() => parseNpy(file(name))).toThrow(word);
  });
});

const data = fc.oneof(
  fc.float32Array({ maxLength: 24 }),
  fc.float64Array({ maxLength: 24 }),
  fc.uint8Array({ maxLength: 24 }),
  fc.uint16Array({ maxLength: 24 }),
  fc.int16Array({ maxLength: 24 }),
  fc.int32Array({ maxLength: 24 }),
  fc.uint32Array({ maxLength: 24 }),
  fc.bigInt64Array({ maxLength: 24 }),
);

test("what is written is read back, from any offset of a larger buffer", () => {
  fc.assert(
    fc.property(data, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 3 }), (data, offset, ones) => {
      const array = { shape: [...new Array<number>(ones).fill(1), data.length], data };
      const bytes = formatNpy(array);
      const pool = Buffer.alloc(bytes.length + offset + 5, 0xff);
      pool.set(bytes, offset);
      expect(parseNpy(pool.subarray(offset, offset + bytes.length))).toEqual(array);
    }),
  );
});

test("data is a copy", () => {
  const bytes = Buffer.from(formatNpy({ shape: [2], data: Uint8Array.of(1, 2) }));
  const { data } = parseNpy(bytes);
  bytes.fill(0);
  expect(data).toEqual(Uint8Array.of(1, 2));
});

test.each(["<f4", "scalar", "version 2"])("every proper prefix of %s is refused", (name) => {
  const bytes = file(name);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => parseNpy(bytes.subarray(0, length))).toThrow(VouchError);
  }
});

test("a damaged byte is read or refused, never a crash", () => {
  const bytes = file("<f4");
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = bytes.slice();
      damaged[at] = byte;
      try {
        parseNpy(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(VouchError);
      }
    }),
  );
});

const headed = (header: string) => {
  const bytes = new Uint8Array(10 + header.length);
  bytes.set(file("<f4").subarray(0, 8));
  bytes[8] = header.length;
  bytes.set(new TextEncoder().encode(header), 10);
  return bytes;
};

test.each([
  ["empty", new Uint8Array(0), "0 bytes"],
  ["text", new TextEncoder().encode("P6 128 128 255"), "NUMPY"],
  ["truncated", file("<f4").subarray(0, 140), "24 bytes of data for shape [2,3] of <f4, got 12 bytes"],
  ["trailing bytes", Uint8Array.of(...file("<f4"), 0), "got 25 bytes"],
  ["version 9", file("<f4").map((b, i) => (i === 6 ? 9 : b)), "version 9"],
  ["no shape", headed("{'descr': '<f4', 'fortran_order': False}"), "no shape"],
  ["no order", headed("{'descr': '<f4', 'shape': (1,)}"), "no 'fortran_order'"],
  ["a hole in the shape", headed("{'descr': '<f4', 'fortran_order': False, 'shape': (1,,2)}"), "1,,2"],
  ["astronomic shape", headed("{'descr': '<f4', 'fortran_order': False, 'shape': (999999, 999999999)}"), "got 0 bytes"],
])("%s is refused in words", (_, bytes, words) => {
  expect(() => parseNpy(bytes)).toThrow(expect.objectContaining({ code: "format" }));
  expect(() => parseNpy(bytes)).toThrow(words);
});

test.each([[[3]], [[2, 2]], [[-1, -2]], [[0.5, 4]]])("formatNpy refuses shape %j of two elements", (shape) => {
  expect(() => formatNpy({ shape, data: new Float32Array(2) })).toThrow(expect.objectContaining({ code: "shape" }));
});
