/** @file Receipts: honest ones verify, whatever is changed does not, and strangers' bytes neither crash nor hang a verifier. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { benchKey, receipts } from "../bench/receipt-instances.js";
import { type Attested, following, payloadOf } from "../src/attest.js";
import { formatNpy, parseNpy } from "../src/files/npy.js";
import {
  keyId,
  publicKeyOf,
  type ReceiptVerdict,
  type Statement,
  seal,
  sha256Hex,
  statementSchema,
  verifyLog,
  verifyReceipt,
} from "../src/receipts/index.js";
import { canonicalBytes } from "../src/verify/canonical.js";
import { open } from "../src/verify/dsse.js";
import { fromBase64, readCanonical, toBase64 } from "../src/verify/json.js";
import { readStatement } from "../src/verify/statement.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const keys = [publicKeyOf(benchKey)];
let made: Attested[];
let one: Attested;

beforeAll(async () => {
  made = await receipts(4, 5);
  // Nothing but passes, and no p-value at an end: so that every lie below is one.
  one = made.find(({ statement }) => {
    const { joint } = statement.predicate.figures;
    return joint.verdict === "TESTED" && joint.k > 6 && joint.k < joint.of;
  })!;
});

/** Signed by the key that is trusted. */
const signed = ({ statement, content }: Attested) => ({ envelope: seal(payloadOf(statement), benchKey), content });
const verdictOf = (attested: Attested) => verifyReceipt(signed(attested), keys);
type Deep = Record<string, never> & { [name: string]: Deep };
/** The receipt with its statement changed, and signed as it is then. */
function restated(change: (predicate: Deep, statement: Deep) => void): Attested {
  const statement = structuredClone(one.statement) as Statement;
  change(statement.predicate as unknown as Deep, statement as unknown as Deep);
  return { statement, content: one.content };
}

describe("an honest receipt", () => {
  it("is VERIFIED, figure by figure", () => {
    for (const attested of made) {
      const { verdict, findings } = verdictOf(attested);
      expect(findings.filter((finding) => finding.verdict !== "VERIFIED")).toEqual([]);
      expect(verdict).toBe("VERIFIED");
      expect(findings.map(({ what }) => what)).toContain("figures.optimality.gap");
      expect(attested.statement.predicate.figures.optimality.verdict).toBe("VERIFIED");
    }
  });

  it("has the schema of the repository, and ajv agrees", () => {
    const file = join(root, "docs", "receipt.schema.json");
    const schema = JSON.parse(readFileSync(file, "utf8"));
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(statementSchema))));
    const validate = new Ajv2020().compile(schema);
    expect(validate(one.statement)).toBe(true);
    expect(validate({ ...one.statement, more: 1 })).toBe(false);
  });

  it("is signed as RFC 8032 and DSSE say: OpenSSL agrees", () => {
    const folder = mkdtempSync(join(tmpdir(), "vouch-openssl-"));
    try {
      const { payload, signatures } = JSON.parse(new TextDecoder().decode(signed(one).envelope));
      const body = Buffer.from(payload, "base64");
      const type = "application/vnd.in-toto+json";
      writeFileSync(
        join(folder, "pae"),
        Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]),
      );
      writeFileSync(join(folder, "sig"), Buffer.from(signatures[0].sig, "base64"));
      const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), keys[0]!]);
      writeFileSync(
        join(folder, "pub"),
        `-----BEGIN PUBLIC KEY-----\n${der.toString("base64")}\n-----END PUBLIC KEY-----\n`,
      );
      const check = ["pkeyutl", "-verify", "-pubin", "-inkey", "pub", "-rawin", "-in", "pae", "-sigfile", "sig"];
      expect(execFileSync("openssl", check, { cwd: folder, encoding: "utf8" })).toContain("Verified Successfully");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a signer who lies is REFUTED, figure by figure", () => {
  const lies: [string, string, (p: Deep) => void][] = [
    ["a smaller gap", "figures.optimality.gap", (p) => Object.assign(p["figures"]!["optimality"]!, { gap: "0" })],
    [
      "a better value",
      "figures.optimality.primal",
      (p) => Object.assign(p["figures"]!["optimality"]!, { primal: "0.1" }),
    ],
    [
      "a larger bound",
      "figures.optimality.dual",
      (p) => Object.assign(p["figures"]!["optimality"]!, { dual: "0.4877" }),
    ],
    [
      "another p-value",
      "figures.labels.variation.k",
      (p) => Object.assign(p["figures"]!["labels"]!["variation"]!, { k: 60 }),
    ],
    [
      "another label",
      "figures.labels.variation.label",
      (p) => Object.assign(p["figures"]!["labels"]!["variation"]!, { label: "fail" }),
    ],
    [
      "another value",
      "figures.labels.variation.value",
      (p) => Object.assign(p["figures"]!["labels"]!["variation"]!, { value: "0" }),
    ],
    ["another joint p", "figures.joint.k", (p) => Object.assign(p["figures"]!["joint"]!, { k: 1 })],
    [
      "a property less",
      "figures.labels.variation.k",
      (p) => Reflect.deleteProperty(p["figures"]!["labels"]!, "variation"),
    ],
  ];
  it.each(lies)("%s", (_, what, change) => {
    const { verdict, findings } = verdictOf(restated(change));
    expect(verdict).toBe("REFUTED");
    const finding = findings.find((f) => f.what === what)!;
    expect(finding.verdict).toBe("REFUTED");
    expect(finding.stated).not.toBe(finding.computed);
  });

  it("and says by how much", () => {
    const { findings } = verdictOf(restated((p) => Object.assign(p["figures"]!["joint"]!, { k: 1 })));
    const { k } = one.statement.predicate.figures.joint as { k: number };
    expect(findings.find(({ what }) => what === "figures.joint.k")!.difference).toBe(k - 1);
  });
});

