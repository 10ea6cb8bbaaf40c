/** @file The chain of a log: each receipt names the one before, under its signature. */

import { type Hex, sha256Hex } from "../verify/digest.js";
import { ENVELOPE_LIMITS, open } from "../verify/dsse.js";
import type { Finding, ReceiptVerdict } from "../verify/receipt.js";
import { readStatement } from "../verify/statement.js";

export interface VerifiedLog {
  readonly verdict: ReceiptVerdict;
  /** What is wrong, line by line. */
  readonly findings: readonly Finding[];
  /** Receipts read. */
  readonly receipts: number;
  /** Digest of the last line: publish it, and nothing before it can be taken away unseen. */
  readonly head: Hex | null;
}

/**
 * Verify a log of envelopes, one a line: signatures, order, and that none is missing before the last.
 *
 *     previous of line i = SHA-256 of line i − 1,   null for the first
 *
 * A log that ends too soon looks whole unless its head was kept elsewhere.
 *
 * @param head  digest that the last line, or one before it, must have
 */
export function verifyLog(bytes: Uint8Array, keys: readonly Uint8Array[], head?: Hex): VerifiedLog {
  const findings: Finding[] = [];
  const { lines, torn } = linesOf(bytes);
  if (torn) findings.push({ what: "end", verdict: "REFUTED", because: "the last line is torn" });
  let previous: Hex | null = null;
  let headSeen = head === undefined;
  for (const [i, line] of lines.entries()) {
    const found = checkLine(`line ${i + 1}`, line, keys, previous);
    if (found) findings.push(found);
    previous = sha256Hex(line);
    headSeen ||= previous === head;
  }
  if (!headSeen) findings.push({ what: "head", verdict: "REFUTED", because: `no line has the digest ${head}` });
  const any = (verdict: ReceiptVerdict) => findings.some((finding) => finding.verdict === verdict);
  const verdict = any("REFUTED") ? "REFUTED" : any("UNVERIFIABLE") ? "UNVERIFIABLE" : "VERIFIED";
  return { verdict, findings, receipts: lines.length, head: previous };
}

/** Whole lines, without their ends; `torn` where bytes follow the last end. */
export function linesOf(bytes: Uint8Array): { readonly lines: readonly Uint8Array[]; readonly torn: boolean } {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, torn: start < bytes.length };
}

const NEWLINE = 0x0a;

function checkLine(
  what: string,
  line: Uint8Array,
  keys: readonly Uint8Array[],
  previous: Hex | null,
): Finding | undefined {
  if (line.length > ENVELOPE_LIMITS.size)
    return { what, verdict: "REFUTED", because: `${line.length} bytes in a line` };
  const opened = open(line, keys);
  if (opened.verdict !== "VERIFIED") return { what, ...opened };
  const statement = readStatement(opened.payload);
  if (!statement.ok) return { what, verdict: "UNVERIFIABLE", because: statement.because };
  const stated = statement.value.predicate.previous;
  if (stated === previous) return undefined;
  return { what, verdict: "REFUTED", because: `it follows ${stated ?? "nothing"}, not ${previous ?? "nothing"}` };
}
