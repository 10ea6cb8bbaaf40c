/** @file Receipts as folders: envelope.json, and content/ with a file for each digest. */

import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { VouchError } from "../src/errors.js";
import type { Bundle } from "../src/receipts/index.js";
import { CONTENT_LIMITS } from "../src/verify/receipt.js";
import { makeFolder, readFileOrExplain, writeFileAtomic } from "./files.js";

const ENVELOPE = "envelope.json";
const CONTENT = "content";

/** Content first, so that a folder with an envelope is whole. */
export async function writeBundle(folder: string, { envelope, content }: Bundle): Promise<void> {
  await makeFolder(join(folder, CONTENT));
  for (const [digest, bytes] of content) await writeFileAtomic(join(folder, CONTENT, digest), bytes);
  await writeFileAtomic(join(folder, ENVELOPE), envelope);
}

/**
 * The files of a receipt by the names they have on disk; names in the receipt itself are never opened, links never followed.
 *
 * @throws file; certificate if there is more than a verifier reads
 */
export async function readBundle(name: string, folder: string): Promise<Bundle> {
  const path = join(folder, ENVELOPE);
  const { size } = await lstat(path).catch(() => ({ size: 0 }));
  if (size > CONTENT_LIMITS.bytes) throw tooMuch(name, `${size} bytes in ${ENVELOPE}`);
  const envelope = await readFileOrExplain(path, "the envelope of a receipt");
  const files = await readdir(join(folder, CONTENT)).catch(() => []);
  if (files.length > CONTENT_LIMITS.files) throw tooMuch(name, `${files.length} files`);
  const content = new Map<string, Uint8Array>();
  let total = 0;
  for (const file of files) {
    const entry = await lstat(join(folder, CONTENT, file));
    total += entry.size;
    if (total > CONTENT_LIMITS.bytes) throw tooMuch(name, `${total} bytes and more`);
    content.set(file, entry.isFile() ? new Uint8Array(await readFile(join(folder, CONTENT, file))) : new Uint8Array(0));
  }
  return { envelope, content };
}

function tooMuch(name: string, got: string): VouchError {
  return new VouchError("certificate", {
    name,
    expected: `a receipt of at most ${CONTENT_LIMITS.files} files and ${CONTENT_LIMITS.bytes} bytes`,
    got,
    remedy: "It is not read; ask its maker for a smaller one.",
  });
}
