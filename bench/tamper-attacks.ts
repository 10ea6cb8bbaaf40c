/** @file What can be done to a receipt without its key, and by a signer who lies. */

import { type Attested, payloadOf } from "../src/attest.js";
import { type Bundle, publicKeyOf, type Statement, seal } from "../src/receipts/index.js";
import { canonicalBytes } from "../src/verify/canonical.js";
import { toBase64 } from "../src/verify/json.js";

/** A receipt that was changed: lazily, for there are very many. */
export type Attack = () => Bundle;

export const KINDS = ["flips", "swaps", "replays", "resigned", "truncations", "unsigned", "content"] as const;

/** Attacks of one kind on bundle `i`, by someone without the key. */
export function attacks(kind: (typeof KINDS)[number], all: readonly Attested[], i: number, key: Uint8Array): Attack[] {
  const { statement, content } = all[i]!;
  const envelope = seal(payloadOf(statement), key);
  const { payload, payloadType, signatures } = JSON.parse(new TextDecoder().decode(envelope));
  const [{ keyid, sig }] = signatures;
  const enclose = (body: string, signature = { keyid, sig }) =>
    canonicalBytes({ payload: body, payloadType, signatures: [signature] });
  const restated = (changed: unknown) => enclose(toBase64(canonicalBytes(changed)));
  const bundle = (made: Uint8Array): Bundle => ({ envelope: made, content });
  const stranger = new Uint8Array(32).fill(i + 100);
  const next = all[(i + 1) % all.length]!;
  switch (kind) {
    case "flips": {
      const text = new TextDecoder().decode(payloadOf(statement));
      const digests = [...text.matchAll(/[0-9a-f]{64}/g)].flatMap(({ index }) =>
        Array.from({ length: 64 }, (_, k) => index + k),
      );
      const start = new TextDecoder().decode(envelope).lastIndexOf(sig);
      return [
        ...digests.map((at) => () => {
          const changed = Uint8Array.from(payloadOf(statement));
          changed[at]! ^= 1;
          return bundle(enclose(toBase64(changed)));
        }),
        ...Array.from({ length: sig.length + keyid.length }, (_, k) => () => {
          const changed = Uint8Array.from(envelope);
          changed[
            k < sig.length ? start + k : new TextDecoder().decode(envelope).lastIndexOf(keyid) + k - sig.length
          ]! ^= 1;
          return bundle(changed);
        }),
      ];
    }
    case "swaps":
      return [...swaps(statement, next.statement)].map((changed) => () => bundle(restated(changed)));
    case "replays":
      return all.flatMap((other, j) => (j === i ? [] : [() => ({ envelope, content: other.content })]));
    case "resigned":
      return [statement, { ...next.statement, subject: statement.subject }].flatMap((stated) => {
        const theirs = JSON.parse(new TextDecoder().decode(seal(payloadOf(stated), stranger)));
        return [
          () => bundle(canonicalBytes(theirs)),
          () => bundle(enclose(theirs.payload, { keyid, sig: theirs.signatures[0].sig })),
        ];
      });
    case "truncations":
      return Array.from({ length: envelope.length }, (_, length) => length)
        .filter((length) => length % 16 === 0 || envelope.length - length < 64)
        .map((length) => () => bundle(envelope.slice(0, length)));
    case "unsigned":
      return [
        () => bundle(canonicalBytes({ payload, payloadType, signatures: [] })),
        () => bundle(enclose(payload, { keyid, sig: "" })),
        () => bundle(enclose(payload, { keyid, sig: toBase64(new Uint8Array(64)) })),
        () => bundle(payloadOf(statement)),
      ];
    case "content":
      return contentAttacks(envelope, content);
  }
}

function contentAttacks(envelope: Uint8Array, content: ReadonlyMap<string, Uint8Array>): Attack[] {
  const names = [...content.keys()];
  const changed = (name: string, bytes: Uint8Array): Bundle => ({
    envelope,
    content: new Map(content).set(name, bytes),
  });
  const flip = (bytes: Uint8Array, at: number) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
  return names.flatMap((name, a) => {
    const bytes = content.get(name)!;
    return [
      () => changed(name, bytes.slice(0, -1)),
      () => changed(name, flip(bytes, bytes.length - 1)),
      () => changed(name, flip(bytes, bytes.length >> 1)),
      () => ({ envelope, content: new Map([...content].filter(([other]) => other !== name)) }),
      () => changed("f".repeat(64), bytes),
      ...names.slice(a + 1).map((other) => () => {
        return { envelope, content: new Map(content).set(name, content.get(other)!).set(other, bytes) };
      }),
    ];
  });
}

/** Statements with two of their own fields exchanged, digests with digests and figures with figures, or one taken from another's. */
function* swaps(statement: Statement, other: Statement): Generator<unknown> {
  const mine = leavesOf(statement);
  const theirs = new Map(leavesOf(other).map(({ path, value }) => [path.join("."), value]));
  const groups = [
    mine.filter(({ value }) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)),
    mine.filter(({ path }) => path.includes("figures")),
  ];
  for (const group of groups) {
    for (const [i, a] of group.entries()) {
      for (const b of group.slice(i + 1)) {
        if (a.value !== b.value) yield withField(withField(statement, a.path, b.value), b.path, a.value);
      }
    }
  }
  for (const { path, value } of mine) {
    const taken = theirs.get(path.join("."));
    if (taken !== undefined && taken !== value) yield withField(statement, path, taken);
  }
}

/** Receipts of a signer who lies about one figure, each figure once, signed with the trusted key. */
export function lies({ statement, content }: Attested, key: Uint8Array): Attack[] {
  const figures = leavesOf(statement).filter(({ path }) => path[1] === "figures");
  return figures.flatMap(({ path, value }) => {
    const other = figures.find((one) => typeof one.value === typeof value && one.value !== value);
    if (other === undefined) return [];
    const changed = withField(statement, path, other.value);
    return [() => ({ envelope: seal(canonicalBytes(changed), key), content })];
  });
}

export function trusted(key: Uint8Array): Uint8Array[] {
  return [publicKeyOf(key)];
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

function leavesOf(value: unknown, path: readonly string[] = []): Leaf[] {
  if (typeof value !== "object" || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([key, part]) => leavesOf(part, [...path, key]));
}

function withField(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const record = value as Record<string, unknown>;
  const part = withField(record[key], rest, by);
  return Array.isArray(value) ? value.with(Number(key), part) : { ...record, [key]: part };
}