describe("what cannot be checked is UNVERIFIABLE, with its reason", () => {
  const odd: [string, RegExp, (p: Deep, s: Deep) => void][] = [
    [
      "an unknown block",
      /known kind/,
      (p) => Object.assign(p["problem"]!["terms"]![1]!["function"]!, { kind: "secret" }),
    ],
    [
      "a number nothing reads",
      /nothing reads/,
      (p) => Object.assign(p["problem"]!["terms"]![0]!["function"]!["numbers"]!, { more: "1" }),
    ],
    [
      "a weight below zero",
      /numbers ≥ 0/,
      (p) => Object.assign(p["problem"]!["terms"]![2]!["function"]!["arrays"]!["tau"]!, { times: "-1" }),
    ],
    [
      "a number that is no float32",
      /float32/,
      (p) => Object.assign(p["problem"]!["terms"]![0]!["function"]!["numbers"]!, { low: "0.1" }),
    ],
    ["an operator on another x", /an operator of/, (p) => Object.assign(p["problem"]!, { x: [13] })],
    [
      "an input that no term reads",
      /no term of the problem reads/,
      (p, s) => Object.assign(p["inputs"]!, { d: s["subject"]![0]!["digest"]!["sha256"] }),
    ],
    ["a field more", /not a statement/, (p) => Object.assign(p, { note: "" })],
    ["another predicate", /not a statement/, (_, s) => Object.assign(s, { predicateType: "urn:other" })],
    [
      "a level the calibration cannot support",
      /at least 99 calibration/,
      (p) => Object.assign(p["levels"]!, { fail: "0.01" }),
    ],
  ];
  it.each(odd)("%s", (_, because, change) => {
    const { verdict, findings } = verdictOf(restated(change));
    expect(verdict).toBe("UNVERIFIABLE");
    expect(findings.some((f) => f.verdict === "UNVERIFIABLE" && because.test(f.because))).toBe(true);
  });

  it("an unknown signer, whose statement is not read", () => {
    const stranger = new Uint8Array(32).fill(9);
    const { verdict, statement } = verifyReceipt({ ...one, envelope: seal(payloadOf(one.statement), stranger) }, keys);
    expect(verdict).toBe("UNVERIFIABLE");
    expect(statement).toBeUndefined();
    expect(
      verifyReceipt({ ...one, envelope: seal(payloadOf(one.statement), stranger) }, [...keys, publicKeyOf(stranger)])
        .verdict,
    ).toBe("VERIFIED");
  });

  it("content that is missing; changed content and what is not named are REFUTED", () => {
    for (const digest of one.content.keys()) {
      const without = new Map([...one.content].filter(([name]) => name !== digest));
      expect(verifyReceipt({ ...signed(one), content: without }, keys).verdict).toBe("UNVERIFIABLE");
      const bytes = Uint8Array.from(one.content.get(digest)!);
      bytes[bytes.length - 1]! ^= 1;
      expect(verifyReceipt({ ...signed(one), content: new Map(one.content).set(digest, bytes) }, keys).verdict).toBe(
        "REFUTED",
      );
    }
    const more = new Map(one.content).set("../../etc/passwd", new Uint8Array(1));
    expect(verifyReceipt({ ...signed(one), content: more }, keys).verdict).toBe("REFUTED");
  });
});

