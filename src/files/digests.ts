/** @file The digest list of a model bundle: which files belong together, byte for byte. */

import { z } from "zod";
import { VouchError } from "../errors.js";
import { sha256Hex } from "../verify/digest.js";

/** Version of the list's format. */
const VERSION = 1;

/** Weights, calibration, card, export: the files of one model, by name without a folder. */
export interface Digests {
  readonly version: typeof VERSION;
  /** "sha256:" and 64 hex digits of each file's bytes. */
  readonly files: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const stored = z.strictObject({
  version: z.literal(VERSION),
  files: z.record(z.string().regex(NAME), z.string().regex(/^sha256:[0-9a-f]{64}$/)),
});

/** The list of these files. @throws parameter if a name has a folder or begins with a sign */
export function digestsOf(files: Readonly<Record<string, Uint8Array>>): Digests {
  const names = Object.keys(files).sort();
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined) {
    throw new VouchError("parameter", {
      name: "digestsOf",
      expected: "names of files without folders",
      got: `"${odd}"`,
      remedy: "Begin with a letter or digit; '.', '_' and '-' may follow.",
    });
  }
  const entries = names.map((name) => [name, `sha256:${sha256Hex(files[name]!)}`]);
  return { version: VERSION, files: Object.fromEntries(entries) };
}

/** The bytes of a list: equal lists give equal bytes. */
export function formatDigests(digests: Digests): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(digests, null, 2)}\n`);
}

/** Read a list. @param list  its name, for errors @throws format unless it is what `formatDigests` writes, version 1 */
export function parseDigests(bytes: Uint8Array, list: string): Digests {
  const json = readJson(bytes);
  const parsed = stored.safeParse(json);
  const written = parsed.success ? formatDigests(parsed.data) : new Uint8Array();
  if (parsed.success && written.length === bytes.length && written.every((byte, i) => byte === bytes[i])) {
    return parsed.data;
  }
  const version = (json as { readonly version?: unknown } | undefined)?.version;
  const problem = parsed.success ? "one changed by hand" : z.prettifyError(parsed.error).split("\n")[0]!;
  throw new VouchError("format", {
    name: `parseDigests: ${list}`,
    expected: `a list of digests, version ${VERSION}`,
    got: version === undefined || version === VERSION ? problem : `version ${JSON.stringify(version)}`,
    remedy: "Get it again, or make it with `vouch bundle seal`.",
  });
}

/** The bytes of a file, if the list names it with their digest. @throws format naming the file, with both digests */
export function requireListed({ files }: Digests, file: string, bytes: Uint8Array): Uint8Array {
  const stated = Object.hasOwn(files, file) ? files[file]! : undefined;
  const actual = `sha256:${sha256Hex(bytes)}`;
  if (stated === actual) return bytes;
  throw new VouchError("format", {
    name: `requireListed: ${file}`,
    expected:
      stated === undefined
        ? `one of the bundle's files, ${Object.keys(files).join(", ")}`
        : `content of digest ${stated}`,
    got: stated === undefined ? "a file the list does not name" : actual,
    remedy: "Get the bundle again, or, if you changed the file yourself, run `vouch bundle seal`.",
  });
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
