/** @file NumPy's .npy format: one array, C order, little-endian. */

import { VouchError } from "../errors.js";

export type NpyData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array;

/** An array of any rank in C order; shape [] is a scalar. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

const elements = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|u1": Uint8Array,
  "|b1": Uint8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<i4": Int32Array,
  "<u4": Uint32Array,
  "<i8": BigInt64Array,
} as const;
type Descr = keyof typeof elements;

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

/**
 * Read one array from the bytes of a .npy file, versions 1.0 to 3.0.
 *
 * @param bytes  the whole file; `data` is a copy, |b1 becomes 0 and 1 in a Uint8Array
 * @throws format if empty, not .npy, truncated, longer than its shape says, big-endian, in Fortran order, or of another dtype
 * @source NEP 1, numpy.lib.format
 */
export function parseNpy(bytes: Uint8Array): NpyArray {
  const { header, start } = readHeader(bytes);
  const descr = readDescr(header);
  const order = /["']fortran_order["']\s*:\s*(True|False)/.exec(header)?.[1];
  if (order !== "False") {
    fail(
      "'fortran_order': False",
      order === undefined ? "no 'fortran_order'" : "Fortran order",
      "Save numpy.ascontiguousarray(a).",
    );
  }
  const shape = readShape(header);
  const Elements = elements[descr];
  const size = shape.reduce((product, n) => product * n, 1) * Elements.BYTES_PER_ELEMENT;
  if (bytes.length - start !== size) {
    fail(
      `${size} bytes of data for shape [${shape}] of ${descr}`,
      `${bytes.length - start} bytes`,
      bytes.length - start < size
        ? "The file is truncated; copy it again."
        : "Bytes trail the array; one file, one array.",
    );
  }
  const body = new Uint8Array(bytes.subarray(start)).buffer;
  return { shape, data: new Elements(body, 0, size / Elements.BYTES_PER_ELEMENT) };
}

/**
 * Write one array as the bytes of a .npy file, version 1.0, data aligned to 64 bytes: what numpy.save writes.
 *
 * @param array  dtype from the class of `data`; a Uint8Array is |u1
 * @throws shape if the shape does not hold exactly the elements of `data`
 * @source numpy.lib.format
 */
export function formatNpy({ shape, data }: NpyArray): Uint8Array {
  const size = shape.reduce((product, n) => product * n, 1);
  if (size !== data.length || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new VouchError("shape", {
      name: "formatNpy",
      expected: `nonnegative whole dimensions that hold ${data.length} elements`,
      got: `[${shape}]`,
      remedy: "Give the shape of the data.",
    });
  }
  const descr = (Object.keys(elements) as Descr[]).find((key) => data instanceof elements[key])!;
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = Math.ceil((magic.length + 4 + header.length + 1) / 64) * 64;
  const file = new Uint8Array(start + data.byteLength);
  file.set(magic);
  file[6] = 1;
  new DataView(file.buffer).setUint16(8, start - 10, true);
  file.set(new TextEncoder().encode(`${header.padEnd(start - 11)}\n`), 10);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return file;
}

function readHeader(bytes: Uint8Array): { header: string; start: number } {
  if (bytes.length === 0) fail("a .npy file", "0 bytes", "The file is empty; write it again.");
  const known = Math.min(bytes.length, magic.length);
  if (!magic.subarray(0, known).every((byte, i) => byte === bytes[i])) {
    fail("a .npy file, which begins with \\x93NUMPY", "other bytes", "Save the array with numpy.save.");
  }
  const major = bytes[6] ?? 1;
  if (major < 1 || major > 3) fail("version 1, 2 or 3", `version ${major}`, "Save the array with numpy.save.");
  const lead = major === 1 ? 10 : 12;
  if (bytes.length < lead) truncated(lead, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = lead + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < start) truncated(start, bytes.length);
  return { header: new TextDecoder().decode(bytes.subarray(lead, start)), start };
}

function readDescr(header: string): Descr {
  const descr = /["']descr["']\s*:\s*(?:["']([^"']*)["'])?/.exec(header)?.[1] ?? "a structured or missing dtype";
  if (descr.startsWith(">")) {
    fail("little-endian data", `big-endian ${descr}`, `Save a.astype("<${descr.slice(1)}").`);
  }
  if (!Object.hasOwn(elements, descr)) {
    fail(`a dtype of ${Object.keys(elements).join(" ")}`, descr, 'Save a.astype("<f4") or another of these.');
  }
  return descr as Descr;
}

function readShape(header: string): number[] {
  const text = /["']shape["']\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const dims = text?.replace(/,\s*$/, "").trim();
  const shape =
    dims === undefined ? [NaN] : dims === "" ? [] : dims.split(",").map((n) => (n.trim() ? Number(n) : NaN));
  if (!shape.every(Number.isSafeInteger)) {
    fail("'shape': a tuple of whole numbers", text ?? "no shape", "Save the array with numpy.save.");
  }
  return shape;
}

function truncated(expected: number, got: number): never {
  fail(`at least ${expected} bytes`, `${got}`, "The file is truncated; copy it again.");
}

function fail(expected: string, got: string, remedy: string): never {
  throw new VouchError("format", { name: "parseNpy", expected, got, remedy });
}
