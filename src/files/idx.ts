/** @file The idx format of MNIST: one array of unsigned bytes, big-endian dimensions. */

import { VouchError } from "../errors.js";

/** An array of any rank ≥ 1 in C order. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Third byte of the magic number: unsigned bytes, the one type these files are published in. */
const UNSIGNED_BYTE = 0x08;

/**
 * Read one array from the bytes of an idx file, unpacked (gzip is the caller's).
 *
 * @param bytes  the whole file; `data` is a view of them
 * @throws format if empty, not idx, truncated, longer than its dimensions say, or of another type than unsigned bytes
 * @source LeCun, Cortes & Burges, The MNIST database of handwritten digits, "File formats"
 */
export function parseIdx(bytes: Uint8Array): IdxArray {
  if (bytes.length === 0) fail("an idx file", "0 bytes", "The file is empty; copy it again.");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) fail("an unpacked idx file", "gzip", "Unpack it first.");
  if (bytes[0] !== 0 || (bytes[1] ?? 0) !== 0) fail("an idx file, which begins with two zeros", "other bytes", OTHER);
  if (bytes.length < 4) truncated(4, bytes.length);
  const [type, rank] = [bytes[2]!, bytes[3]!];
  if (type !== UNSIGNED_BYTE) fail("unsigned bytes (type 0x08)", `type 0x${type.toString(16).padStart(2, "0")}`, OTHER);
  if (rank === 0) fail("at least one dimension", "none", OTHER);
  const start = 4 + 4 * rank;
  if (bytes.length < start) truncated(start, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis, false));
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length < start + size) truncated(start + size, bytes.length, shape);
  if (bytes.length > start + size) {
    fail(
      `${start + size} bytes for shape [${shape}]`,
      `${bytes.length}`,
      "Bytes trail the array; one file, one array.",
    );
  }
  return { shape, data: bytes.subarray(start) };
}

const OTHER = "Pass a file of MNIST's kind, such as train-images-idx3-ubyte.";

function truncated(expected: number, got: number, shape?: readonly number[]): never {
  const what = shape === undefined ? "" : ` for shape [${shape}]`;
  fail(`at least ${expected} bytes${what}`, `${got}`, "The file is truncated; copy it again.");
}

function fail(expected: string, got: string, remedy: string): never {
  throw new VouchError("format", { name: "parseIdx", expected, got, remedy });
}
