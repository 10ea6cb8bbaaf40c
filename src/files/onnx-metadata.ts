/** @file What an exported .onnx file says of itself, and the digest that covers every byte of it. */

import { z } from "zod";
import { readMetadata } from "../engine/standalone.js";
import { VouchError } from "../errors.js";
import { sha256Hex } from "../verify/digest.js";

/** Version of the layout: names and meaning of outputs and metadata. */
export const ONNX_FORMAT = 1;

const metadataSchema = z.strictObject({
  /** Of Vouch, that wrote it. */
  version: z.string(),
  model: z.string(),
  /** Shapes of the inputs by name; "N" is the sample axis. */
  data: z.record(z.string(), z.array(z.union([z.literal("N"), z.int()]))),
  /** What the codes of `status` and `label.…` mean: places in these lists. */
  statuses: z.array(z.enum(["converged", "max-steps", "diverged", "non-finite"])),
  labels: z.array(z.enum(["pass", "warning", "fail"])),
  /** In words, by name of data or "x". */
  units: z.record(z.string(), z.string()),
  /** "sha256:…" of the weights as safetensors without metadata, and the calibration's commitment. */
  weights: z.string(),
  calibration: z.string(),
  /** What trusted samples are, and how many. */
  reference: z.enum(["truth", "inferences"]),
  trusted: z.int().positive(),
  solve: z.strictObject({
    splitting: z.string(),
    solver: z.string(),
    tolerance: z.number(),
    maxSteps: z.number(),
    every: z.int(),
    checks: z.int(),
  }),
  /** Conditions of the splitting that do not hold, in words. */
  violated: z.array(z.string()),
});

type Stored = z.infer<typeof metadataSchema>;
/** JSON under the key "vouch"; beside it stand "vouch.format" and "vouch.digest". */
export type OnnxMetadata = { readonly [K in keyof Stored]: Readonly<Stored[K]> };

const ABOUT = "vouch";
const FORMAT = "vouch.format";
const DIGEST = "vouch.digest";
const OPEN = `sha256:${"0".repeat(64)}`;

/** Metadata entries of a file, its digest still open. */
export function formatOnnxMetadata(metadata: OnnxMetadata): Record<string, string> {
  return { [FORMAT]: `${ONNX_FORMAT}`, [ABOUT]: JSON.stringify(metadata), [DIGEST]: OPEN };
}

/** The bytes with the digest of themselves, taken while its own digits are 0. */
export function sealed(bytes: Uint8Array): Uint8Array {
  const file = Uint8Array.from(bytes);
  file.set(new TextEncoder().encode(digestOf(bytes)), lastPlace(bytes, OPEN));
  return file;
}

/**
 * What a file says of itself, once it is known to be whole.
 *
 * The digest tells damage and swapped parts, not a forger, who would write his own: compare it with one from elsewhere.
 *
 * @param file  its name, for errors
 * @throws format naming the file if it is no .onnx of Vouch, of another format version, or not the bytes that were written:
 * then with both digests
 */
export function checkOnnx(bytes: Uint8Array, file: string): OnnxMetadata {
  const refuse = (expected: string, got: string) =>
    new VouchError("format", { name: `checkOnnx: ${file}`, expected, got, remedy: "Export the model again." });
  const entries = readMetadata(bytes);
  const format = entries?.[FORMAT];
  if (entries === undefined || format === undefined) {
    throw refuse("an .onnx file written by `vouch export`", entries ? "a model of another writer" : "other bytes");
  }
  if (format !== `${ONNX_FORMAT}`) throw refuse(`format version ${ONNX_FORMAT}`, `version ${format}`);
  const stated = entries[DIGEST] ?? "";
  const place = lastPlace(bytes, stated);
  if (!/^sha256:[0-9a-f]{64}$/.test(stated) || place < 0) throw refuse("the digest of the file in it", "none");
  const open = Uint8Array.from(bytes);
  open.set(new TextEncoder().encode(OPEN), place);
  const actual = digestOf(open);
  if (actual !== stated) throw refuse(`content of digest ${stated}, as it says`, `${actual}`);
  const parsed = metadataSchema.safeParse(readJson(entries[ABOUT]));
  if (!parsed.success) throw refuse("metadata of an exported model", z.prettifyError(parsed.error));
  return parsed.data;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${sha256Hex(bytes)}`;
}

function readJson(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where a text stands last in the bytes; −1 where it does not. */
function lastPlace(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.length - wanted.length; at >= 0; at--) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
