/** @file The safetensors format, float32 only: named weights with a JSON header. */

import { z } from "zod";
import { VouchError } from "../errors.js";

/** A named float32 array in C order; shape [] is a scalar. */
export interface SafeTensor {
  shape: number[];
  data: Float32Array;
}

export interface Safetensors {
  tensors: Record<string, SafeTensor>;
  metadata: Record<string, string>;
}

const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const metadataSchema = z.record(z.string(), z.string());

/** One JSON header at most, as the reference implementation: 100 MB. */
const headerLimit = 100_000_000;

/**
 * Read the tensors and metadata of a .safetensors file.
 *
 *     [n: uint64][header: n bytes of JSON][data: the tensors, without gap or overlap]
 *
 * @param bytes  the whole file; each `data` is a copy
 * @throws format if empty, truncated, the header is not valid, a dtype is not F32, or offsets overlap, leave gaps or end early
 * @source safetensors, README "Format" and `SafeTensors::deserialize`
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  const { header, start } = readHeader(bytes);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => ({ name, ...readEntry(name, value) }));
  checkOffsets(entries, bytes.length - start);
  const tensors = entries.map(({ name, shape, data_offsets: [from, to] }) => {
    const data = new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer);
    return [name, { shape, data }] as const;
  });
  const texts = header["__metadata__"] ?? {};
  const metadata = metadataSchema.safeParse(texts);
  if (!metadata.success) fail("__metadata__ of strings", z.prettifyError(metadata.error), "Write text values only.");
  // The parsed record lacks a key "__proto__"; the checked one has it.
  const checked = Object.entries(texts as Record<string, string>);
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(checked) };
}

/**
 * Write tensors and metadata as the bytes of a .safetensors file.
 *
 * Tensors lie in order of their names and metadata in order of its keys, so equal content gives equal bytes.
 *
 * @param tensors   any name but `__metadata__`
 * @param metadata  text values
 * @throws shape if a shape does not hold exactly the elements of its data; parameter if a tensor is named `__metadata__`
 * @source safetensors, README "Format"
 */
export function formatSafetensors(
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const sorted = byName(tensors);
  const entries = sorted.map(([name, tensor]) => {
    checkTensor(name, tensor);
    const from = end;
    end += tensor.data.byteLength;
    return [name, { dtype: "F32", shape: tensor.shape, data_offsets: [from, end] }] as const;
  });
  const lead = byName(metadata).length > 0 ? [["__metadata__", Object.fromEntries(byName(metadata))] as const] : [];
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...lead, ...entries])));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(json, 8);
  entries.forEach(([, { data_offsets }], i) => {
    const { data } = sorted[i]![1];
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + data_offsets[0]!);
  });
  return file;
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length === 0) fail("a .safetensors file", "0 bytes", "The file is empty; write it again.");
  if (bytes.length < 8) fail("at least 8 bytes", `${bytes.length}`, "The file is truncated; copy it again.");
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
  if (length > headerLimit) fail(`a header of at most ${headerLimit} bytes`, `${length}`, "Is it a .safetensors file?");
  const start = 8 + Number(length);
  if (bytes.length < start) {
    fail(
      `at least ${start} bytes`,
      `${bytes.length}`,
      "The file is truncated, or not a .safetensors file; copy it again.",
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    fail("a header of JSON", error instanceof Error ? error.message : String(error), "Is it a .safetensors file?");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    fail("a header that is a JSON object", JSON.stringify(header).slice(0, 80), "Is it a .safetensors file?");
  }
  return { header: header as Record<string, unknown>, start };
}

function readEntry(name: string, value: unknown): z.infer<typeof entrySchema> {
  const entry = entrySchema.safeParse(value);
  if (!entry.success) {
    fail(`dtype, shape and data_offsets of ${name}`, z.prettifyError(entry.error), "Write the file again.");
  }
  const { dtype, shape, data_offsets } = entry.data;
  if (dtype !== "F32") fail(`F32 for ${name}`, dtype, "Convert the weights to float32 before saving.");
  const size = 4 * shape.reduce((product, n) => product * n, 1);
  if (data_offsets[1] - data_offsets[0] !== size) {
    fail(
      `${size} bytes for ${name} of shape [${shape}]`,
      `offsets ${data_offsets.join(" to ")}`,
      "The header is damaged; write the file again.",
    );
  }
  return entry.data;
}

function checkOffsets(entries: { name: string; data_offsets: [number, number] }[], available: number): void {
  const sorted = entries.toSorted(
    (a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let end = 0;
  for (const { name, data_offsets } of sorted) {
    if (data_offsets[0] !== end) {
      fail(
        `${name} to start at ${end}`,
        `${data_offsets[0]}, which ${data_offsets[0] < end ? "overlaps the tensor before" : "leaves a gap"}`,
        "The header is damaged; write the file again.",
      );
    }
    end = data_offsets[1];
  }
  if (end !== available) {
    const remedy =
      end > available ? "The file is truncated; copy it again." : "Bytes trail the tensors; write the file again.";
    fail(`${end} bytes of tensors`, `${available}`, remedy);
  }
}

function checkTensor(name: string, { shape, data }: { shape: readonly number[]; data: Float32Array }): void {
  if (name === "__metadata__") {
    throw new VouchError("parameter", {
      name: "formatSafetensors",
      expected: "tensors of other names than __metadata__",
      got: name,
      remedy: "The format reserves this name; rename the tensor.",
    });
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (size === data.length && shape.every((n) => Number.isSafeInteger(n) && n >= 0)) return;
  throw new VouchError("shape", {
    name: "formatSafetensors",
    expected: `dimensions that hold the ${data.length} elements of ${name}`,
    got: `[${shape}]`,
    remedy: "Give the shape of the data.",
  });
}

/** Entries in order of their names by UTF-16 code unit, whatever the locale. */
function byName<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function fail(expected: string, got: string, remedy: string): never {
  throw new VouchError("format", { name: "parseSafetensors", expected, got, remedy });
}
