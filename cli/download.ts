/** @file Large files from the network: resumed where they broke off, checked against their digest, whole or not at all. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { VouchError } from "../src/errors.js";
import { unwritable } from "./files.js";
import type { Progress } from "./progress.js";

export interface Wanted {
  readonly url: string;
  /** Final name; what has come so far is beside it as NAME.part. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly md5: string;
}

export interface Watch {
  /** In bytes. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Download a file, or the rest of it, and give it its name once its digest is right. A connection that ends early is made again, as
 * long as each brings something.
 *
 * @throws file if there is no network, the server refuses, connections bring nothing more (what came is kept), the digest is another
 *   (what came is removed), or the disk is full; cancelled (what came is kept)
 */
export async function download(name: string, { url, path, size, md5 }: Wanted, watch: Watch): Promise<void> {
  const part = `${path}.part`;
  let have = await sizeOf(part);
  while (have < size) {
    const { got, ended } = await fetchRest(name, { url, part, have, size }, watch);
    if (got <= have) {
      const remedy = "Say it again: it goes on from what is kept, if the server can.";
      throw failure(name, `${size} bytes of ${url}`, `${got}, then ${ended}`, remedy);
    }
    have = got;
  }
  const digest = await md5Of(name, part, watch.signal);
  if (have !== size || digest !== md5) {
    await rm(part);
    const got = have > size ? `more than ${size} bytes` : digest;
    throw failure(name, `md5 ${md5} of ${url}`, got, "Say it again: the file is fetched anew.");
  }
  await rename(part, path).catch((error: unknown) => {
    throw unwritable(name, path, error);
  });
}

/** The whole file is there, with its digest. */
export async function isWhole(name: string, { path, size, md5 }: Wanted, signal: AbortSignal): Promise<boolean> {
  return (await sizeOf(path)) === size && (await md5Of(name, path, signal)) === md5;
}

/** The JSON at an address. @throws file, cancelled */
export async function fetchJson(name: string, url: string, signal: AbortSignal): Promise<unknown> {
  const response = await answer(name, url, {}, signal);
  return response.json().catch((error: unknown) => {
    if (signal.aborted) throw cancelled(name);
    throw failure(name, `JSON at ${url}`, reason(error), "Try later, or check the address.");
  });
}

interface Rest {
  readonly url: string;
  readonly part: string;
  /** Bytes there are, and bytes there will be. */
  readonly have: number;
  readonly size: number;
}

/** Bytes there are after one connection, and how it ended. */
async function fetchRest(
  name: string,
  { url, part, have, size }: Rest,
  { progress, signal }: Watch,
): Promise<{ got: number; ended: string }> {
  const response = await answer(name, url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  const range = response.headers.get("content-range");
  const resumes = response.status === 206 && range?.startsWith(`bytes ${have}-`) === true;
  if (response.status === 206 && !resumes) {
    throw failure(name, `${url} from byte ${have}`, `${range}`, `Remove ${part} to begin anew.`);
  }
  // A server that knows no ranges sends the whole file again.
  const file = await open(part, resumes ? "a" : "w").catch((error: unknown) => {
    throw unwritable(name, part, error);
  });
  let got = resumes ? have : 0;
  const write = async (chunk: Uint8Array) => {
    await file.writeFile(chunk).catch((error: unknown) => {
      throw unwritable(name, part, error);
    });
    got += chunk.length;
    progress.update(got);
  };
  try {
    for await (const chunk of response.body!) {
      await write(chunk);
      if (got > size) break;
    }
    await file.sync();
    return { got, ended: "the connection ended" };
  } catch (error) {
    if (error instanceof VouchError) throw error;
    if (signal.aborted) throw cancelled(name);
    return { got, ended: `the connection broke (${reason(error)})` };
  } finally {
    await file.close();
  }
}

async function answer(name: string, url: string, headers: Record<string, string>, signal: AbortSignal) {
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    if (signal.aborted) throw cancelled(name);
    const remedy = "Check the network; or fetch the files elsewhere and put them in the folder.";
    const got = `no network, or none that leads there (${reason(error)})`;
    throw Object.assign(failure(name, `an answer from ${new URL(url).host}`, got, remedy), { cause: error });
  });
  if (response.ok && response.body) return response;
  await response.body?.cancel();
  throw failure(name, `a file at ${url}`, `HTTP ${response.status}`, "Try later, or fetch it by hand.");
}

async function md5Of(name: string, path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path)) {
    if (signal.aborted) throw cancelled(name);
    hash.update(chunk as Uint8Array);
  }
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** The innermost cause in a word: "ENOTFOUND". */
function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}

function cancelled(name: string): VouchError {
  const remedy = "Say it again: it goes on from there.";
  return new VouchError("cancelled", { name, expected: "to run to the end", got: "a cancel", remedy });
}

function failure(name: string, expected: string, got: string, remedy: string): VouchError {
  return new VouchError("file", { name, expected, got, remedy });
}
