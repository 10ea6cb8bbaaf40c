/** @file Keys, bundles and logs on disk: modes, links, torn lines, locks, many writers; and a second verifier in numpy. */

import { execFileSync, spawnSync } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pythonWith } from "../../bench/python.js";
import { benchKey, receipts } from "../../bench/receipt-instances.js";
import { readBundle, writeBundle } from "../../cli/bundles.js";
import { makeKey, readPublicKeys, readSecretKey } from "../../cli/keys.js";
import { appendReceipt } from "../../cli/log.js";
import { type Attested, following, payloadOf } from "../../src/attest.js";
import { publicKeyOf, seal, sha256Hex, verifyLog, verifyReceipt } from "../../src/receipts/index.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const vouch = (...words: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", join(root, "cli/main.ts"), ...words], { encoding: "utf8" });
const python = pythonWith("numpy");
const keys = [publicKeyOf(benchKey)];
let folder = "";
let made: Attested[];
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-receipts-"));
  made = await receipts(3, 21);
});
afterAll(() => rm(folder, { recursive: true }));

const pem = (publicKey: Uint8Array) => {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  return `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----\n`;
};

describe("keys", () => {
  it("are made for their owner alone, never twice, and never said", async () => {
    const { status, stdout, stderr } = vouch("keygen", "--out", at("key"), "--json");
    expect(status).toBe(0);
    expect((await stat(at("key"))).mode & 0o777).toBe(0o600);
    const text = await readFile(at("key"), "utf8");
    const secret = text.split("\n")[1]!;
    expect(stdout + stderr).not.toContain(secret);
    expect(stdout + stderr).not.toContain(Buffer.from(secret, "base64").subarray(-32).toString("hex"));
    expect(publicKeyOf(await readSecretKey("test", at("key")))).toEqual(
      (await readPublicKeys("test", at("key.pub")))[0],
    );
    await expect(makeKey(at("key"))).rejects.toMatchObject({ code: "file" });
    expect(await readFile(at("key"), "utf8")).toBe(text);
  });

  it("are refused where others can read the secret one, or it is not one", async () => {
    await writeFile(at("open"), await readFile(at("key")), { mode: 0o644 });
    await expect(readSecretKey("test", at("open"))).rejects.toMatchObject({ code: "parameter" });
    await expect(readPublicKeys("test", at("key"))).rejects.toThrow(/got a private key/);
    await writeFile(at("empty"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    await expect(readPublicKeys("test", at("empty"))).rejects.toMatchObject({ code: "format" });
  });

  it("are OpenSSL's", () => {
    const text = execFileSync("openssl", ["pkey", "-in", at("key"), "-pubout"], { encoding: "utf8" });
    expect(text).toBe(execFileSync("cat", [at("key.pub")], { encoding: "utf8" }));
  });
});

describe("vouch verify", () => {
  it("exits 0, 1 and 2, with reasons", async () => {
    const { statement, content } = made[0]!;
    await writeFile(at("trusted.pub"), pem(keys[0]!));
    await writeBundle(at("honest"), { envelope: seal(payloadOf(statement), benchKey), content });
    const lie = structuredClone(statement);
    lie.predicate.figures.labels["variation"]!.value = "0.125";
    await writeBundle(at("lie"), { envelope: seal(payloadOf(lie), benchKey), content });
    await writeBundle(at("stranger"), { envelope: seal(payloadOf(statement), new Uint8Array(32).fill(1)), content });
    const run = (name: string) => vouch("verify", at(name), "--key", at("trusted.pub"), "--json");
    const [honest, refuted, unknown] = [run("honest"), run("lie"), run("stranger")];
    expect([honest.status, refuted.status, unknown.status]).toEqual([0, 1, 2]);
    expect(JSON.parse(honest.stdout)).toMatchObject({ verdict: "VERIFIED", findings: [] });
    const [finding] = JSON.parse(refuted.stdout).findings;
    expect(finding).toMatchObject({ what: "figures.labels.variation.value", verdict: "REFUTED", stated: "0.125" });
    expect(finding.difference).toBe(Number(finding.computed) - 0.125);
    expect(unknown.stderr).toMatch(/the signer [0-9a-f]{64} is not known/);
  });

  it("opens no link and no name that a receipt brings", async () => {
    const { statement, content } = made[1]!;
    await writeBundle(at("linked"), { envelope: seal(payloadOf(statement), benchKey), content });
    const [digest] = content.keys();
    await rm(at("linked", "content", digest!));
    await symlink(at("honest", "content", digest!), at("linked", "content", digest!));
    expect(verifyReceipt(await readBundle("test", at("linked")), keys).verdict).toBe("REFUTED");
  });

  it.skipIf(python === undefined)(`agrees with numpy (${python ?? "skipped: no Python with numpy"})`, async () => {
    for (const [i, { statement, content }] of made.entries()) {
      await writeBundle(at("several", `${i}`), { envelope: seal(payloadOf(statement), benchKey), content });
    }
    const peer = join(root, "bench/peers/verify_receipt.py");
    const verdicts = (name: string) =>
      execFileSync(python!, [peer, "--all", at(name), at("trusted.pub")], { encoding: "utf8" })
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).verdict);
    expect(verdicts("several")).toEqual(["VERIFIED", "VERIFIED", "VERIFIED"]);
    const one = (name: string) => spawnSync(python!, [peer, at(name), at("trusted.pub")]).status;
    expect([one("honest"), one("lie"), one("stranger")]).toEqual([0, 1, 2]);
  });
});

