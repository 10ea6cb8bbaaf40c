/** @file Model bundles on the disk: weights, calibration, card and export, with the digest list beside them. */

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Digests, digestsOf, formatDigests, parseDigests, requireListed } from "../src/files/digests.js";
import { readFileOrExplain, writeFileAtomic } from "./files.js";

/** Files of a bundle, after its name. */
const ENDINGS = [".safetensors", ".calibration.json", ".card.json", ".md", ".onnx"];
const LIST = ".digests.json";

/** "a/ct.calibration.json" → "a/ct". */
function stem(path: string): string {
  const ending = [...ENDINGS, LIST].find((one) => path.endsWith(one));
  return ending === undefined ? path : path.slice(0, -ending.length);
}

/**
 * The bytes of a bundle's file, of the digest that the list beside it states. Without a list nothing is stated.
 *
 * @throws file, data; format naming the file if its digest is another
 */
export async function readBundled(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readFileOrExplain(path, what);
  const list = `${stem(path)}${LIST}`;
  return existsSync(list) ? requireListed(await readList(list), basename(path), bytes) : bytes;
}

/** The digest list of a bundle. @throws file, format */
export async function readList(path: string): Promise<Digests> {
  return parseDigests(await readFileOrExplain(path, "a list of digests"), basename(path));
}

/** Write the digest list of a bundle: of its files that are there. Returns its path. */
export async function sealBundle(path: string): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  for (const ending of ENDINGS) {
    const file = `${stem(path)}${ending}`;
    if (existsSync(file)) files[basename(file)] = await readFileOrExplain(file, "a file of the bundle");
  }
  const list = `${stem(path)}${LIST}`;
  await writeFileAtomic(list, formatDigests(digestsOf(files)));
  return list;
}

/** Every file that the list of a bundle names, as listed. @throws file, format naming the file */
export async function readAllListed(path: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const list = `${stem(path)}${LIST}`;
  const digests = await readList(list);
  const entries = await Promise.all(
    Object.keys(digests.files).map(async (file) => {
      const bytes = await readFileOrExplain(join(dirname(list), file), `${file} of the bundle`);
      return [file, requireListed(digests, file, bytes)] as const;
    }),
  );
  return Object.fromEntries(entries);
}
