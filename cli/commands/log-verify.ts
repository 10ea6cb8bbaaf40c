/** @file vouch log verify: is a log of receipts whole and in order? */

import { verifyLog } from "../../src/receipts/index.js";
import { command } from "../command.js";
import { readFileOrExplain } from "../files.js";
import { keyOption, requireKey } from "../key-option.js";
import { readPublicKeys } from "../keys.js";
import { text } from "../options.js";
import { EXITS, printFindings } from "./verify.js";

export const logVerify = command({
  summary: "Check a log of receipts: every signature, and that each names the one before. Exit 0, 1 or 2.",
  operand: { name: "log", summary: "a log that `vouch reconstruct --log` wrote" },
  options: {
    ...keyOption("Public keys that are trusted, in one PEM file."),
    head: text("A head noted earlier, 64 hex digits: shows whether the log was cut short since.", "DIGEST", undefined),
  },
  async run({ name, operand, options, out }) {
    const keys = await readPublicKeys(`${name}: --key`, requireKey(name, options.key));
    const bytes = await readFileOrExplain(operand, "a log of receipts");
    const { verdict, findings, receipts, head } = verifyLog(bytes, keys, options.head);
    out.line(`${verdict}: ${receipts} receipts${head === null ? "" : `, head ${head}`}`);
    printFindings(findings, out);
    return {
      figures: { receipts, findings: findings.length },
      report: { verdict, head, findings },
      exit: EXITS[verdict],
    };
  },
});
