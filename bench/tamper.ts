/** @file Is any changed receipt accepted, every honest one verified, and is an acknowledged receipt ever lost? */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeBundle } from "../cli/bundles.js";
import { type Attested, payloadOf } from "../src/attest.js";
import { publicKeyOf, seal, verifyReceipt } from "../src/receipts/index.js";
import type { Bench } from "./main.js";
import { pythonWith } from "./python.js";
import { benchKey, receipts } from "./receipt-instances.js";
import { attacks, KINDS, lies, trusted } from "./tamper-attacks.js";
import { killWriters, logAttacks } from "./tamper-log.js";
import { TAMPER } from "./thresholds.js";

export const tamper: Bench = async (log) => {
  const { figures } = await measureTamper(TAMPER.bundles, TAMPER.appends, log);
  return { figures, env: {} };
};

export async function measureTamper(bundles: number, appends: number, log: (line: string) => void) {
  const made = await receipts(bundles, TAMPER.seed);
  const keys = trusted(benchKey);
  const verified = (bundle: Parameters<typeof verifyReceipt>[0]) => verifyReceipt(bundle, keys).verdict === "VERIFIED";
  const honest = made.filter((one) =>
    verified({ envelope: seal(payloadOf(one.statement), benchKey), content: one.content }),
  );
  const tried: Record<string, number> = {};
  let accepted = 0;
  for (const kind of KINDS) {
    const all = made.flatMap((_, i) => attacks(kind, made, i, benchKey));
    const through = all.filter((attack) => verified(attack())).length;
    tried[kind] = all.length;
    accepted += through;
    log(`${kind}: ${through} of ${all.length} accepted`);
  }
  const insider = made.flatMap((one) => lies(one, benchKey));
  const believed = insider.filter((attack) => verified(attack())).length;
  log(`a signer who lies about one figure: ${believed} of ${insider.length} believed`);
  const logs = logAttacks(made, benchKey);
  log(`logs: ${logs.accepted} of ${logs.tried} accepted`);
  const killed = await killWriters(made[0]!, benchKey, appends, TAMPER.seed);
  log(`${killed.kills} kills, ${killed.acknowledged} acknowledged, ${killed.torn} torn lines, ${killed.lost} lost`);
  const figures = {
    bundles,
    ...tried,
    log_attacks: logs.tried,
    accepted: accepted + logs.accepted,
    honest_verified: (honest.length + Number(logs.honest)) / (made.length + 1),
    signer_lies: insider.length,
    signer_lies_believed: believed,
    kills: killed.kills,
    acknowledged: killed.acknowledged,
    torn: killed.torn,
    lost: killed.lost,
    ...(await peer(made, log)),
  };
  return { figures };
}

/** Verdicts of the numpy verifier that are ours, on honest receipts and on one lie of each. Nothing where there is no numpy. */
async function peer(made: readonly Attested[], log: (line: string) => void): Promise<Record<string, number>> {
  const python = pythonWith("numpy");
  if (python === undefined) {
    log("numpy verifier: skipped, there is no Python with numpy");
    return {};
  }
  const folder = await mkdtemp(join(tmpdir(), "vouch-peer-"));
  try {
    const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKeyOf(benchKey)]);
    await writeFile(
      join(folder, "key.pub"),
      `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----\n`,
    );
    const own = new Map<string, string>();
    for (const [i, one] of made.entries()) {
      const told = lies(one, benchKey);
      const cases = { [`honest-${i}`]: { envelope: seal(payloadOf(one.statement), benchKey), content: one.content } };
      if (told.length > 0) cases[`lie-${i}`] = told[i % told.length]!();
      for (const [name, bundle] of Object.entries(cases)) {
        await writeBundle(join(folder, "all", name), bundle);
        own.set(name, verifyReceipt(bundle, trusted(benchKey)).verdict);
      }
    }
    const script = fileURLToPath(new URL("peers/verify_receipt.py", import.meta.url));
    const said = execFileSync(python, [script, "--all", join(folder, "all"), join(folder, "key.pub")], {
      encoding: "utf8",
    });
    const lines = said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const agree = lines.filter(({ bundle, verdict }) => own.get(bundle) === verdict);
    for (const { bundle, verdict, reasons } of lines.filter((line) => !agree.includes(line))) {
      log(`numpy verifier: ${bundle} ${verdict} ${reasons.join(", ")}, here ${own.get(bundle)}`);
    }
    return { peer_receipts: lines.length, peer_agreement: agree.length / lines.length };
  } finally {
    await rm(folder, { recursive: true });
  }
}
