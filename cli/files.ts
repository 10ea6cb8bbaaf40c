/** @file Files of the command line: read with errors that say what to do, write whole or not at all. */

import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VouchError } from "../src/errors.js";

/**
 * Read the bytes of a file, or say why not.
 *
 * @param path  as the user gave it
 * @param what  what the file should hold, in the user's words: "sinograms (.npy)"
 * @throws file if there is no file at `path` or it cannot be read; data if it is empty
 */
export async function readFileOrExplain(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new VouchError("file", {
      name: "readFileOrExplain",
      expected: `${what} at ${path}`,
      got: reason(error),
      remedy: "Check the path.",
    });
  });
  if (bytes.length > 0) return bytes;
  throw new VouchError("data", {
    name: "readFileOrExplain",
    expected: `${what} at ${path}`,
    got: "an empty file",
    remedy: "Write the file again.",
  });
}

/**
 * Write a file so that its final name holds either all the bytes or what it held before.
 *
 * The bytes go to a temporary file in the same folder, to the disk, and then under the final name.
 *
 * @param path   final name; its folder must exist
 * @throws file if it cannot be written; nothing of the attempt stays on the disk
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  let temporary: { handle: FileHandle; path: string } | undefined;
  try {
    temporary = await openTemporary(path);
    await temporary.handle.writeFile(bytes);
    await temporary.handle.sync();
    await temporary.handle.close();
    await rename(temporary.path, path);
  } catch (error) {
    await temporary?.handle.close().catch(() => {});
    if (temporary) await rm(temporary.path, { force: true }).catch(() => {});
    throw new VouchError("file", {
      name: "writeFileAtomic",
      expected: `${path} to be writable`,
      got: reason(error),
      remedy: "Check the folder, its permissions and the free space; a file that was there is as it was.",
    });
  }
  await syncFolder(dirname(path));
}

/** The error of a file that cannot be written, in the name of what the user called. */
export function unwritable(name: string, path: string, error: unknown): VouchError {
  return new VouchError("file", {
    name,
    expected: `${path} to be writable`,
    got: reason(error),
    remedy: "Check the folder, its permissions and the free space.",
  });
}

/** Make a folder and those above it, where they are missing. @throws file if it cannot be made */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw new VouchError("file", {
      name: "makeFolder",
      expected: `${path} to be a folder`,
      got: reason(error),
      remedy: "Check the path and its permissions.",
    });
  });
}

async function openTemporary(path: string): Promise<{ handle: FileHandle; path: string }> {
  for (let attempt = 0; ; attempt++) {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${attempt}.tmp`);
    try {
      return { handle: await open(temporary, "wx"), path: temporary };
    } catch (error) {
      if (code(error) !== "EEXIST" || attempt === 99) throw error;
    }
  }
}

/** Make the rename itself durable, where the system can sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close().catch(() => {});
}

function code(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function reason(error: unknown): string {
  const known: Record<string, string> = {
    ENOENT: "no such file or folder",
    EISDIR: "a folder",
    EEXIST: "a file of that name",
    ENOTDIR: "a path through something that is not a folder",
    EACCES: "no permission",
    EPERM: "no permission",
    EROFS: "a read-only disk",
    ENOSPC: "a full disk",
    EFBIG: "a file above the size that is allowed",
    EDQUOT: "a full quota",
  };
  return known[code(error) ?? ""] ?? (error instanceof Error ? error.message : String(error));
}
