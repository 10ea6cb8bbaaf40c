import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { VouchError } from "../../src/errors.js";
import { formatNpy } from "../../src/files/npy.js";
import { formatNpz, parseNpz } from "../../src/files/npz.js";

const golden: { files: Record<string, string> } = JSON.parse(
  readFileSync(new URL("../golden/npy.json", import.meta.url), "utf8"),
);
const file = (name: string) => Uint8Array.from(Buffer.from(golden.files[name]!, "base64"));

test.each(["npz stored", "npz compressed"])("numpy's own %s is read", (name) => {
  expect(parseNpz(file(name))).toEqual({
    a: { shape: [3], data: Float32Array.of(0, 1, 2) },
    b: { shape: [1, 2], data: Int32Array.of(1, 2) },
  });
});

test.each(["npz stored", "npz compressed"])("every proper prefix of %s is refused", (name) => {
  const bytes = file(name);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => parseNpz(bytes.subarray(0, length))).toThrow(VouchError);
  }
});

test("any names and values come back", () => {
  const arrays = fc.dictionary(fc.stringMatching(/^[\w ]{1,12}$/), fc.float32Array({ maxLength: 16 }));
  fc.assert(
    fc.property(arrays, (arrays) => {
      const entries = Object.entries(arrays);
      const members = entries.map(([name, data]) => [`${name}.npy`, formatNpy({ shape: [data.length], data })]);
      const read = parseNpz(zipSync(Object.fromEntries(members)));
      expect(Object.entries(read).toSorted()).toEqual(
        entries.map(([name, data]) => [name, { shape: [data.length], data }]).toSorted(),
      );
    }),
    { numRuns: 50 },
  );
});

test("what is written is read back, and equal arrays are equal bytes", () => {
  const arrays = {
    a: { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, Number.NaN) },
    b: { shape: [4], data: Uint8Array.of(1, 2, 3, 255) },
  };
  const bytes = formatNpz(arrays);
  expect(parseNpz(bytes)).toEqual(arrays);
  expect(formatNpz(arrays)).toEqual(bytes);
  expect(() => formatNpz({ a: { shape: [2], data: Float32Array.of(1) } })).toThrow("hold 1 elements");
});

test.each(["npz stored", "npz compressed"])("a damaged byte of %s is never a crash", (name) => {
  const bytes = file(name);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = bytes.slice();
      damaged[at]! ^= flip;
      try {
        parseNpz(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(VouchError);
      }
    }),
    { numRuns: 300 },
  );
});

test("a flipped bit in the data is refused by its checksum", () => {
  const bytes = file("npz stored");
  const data = Buffer.from(bytes).indexOf(Buffer.from(Float32Array.of(0, 1, 2).buffer));
  bytes[data + 4]! ^= 1;
  expect(() => parseNpz(bytes)).toThrow("a.npy");
});

test.each([
  ["empty", new Uint8Array(0), "0 bytes"],
  ["an .npy", file("<f4"), "a zip file"],
  ["another member", zipSync({ "readme.txt": new Uint8Array(3) }), "readme.txt"],
  ["a truncated member", zipSync({ "a.npy": file("<f4").subarray(0, 140) }), "a.npy: 24 bytes"],
])("%s is refused in words", (_, bytes, words) => {
  expect(() => parseNpz(bytes)).toThrow(expect.objectContaining({ code: "format" }));
  expect(() => parseNpz(bytes)).toThrow(words);
});
