/** @file Logs that are reordered, replayed or cut, and writers that are killed while they append. */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { appendReceipt } from "../cli/log.js";
import { type Attested, following, payloadOf } from "../src/attest.js";
import { random } from "../src/random.js";
import { publicKeyOf, seal, sha256Hex, verifyLog } from "../src/receipts/index.js";
import { linesOf } from "../src/receipts/log.js";

/** Kills of one log, before another is begun: an append reads the whole log. */
const KILLS_A_LOG = 20;
/** Longest wait before a kill, milliseconds from the first acknowledgement. */
const WAIT = 30;

/** Changed logs that verify, of all that were tried. */
export function logAttacks(
  made: readonly Attested[],
  key: Uint8Array,
): { tried: number; accepted: number; honest: boolean } {
  const lines: Uint8Array[] = [];
  for (const { statement } of made) {
    const last = lines.at(-1);
    lines.push(seal(payloadOf(following(statement, last ? sha256Hex(last) : null)), key));
  }
  const keys = [publicKeyOf(key)];
  const head = sha256Hex(lines.at(-1)!);
  const file = (list: readonly Uint8Array[]) => Buffer.concat(list.flatMap((line) => [line, Buffer.from("\n")]));
  const changed = lines.flatMap((line, i) => [
    file(lines.toSpliced(i, 1)),
    file(lines.toSpliced(i, 0, line)),
    ...(i > 0 ? [file(lines.toSpliced(i - 1, 2, line, lines[i - 1]!)), file(lines.slice(0, i))] : []),
  ]);
  changed.push(file(lines).subarray(0, -1), file(lines.toReversed()));
  const accepted = changed.filter((bytes) => verifyLog(bytes, keys, head).verdict === "VERIFIED").length;
  return { tried: changed.length, accepted, honest: verifyLog(file(lines), keys, head).verdict === "VERIFIED" };
}

export interface Killed {
  readonly kills: number;
  readonly acknowledged: number;
  /** Acknowledged receipts that are not in their log, and logs that do not verify after the next append. */
  readonly lost: number;
  readonly torn: number;
}

/** Writers killed with SIGKILL at random points of `kills` appends. */
export async function killWriters(
  { statement }: Attested,
  key: Uint8Array,
  kills: number,
  seed: number,
): Promise<Killed> {
  const folder = await mkdtemp(join(tmpdir(), "vouch-tamper-"));
  const stream = random(seed).fork("kills");
  try {
    const [script, stated] = [join(folder, "writer.mjs"), join(folder, "statement.json")];
    await build({
      entryPoints: [fileURLToPath(new URL("log-writer.ts", import.meta.url))],
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
    });
    await writeFile(stated, JSON.stringify(statement));
    const heads = new Map<string, string[]>();
    let torn = 0;
    for (let i = 0; i < kills; i++) {
      const log = join(folder, `log-${Math.floor(i / KILLS_A_LOG)}.jsonl`);
      const args = [script, log, stated, Buffer.from(key).toString("hex")];
      const said = await killed(args, WAIT * stream.uniform());
      heads.set(log, [...(heads.get(log) ?? []), ...said]);
      if (linesOf(await readFile(log)).torn) torn++;
    }
    let lost = 0;
    for (const [log, said] of heads) {
      await appendReceipt(log, (previous) => seal(payloadOf(following(statement, previous)), key));
      const bytes = await readFile(log);
      const kept = new Set(linesOf(bytes).lines.map(sha256Hex));
      lost += said.filter((head) => !kept.has(head)).length;
      if (verifyLog(bytes, [publicKeyOf(key)]).verdict !== "VERIFIED") lost++;
    }
    if ((await readdir(folder)).some((name) => name.endsWith(".lock"))) lost++;
    return { kills, acknowledged: [...heads.values()].flat().length, lost, torn };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Heads that a writer acknowledged before it was killed, `wait` milliseconds after the first. */
function killed(args: readonly string[], wait: number): Promise<string[]> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  let armed = false;
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (armed) return;
    armed = true;
    setTimeout(() => child.kill("SIGKILL"), wait);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // A last line without its end was not acknowledged.
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(text.split("\n").slice(0, -1));
      else reject(new Error(`the writer ended by itself, with code ${code}`));
    });
  });
}