describe("logs", () => {
  const sign =
    ({ statement }: Attested) =>
    (previous: string | null) =>
      seal(payloadOf(following(statement, previous)), benchKey);
  const check = async (name: string) => verifyLog(await readFile(at(name)), keys);

  it("keep what many writers append at once, in one chain", async () => {
    const appended = await Promise.all(
      Array.from({ length: 12 }, (_, i) => appendReceipt(at("log"), sign(made[i % 3]!))),
    );
    const { verdict, receipts: count, head } = await check("log");
    expect([verdict, count]).toEqual(["VERIFIED", 12]);
    expect(new Set(appended.map((one) => one.head)).size).toBe(12);
    expect(appended.map((one) => one.head)).toContain(head);
    expect((await readdir(folder)).filter((name) => name.startsWith("log."))).toEqual([]);
  });

  it("lose a torn last line and nothing else", async () => {
    const whole = (await readFile(at("log"))).length;
    await appendFile(at("log"), '{"payload":"torn');
    expect((await check("log")).verdict).toBe("REFUTED");
    await appendReceipt(at("log"), sign(made[0]!));
    expect(await check("log")).toMatchObject({ verdict: "VERIFIED", receipts: 13 });
    await truncate(at("log"), whole);
    expect(await check("log")).toMatchObject({ verdict: "VERIFIED", receipts: 12 });
  });

  it("are taken over from a writer that is gone, not from one that lives", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", "0"]);
    await writeFile(at("log.lock"), `${pid} ${hostname()}\n`);
    await appendReceipt(at("log"), sign(made[1]!));
    expect(await check("log")).toMatchObject({ verdict: "VERIFIED", receipts: 13 });
    await writeFile(at("log.lock"), `${process.pid} ${hostname()}\n`);
    const waiting = appendReceipt(at("log"), sign(made[2]!));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await check("log")).receipts).toBe(13);
    await rm(at("log.lock"));
    await waiting;
    expect(await check("log")).toMatchObject({ verdict: "VERIFIED", receipts: 14 });
  });

  it("are verified by the command, and against a head kept elsewhere", async () => {
    const head = sha256Hex((await readFile(at("log"))).subarray(0, -1).subarray(lastStart(await readFile(at("log")))));
    const run = (...more: string[]) => vouch("log", "verify", at("log"), "--key", at("trusted.pub"), "--json", ...more);
    const good = run("--head", head);
    expect(good.status).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ verdict: "VERIFIED", head, figures: { receipts: 14 } });
    expect(run("--head", "0".repeat(64)).status).toBe(1);
  });
});

function lastStart(bytes: Buffer): number {
  return bytes.subarray(0, -1).lastIndexOf(0x0a) + 1;
}
