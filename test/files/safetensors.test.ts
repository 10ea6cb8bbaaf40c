import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VouchError } from "../../src/errors.js";
import { formatSafetensors, parseSafetensors } from "../../src/files/safetensors.js";

function assemble(header: unknown, body: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(body, 8 + json.length);
  return file;
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.of(...values).buffer);
const f32 = (shape: number[], from: number, to: number) => ({ dtype: "F32", shape, data_offsets: [from, to] });

test("the layout is that of the format", () => {
  const header = '{"__metadata__":{"kind":"x"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
  const tensors = { b: { shape: [2], data: Float32Array.of(1.5, -2) } };
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  expect(formatSafetensors(tensors, { kind: "x" })).toEqual(assemble(padded, floats(1.5, -2)));
});

test("a file written in another order of names is read", () => {
  const bytes = assemble({ b: f32([], 4, 8), a: f32([1, 1], 0, 4) }, floats(7, 8));
  expect(parseSafetensors(bytes)).toEqual({
    tensors: { a: { shape: [1, 1], data: Float32Array.of(7) }, b: { shape: [], data: Float32Array.of(8) } },
    metadata: {},
  });
});

const names = fc.string({ unit: "binary", maxLength: 8 }).filter((name) => name !== "__metadata__");
const tensor = fc.float32Array({ maxLength: 12 }).map((data) => ({ shape: [1, data.length], data }));

test("what is written is read back, from any offset, in any order of the keys to the same bytes", () => {
  fc.assert(
    fc.property(
      fc.dictionary(names, tensor),
      fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
      fc.nat(7),
      (tensors, metadata, offset) => {
        const bytes = formatSafetensors(tensors, metadata);
        const pool = Buffer.alloc(bytes.length + offset, 0xff);
        pool.set(bytes, offset);
        const read = parseSafetensors(pool.subarray(offset));
        expect(Object.entries(read.tensors).toSorted()).toEqual(Object.entries(tensors).toSorted());
        expect(Object.entries(read.metadata).toSorted()).toEqual(Object.entries(metadata).toSorted());
        const reversed = Object.fromEntries(Object.entries(tensors).toReversed());
        expect(formatSafetensors(reversed, metadata)).toEqual(bytes);
      },
    ),
  );
});

const small = formatSafetensors(
  { K: { shape: [2, 1], data: Float32Array.of(1, 2) }, tau: { shape: [], data: Float32Array.of(3) } },
  { model: "ct" },
);

test("every proper prefix is refused", () => {
  for (let length = 0; length < small.length; length++) {
    expect(() => parseSafetensors(small.subarray(0, length))).toThrow(VouchError);
  }
});

test("a damaged byte is read or refused, never a crash", () => {
  fc.assert(
    fc.property(fc.nat(small.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = small.slice();
      damaged[at] = byte;
      try {
        parseSafetensors(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(VouchError);
      }
    }),
    { numRuns: 500 },
  );
});

describe("a bad file is refused in words", () => {
  test.each([
    ["empty", new Uint8Array(0), "0 bytes"],
    ["not safetensors", new TextEncoder().encode("hello, this is text"), "a header of at most"],
    ["not JSON", assemble("{", new Uint8Array(0)), "a header of JSON"],
    ["not UTF-8", assemble("{}", new Uint8Array(0)).map((b, i) => (i === 8 ? 0xff : b)), "a header of JSON"],
    ["an array", assemble([], new Uint8Array(0)), "a JSON object"],
    ["another dtype", assemble({ w: { dtype: "BF16", shape: [1], data_offsets: [0, 2] } }, new Uint8Array(2)), "BF16"],
    ["a negative dimension", assemble({ w: f32([-1], 0, 4) }, floats(1)), "of w"],
    ["a fractional offset", assemble({ w: f32([1], 0.5, 4.5) }, floats(1)), "of w"],
    ["an unknown key", assemble({ w: { ...f32([1], 0, 4), stride: 1 } }, floats(1)), "stride"],
    ["a size unlike the shape", assemble({ w: f32([2], 0, 4) }, floats(1)), "8 bytes for w"],
    ["overlap", assemble({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, floats(1, 2)), "overlaps"],
    ["a shared range", assemble({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, floats(1)), "overlaps"],
    ["a gap", assemble({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, floats(1, 2, 3)), "gap"],
    ["truncation", assemble({ a: f32([2], 0, 8) }, floats(1)), "8 bytes of tensors, got 4"],
    ["trailing bytes", assemble({ a: f32([1], 0, 4) }, floats(1, 2)), "trail"],
    ["metadata not of text", assemble({ __metadata__: { a: 1 } }, new Uint8Array(0)), "__metadata__"],
  ])("%s", (_, bytes, words) => {
    expect(() => parseSafetensors(bytes)).toThrow(expect.objectContaining({ code: "format" }));
    expect(() => parseSafetensors(bytes)).toThrow(words);
  });
});

test("formatSafetensors refuses a wrong shape and the reserved name", () => {
  const data = Float32Array.of(1, 2);
  expect(() => formatSafetensors({ w: { shape: [3], data } }, {})).toThrow("2 elements of w");
  expect(() => formatSafetensors({ __metadata__: { shape: [2], data } }, {})).toThrow("__metadata__");
});
