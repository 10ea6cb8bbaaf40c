/** @file vouch verify: is a receipt true? */

import { type Finding, verifyReceipt } from "../../src/receipts/index.js";
import { readBundle } from "../bundles.js";
import { command } from "../command.js";
import { keyOption, requireKey } from "../key-option.js";
import { readPublicKeys } from "../keys.js";
import type { Output } from "../output.js";

export const EXITS = { VERIFIED: 0, REFUTED: 1, UNVERIFIABLE: 2 } as const;

export const verifyCommand = command({
  summary: "Check a receipt: its signature, and every digest and figure anew from its content. Exit 0, 1 or 2.",
  operand: { name: "bundle", summary: "the folder of a receipt" },
  options: keyOption("Public keys that are trusted, in one PEM file; others are unknown signers."),
  async run({ name, operand, options, out }) {
    const keys = await readPublicKeys(`${name}: --key`, requireKey(name, options.key));
    const { verdict, findings, statement } = verifyReceipt(await readBundle(`${name} ${operand}`, operand), keys);
    const wrong = findings.filter((finding) => finding.verdict !== "VERIFIED");
    out.line(verdict);
    for (const finding of wrong) out.line(`  ${told(finding)}`);
    if (verdict === "VERIFIED" && statement) {
      const { optimality, labels, joint } = statement.predicate.figures;
      out.line(`  ${findings.length} checks: signature, content, figures`);
      out.line(
        optimality.verdict === "VERIFIED"
          ? `  no feasible answer is better by more than ${percent(optimality.relativeGap)}: ${optimality.dual} ≤ optimum ≤ ${optimality.primal}`
          : `  optimality UNVERIFIABLE(${optimality.reason})`,
      );
      for (const [term, { value, k, of, label }] of Object.entries(labels)) {
        out.line(`  ${term}: ${out.label(label)}, value ${value}, p = ${k}/${of}`);
      }
      if (joint.verdict === "TESTED") out.line(`  together: ${out.label(joint.label)}, p = ${joint.k}/${joint.of}`);
      out.line("  That is not to say the answer is right: what no ray sees, no receipt sees.");
    }
    const figures = {
      checks: findings.length,
      refuted: count(findings, "REFUTED"),
      unverifiable: count(findings, "UNVERIFIABLE"),
    };
    return { figures, report: { verdict, findings: wrong }, exit: EXITS[verdict] };
  },
});

export function printFindings(findings: readonly Finding[], out: Output): void {
  for (const finding of findings) out.line(`  ${told(finding)}`);
}

function told({ what, verdict, because, difference }: Finding): string {
  const off = difference === undefined ? "" : ` (off by ${Number(difference.toPrecision(3))})`;
  return `${verdict} ${what}: ${because}${off}`;
}

function count(findings: readonly Finding[], verdict: Finding["verdict"]): number {
  return findings.filter((finding) => finding.verdict === verdict).length;
}

function percent(decimal: string): string {
  return `${Number((100 * Number(decimal)).toPrecision(3))} %`;
}
