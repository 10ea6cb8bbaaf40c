/** @file Errors at the command line: named after the command, and the exit code of each. */

import { type ErrorCode, VouchError } from "../src/errors.js";

/** Ended by Ctrl-C, as shells count it: 128 + SIGINT. */
export const INTERRUPTED = 130;
/** The engine is missing, lacks the device or failed (sysexits EX_UNAVAILABLE). */
const UNAVAILABLE = 69;
/** A fault of Vouch itself (sysexits EX_SOFTWARE). */
export const INTERNAL = 70;

const exitCodes: Readonly<Record<ErrorCode, number>> = {
  parameter: 64,
  shape: 64,
  data: 64,
  format: 64,
  problem: 64,
  convergence: 2,
  certificate: 2,
  engine: UNAVAILABLE,
  file: 74,
  cancelled: INTERRUPTED,
};

/** 64 bad input, 69 engine, 74 files, 2 undecidable, 130 interrupted, 70 a fault of Vouch. */
export function exitCodeOf(error: unknown): number {
  return error instanceof VouchError ? exitCodes[error.code] : INTERNAL;
}

/** Do the work; its errors name `name`, what the user called, instead of the library's function. */
export async function within<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof VouchError)) throw error;
    throw Object.assign(new VouchError(error.code, { ...error.details, name }), { cause: error });
  }
}

/** The one of `names` that takes the fewest letter edits to become. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names.map((name) => ({ name, edits: editDistance(word, name) })).sort((a, b) => a.edits - b.edits);
  return ranked[0]?.name;
}

/** Fewest insertions, deletions and substitutions of letters. @source Levenshtein 1966 */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
