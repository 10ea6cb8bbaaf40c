import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { VouchError } from "../../src/errors.js";
import { isPng, parsePng } from "../../src/files/png.js";

interface Golden {
  readonly grey: Readonly<Record<string, { readonly file: string; readonly values: readonly (readonly number[])[] }>>;
  readonly other: Readonly<Record<string, string>>;
}
const golden: Golden = JSON.parse(readFileSync(new URL("../golden/png.json", import.meta.url), "utf8"));
const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));

describe("Pillow's own files", () => {
  test.each(Object.entries(golden.grey))("grey of %s is read, white as 65535", (name, { file, values }) => {
    const scale = name.startsWith("8") ? 257 : 1;
    const { shape, data } = parsePng(bytesOf(file));
    expect(shape).toEqual([values.length, values[0]!.length]);
    expect([...data]).toEqual(values.flat().map((value) => scale * value));
  });

  test.each([
    ["RGB", "colour, 8 bit"],
    ["grey with alpha", "grey, 8 bit, transparency"],
    ["palette", "a palette"],
    ["1 bit", "grey, 1 bit"],
  ])("%s is refused and named", (name, words) => {
    const read = () => parsePng(bytesOf(golden.other[name]!));
    expect(read).toThrow(VouchError);
    expect(read).toThrow(`parsePng: expected a grey PNG of 8 or 16 bits, got ${words}`);
  });
});

test("a truncated, damaged or other file is refused", () => {
  const whole = bytesOf(golden.grey["16 bit"]!.file);
  expect(isPng(whole)).toBe(true);
  for (let length = 0; length < whole.length; length++) {
    expect(() => parsePng(whole.subarray(0, length))).toThrow(VouchError);
  }
  for (let i = 0; i < whole.length; i++) {
    const damaged = Uint8Array.from(whole, (byte, k) => (k === i ? byte ^ 0x10 : byte));
    expect(() => parsePng(damaged)).toThrow(VouchError);
  }
  expect(() => parsePng(new TextEncoder().encode("no image"))).toThrow("got no PNG");
});

test("a grey value that means transparency is refused", () => {
  const whole = bytesOf(golden.grey["8 bit"]!.file);
  const content = Buffer.concat([Buffer.from("tRNS"), Buffer.of(0, 9)]);
  const chunk = Buffer.alloc(14);
  chunk.writeUInt32BE(2, 0);
  content.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(content), 10);
  const headerEnd = 33;
  const marked = Buffer.concat([whole.subarray(0, headerEnd), chunk, whole.subarray(headerEnd)]);
  expect(() => parsePng(marked)).toThrow("got grey, 8 bit, transparency");
});