describe("an envelope", () => {
  it("has no byte that is free to change", () => {
    const { envelope } = signed(one);
    const small = seal(new TextEncoder().encode("{}"), benchKey);
    expect(open(small, keys).verdict).toBe("VERIFIED");
    for (let at = 0; at < small.length; at++) {
      const changed = Uint8Array.from(small);
      changed[at]! ^= 1;
      expect(open(changed, keys).verdict, `byte ${at}`).not.toBe("VERIFIED");
      expect(open(small.slice(0, at), keys).verdict).not.toBe("VERIFIED");
    }
    expect(open(envelope, keys).verdict).toBe("VERIFIED");
  });

  it("is refused with a key of small order, which signs anything", () => {
    const zero = Uint8Array.of(1, ...new Uint8Array(31));
    const envelope = canonicalBytes({
      payload: toBase64(Uint8Array.of(1)),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ keyid: keyId(zero), sig: toBase64(Uint8Array.of(1, ...new Uint8Array(63))) }],
    });
    expect(open(envelope, [zero]).verdict).toBe("REFUTED");
  });
});

describe("logs", () => {
  const chain = (list: readonly Attested[]) => {
    const lines: Uint8Array[] = [];
    for (const { statement } of list) {
      const last = lines.at(-1);
      lines.push(seal(payloadOf(following(statement, last ? sha256Hex(last) : null)), benchKey));
    }
    return lines;
  };
  const file = (lines: readonly Uint8Array[]) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));

  it("verify, and say what is wrong with others", () => {
    const lines = chain(made);
    const whole = verifyLog(file(lines), keys);
    expect(whole).toMatchObject({ verdict: "VERIFIED", receipts: 4, findings: [], head: sha256Hex(lines[3]!) });
    const [a, b, c, d] = lines as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const bad: Record<string, readonly Uint8Array[]> = {
      reordered: [a, c, b, d],
      replayed: [a, b, b, c, d],
      "without its first": [b, c, d],
      "without its middle": [a, b, d],
    };
    for (const [what, list] of Object.entries(bad)) expect(verifyLog(file(list), keys).verdict, what).toBe("REFUTED");
    const head = sha256Hex(d);
    expect(verifyLog(file([a, b, c]), keys).verdict).toBe("VERIFIED");
    expect(verifyLog(file([a, b, c]), keys, head).verdict).toBe("REFUTED");
    expect(verifyLog(file(lines), keys, sha256Hex(b)).verdict).toBe("VERIFIED");
    expect(verifyLog(file(lines).subarray(0, -1), keys).verdict).toBe("REFUTED");
    expect(verifyLog(file(lines), [publicKeyOf(new Uint8Array(32).fill(9))]).verdict).toBe("UNVERIFIABLE");
    expect(verifyLog(new Uint8Array(0), keys)).toMatchObject({ verdict: "VERIFIED", receipts: 0, head: null });
  });
});

