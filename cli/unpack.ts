/** @file Zip archives larger than memory: their members as files, one at a time. */

import { createReadStream } from "node:fs";
import { basename, join } from "node:path";
import { Unzip, UnzipInflate } from "fflate";
import { VouchError } from "../src/errors.js";
import { writeFileAtomic } from "./files.js";

/**
 * Write the members of an archive into a folder, by the last part of their names, each whole or not at all.
 *
 * @returns bytes of each by its name
 * @throws format if the archive is damaged or ends early; file if the folder cannot be written; cancelled
 */
export async function unpack(archive: string, folder: string, signal: AbortSignal): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  const whole: { name: string; chunks: Uint8Array[] }[] = [];
  const unzip = new Unzip((member) => {
    if (member.name.endsWith("/")) return;
    const chunks: Uint8Array[] = [];
    member.ondata = (error, chunk, final) => {
      if (error) throw error;
      chunks.push(chunk);
      if (final) whole.push({ name: basename(member.name), chunks });
    };
    member.start();
  });
  unzip.register(UnzipInflate);
  const push = async (chunk: Uint8Array, final: boolean) => {
    if (signal.aborted) throw refuse("cancelled", "to run to the end", "a cancel", "Say it again.");
    try {
      unzip.push(chunk, final);
    } catch (error) {
      throw damaged(archive, error instanceof Error ? error.message : String(error));
    }
    for (const { name, chunks } of whole.splice(0)) {
      const bytes = Buffer.concat(chunks);
      await writeFileAtomic(join(folder, name), bytes);
      sizes[name] = bytes.length;
    }
  };
  for await (const chunk of createReadStream(archive, { highWaterMark: 1 << 20 }))
    await push(chunk as Uint8Array, false);
  await push(new Uint8Array(), true);
  if (Object.keys(sizes).length > 0) return sizes;
  throw damaged(archive, "one without members");
}

function damaged(archive: string, got: string): VouchError {
  return refuse("format", `${archive} to be an undamaged zip`, got, "Remove it, and say it again.");
}

function refuse(code: "format" | "cancelled", expected: string, got: string, remedy: string): VouchError {
  return new VouchError(code, { name: "unpack", expected, got, remedy });
}
