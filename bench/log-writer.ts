/** @file Appends receipts to a log without end, and says each head once it is acknowledged: to be killed at any moment. */

import { readFileSync } from "node:fs";
import { appendReceipt } from "../cli/log.js";
import { seal } from "../src/receipts/index.js";
import { canonicalBytes } from "../src/verify/canonical.js";

const [path, statementFile, keyHex] = process.argv.slice(2) as [string, string, string];
const statement = JSON.parse(readFileSync(statementFile, "utf8"));
const key = Buffer.from(keyHex, "hex");

for (;;) {
  const { head } = await appendReceipt(path, (previous) =>
    seal(canonicalBytes({ ...statement, predicate: { ...statement.predicate, previous } }), key),
  );
  process.stdout.write(`${head}\n`);
}