describe("bytes from strangers", () => {
  const limits = { size: 4096, depth: 8 };

  it("of 60,000 texts are read only if they are the canonical JSON of their value", () => {
    const json = fc.json({ maxDepth: 4 });
    const bytes = fc.oneof(
      json.map((text) => new TextEncoder().encode(text)),
      json.map((text) => canonicalBytes(JSON.parse(text))),
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom("[", "{", "]", "}", '"', "\\", "1", "e", ",", ":", "é"), maxLength: 60 })
        .map((text) => new TextEncoder().encode(text)),
    );
    let [ok, refused] = [0, 0];
    fc.assert(
      fc.property(bytes, (given) => {
        const read = readCanonical(given, limits);
        if (read.ok) {
          ok++;
          expect(Buffer.from(canonicalBytes(read.value)).equals(given)).toBe(true);
        } else refused++;
      }),
      { numRuns: 60_000, seed: 1 },
    );
    expect(Math.min(ok, refused)).toBeGreaterThan(5000);
  });

  it("of 60,000 changed statements and envelopes never make a verifier throw, and only unchanged ones are accepted", () => {
    const payload = payloadOf(one.statement);
    const { envelope } = signed(one);
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom("__proto__", "NaN", "../../x", -1, 1e308, "0".repeat(64)));
    const paths = pathsOf(one.statement);
    const edit = fc.oneof(
      fc
        .record({ path: fc.constantFrom(...paths), value: junk })
        .map(({ path, value }) => canonicalBytes(replaced(one.statement, path, value))),
      fc
        .tuple(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }))
        .map(([at, flip]) => flipped(payload, at, flip)),
    );
    let accepted = 0;
    fc.assert(
      fc.property(edit, (bytes) => {
        const read = readStatement(bytes);
        if (read.ok) accepted++;
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        expect("polluted" in {}).toBe(false);
      }),
      { numRuns: 40_000, seed: 2 },
    );
    // Some changes make another statement: a digest, a name. Its signature then is not its own.
    expect(accepted).toBeLessThan(20_000);
    fc.assert(
      fc.property(fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
        const bytes = cut ? envelope.slice(0, at) : flipped(envelope, at, flip);
        const text = new TextDecoder().decode(bytes);
        // Flips within the payload reach the signature, which costs milliseconds: a few hundred of them do.
        if (!cut && text.indexOf('"payload":"') < at && at < envelope.length - 300 && at % 100 !== 0) return;
        expect(open(bytes, keys).verdict).not.toBe("VERIFIED");
      }),
      { numRuns: 20_000, seed: 3 },
    );
  });

  it("that name a prototype, or nest without end, are refused", () => {
    for (const name of ["__proto__", "constructor", "prototype"]) {
      expect(readCanonical(new TextEncoder().encode(`{"a":{"${name}":{"polluted":1}}}`), limits)).toMatchObject({
        ok: false,
      });
    }
    expect(readCanonical(new TextEncoder().encode("[".repeat(9)), limits)).toMatchObject({
      ok: false,
      because: expect.stringMatching(/nested/),
    });
    expect(readCanonical(new Uint8Array(5000), limits)).toMatchObject({
      ok: false,
      because: expect.stringMatching(/5000 bytes/),
    });
    expect(readCanonical(new TextEncoder().encode('{"a":1,"a":1}'), limits)).toMatchObject({ ok: false });
  });

  it("as base64 have one form", () => {
    expect([..."AA==,AB==,AA=,AA,A A=,%%%%".split(",").map((text) => fromBase64(text)?.length)]).toEqual([
      1,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("as arrays of any shape leave a signed receipt without a verdict of VERIFIED", () => {
    const verdicts = new Set<ReceiptVerdict>();
    const digests = [...one.content.keys()];
    const shape = fc.array(fc.integer({ min: 0, max: 14 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.nat(digests.length - 1), shape, fc.double(), (which, dims, fill) => {
        const digest = digests[which]!;
        const size = dims.reduce((p, n) => p * n, 1);
        const bytes = formatNpy({ shape: dims, data: new Float32Array(size).fill(fill) });
        const name = sha256Hex(bytes);
        const text = JSON.stringify(one.statement).replaceAll(digest, name);
        const content = new Map([...one.content].filter(([other]) => other !== digest)).set(name, bytes);
        verdicts.add(
          verifyReceipt({ envelope: seal(canonicalBytes(JSON.parse(text)), benchKey), content }, keys).verdict,
        );
      }),
      { numRuns: 150, seed: 4 },
    );
    expect(verdicts.has("VERIFIED")).toBe(false);
    expect(verdicts.has("UNVERIFIABLE")).toBe(true);
    expect(parseNpy([...one.content.values()][0]!).data.length).toBeGreaterThan(0);
  });
});

function flipped(bytes: Uint8Array, at: number, flip: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at]! ^= flip;
  return changed;
}

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  return [[...path], ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, key]))].filter(
    (p) => p.length > 0,
  );
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const record = value as Record<string, unknown>;
  const part = replaced(record[key], rest, by);
  return Array.isArray(value) ? value.with(Number(key), part) : { ...record, [key]: part };
}
