/** @file Certified results as tables and sentences. */

import type { Result } from "../src/certificates/certify.js";
import { explain } from "../src/certificates/explain.js";
import type { Output } from "./output.js";

export interface NamedResult {
  readonly name: string;
  readonly method: string;
  readonly result: Result;
  readonly score?: { readonly psnr: number; readonly ssim: number };
}

/** Heading and rows: one row an inference, one column a certificate. */
export function certificateRows(
  rows: readonly NamedResult[],
  out: Output,
): [heading: string[], rows: (string | number)[][]] {
  const terms = [...new Set(rows.flatMap(({ result }) => result.certificates.map(({ property }) => property)))];
  const scored = rows.some(({ score }) => score);
  const proven = rows.some(({ result }) => result.optimality.verdict === "VERIFIED");
  const heading = [
    ...["measurement", "method"],
    ...(scored ? ["PSNR dB", "SSIM"] : []),
    ...(proven ? ["gap ≤", "bound ≥"] : []),
    ...terms,
    "verdict",
  ];
  const cells = rows.map(({ name, method, result, score }) => [
    name,
    method,
    ...(scored ? [score?.psnr.toFixed(2) ?? "", score?.ssim.toFixed(3) ?? ""] : []),
    ...(proven ? gapCells(result) : []),
    ...terms.map((term) => {
      const found = result.certificates.find(({ property }) => property === term);
      return found ? out.label(found.label) : "–";
    }),
    verdict(result),
  ]);
  return [heading, cells];
}

/** Proven gap as a share of the objective, and the lower bound of every feasible objective. */
function gapCells({ optimality }: Result): string[] {
  if (optimality.verdict !== "VERIFIED") return ["–", "–"];
  const { relativeGap, dual } = optimality;
  return [`${(100 * relativeGap).toPrecision(2)} %`, dual.toPrecision(5)];
}

/** Each certificate's sentence. */
export function printSentences({ name, method, result }: NamedResult, out: Output): void {
  out.line();
  out.line(`${name}, ${method}: ${verdict(result)}`);
  const widest = Math.max(...result.certificates.map(({ property }) => property.length));
  for (const { property, label, because } of result.certificates) {
    out.line(`  ${property.padEnd(widest)}  ${out.label(label)}${" ".repeat(8 - label.length)}${because}`);
  }
  out.line(`  ${together(result)}`);
  for (const certificate of result.certificates.filter(({ label }) => label !== "pass")) {
    out.line(`  ${certificate.property}:`);
    for (const { text } of explain(certificate)) out.line(`    ${text}`);
  }
}

/** The joint test in words. */
function together({ joint }: Result): string {
  if (joint.verdict === "REFUSED") return `together: REFUSED, ${joint.because}`;
  const { rank, label, culprits } = joint;
  return `together: ${label}, p = ${rank.k}/${rank.of}${culprits.length > 0 ? `; at fault: ${culprits.join(", ")}` : ""}`;
}

/** "trustworthy", or the properties that are not. */
function verdict({ trustworthy, certificates }: Result): string {
  if (trustworthy) return "trustworthy";
  const by = (label: string) => certificates.filter((c) => c.label === label).map(({ property }) => property);
  const failed = by("fail");
  return failed.length > 0 ? `not to be trusted: ${failed.join(", ")}` : `with caution: ${by("warning").join(", ")}`;
}
