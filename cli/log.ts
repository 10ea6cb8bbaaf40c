/** @file The log of receipts on disk: one writer at a time, appended and on the disk before it is acknowledged. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type FileHandle, link, open, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { VouchError } from "../src/errors.js";
import { linesOf } from "../src/receipts/log.js";
import { type Hex, sha256Hex } from "../src/verify/digest.js";

/** How long to wait for another writer, and how often to look, in milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 5;

export interface Appended {
  /** Digest of the line, which the next receipt names. */
  readonly head: Hex;
  readonly envelope: Uint8Array;
}

/**
 * Append one receipt. When this returns, the line is on the disk.
 *
 * A line without its end was never acknowledged: it is what a writer that was killed left, and is cut off.
 *
 * @param sign  the envelope of a receipt that follows the one with this digest; called once, under the lock
 * @throws file if the log cannot be written, or another writer holds it for long
 */
export async function appendReceipt(path: string, sign: (previous: Hex | null) => Uint8Array): Promise<Appended> {
  const unlock = await lock(path);
  try {
    const existed = await readFile(path).catch(notThere);
    const { lines, torn } = linesOf(existed ?? new Uint8Array(0));
    const handle = await open(path, existed === undefined ? "ax" : "r+");
    try {
      const whole = lines.reduce((sum, { length }) => sum + length + 1, 0);
      if (torn) await handle.truncate(whole);
      const last = lines.at(-1);
      const envelope = sign(last === undefined ? null : sha256Hex(last));
      const line = new Uint8Array(envelope.length + 1);
      line.set(envelope);
      line[envelope.length] = 0x0a;
      await writeAll(handle, line, whole);
      await handle.sync();
      if (existed === undefined) await syncFolder(dirname(path));
      return { head: sha256Hex(envelope), envelope };
    } finally {
      await handle.close();
    }
  } finally {
    await unlock();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** A new file is there after a crash only if its folder is on the disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync();
  await handle.close();
}

/** Take path.lock, or wait for whoever has it; the lock of a process that is gone is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  const file = `${path}.lock`;
  const until = performance.now() + PATIENCE;
  for (;;) {
    if (await create(file)) return () => rm(file, { force: true });
    if (abandoned(file)) await takeAway(file);
    else if (performance.now() > until) {
      throw new VouchError("file", {
        name: "appendReceipt",
        expected: `no other writer of ${path}`,
        got: `${file} held by process ${holder(file) ?? "unknown"}`,
        remedy: "Wait for it; if no such process runs, remove the lock file.",
      });
    } else await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Under a second lock, so that of two who see an abandoned lock one removes it, and never a new one. */
async function takeAway(file: string): Promise<void> {
  const guard = `${file}.removal`;
  if (!(await create(guard))) {
    if (abandoned(guard)) await rm(guard, { force: true });
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    return;
  }
  try {
    if (abandoned(file)) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Make a file that names this process, in one step: a lock is never there without its holder. */
async function create(file: string): Promise<boolean> {
  const draft = `${file}.${process.pid}-${randomUUID()}`;
  try {
    await writeFile(draft, `${process.pid} ${hostname()}\n`);
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw new VouchError("file", {
      name: "appendReceipt",
      expected: `${file} to be writable`,
      got: error instanceof Error ? error.message : String(error),
      remedy: "Check the folder and its permissions.",
    });
  } finally {
    await rm(draft, { force: true });
  }
}

function holder(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Held by a process of this machine that is gone. */
function abandoned(file: string): boolean {
  const [pid, host] = holder(file)?.split(" ") ?? [];
  if (host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

function notThere(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw new VouchError("file", {
    name: "appendReceipt",
    expected: "a log that can be read",
    got: error instanceof Error ? error.message : String(error),
    remedy: "Check the path and its permissions.",
  });
}
