/** @file Signed envelopes: a payload, its type, and ed25519 signatures over both. */

import * as ed25519 from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { z } from "zod";
import { canonicalBytes } from "./canonical.js";
import { type Hex, sha256Hex } from "./digest.js";
import { fromBase64, type Read, readCanonical, toBase64 } from "./json.js";

ed25519.hashes.sha512 = (message) => sha512(message);

export const IN_TOTO = "application/vnd.in-toto+json";

/** An envelope is small: arrays lie beside it. */
export const ENVELOPE_LIMITS = { size: 1 << 20, depth: 16 } as const;

const schema = z.strictObject({
  payload: z.string(),
  payloadType: z.literal(IN_TOTO),
  signatures: z.tuple([z.strictObject({ keyid: z.string().regex(/^[0-9a-f]{64}$/), sig: z.string() })]),
});

/** What a verifier makes of an envelope, the payload read only where a known key signed it. */
export type Opened =
  | { readonly verdict: "VERIFIED"; readonly payload: Uint8Array; readonly keyid: Hex }
  | { readonly verdict: "REFUTED" | "UNVERIFIABLE"; readonly because: string };

/** The public key of a secret one: 32 bytes each. */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(secretKey);
}

/** Name of a public key: SHA-256 of its 32 bytes. */
export function keyId(publicKey: Uint8Array): Hex {
  return sha256Hex(publicKey);
}

/**
 * Sign a payload: canonical bytes of an envelope.
 *
 *     sig = Ed25519(PAE),   PAE = "DSSEv1" ⎵ len(type) ⎵ type ⎵ len(payload) ⎵ payload
 *
 * @param secretKey  32 bytes
 * @source secure-systems-lab/dsse, protocol.md, v1.0; RFC 8032
 */
export function seal(payload: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const sig = toBase64(ed25519.sign(preAuthentication(payload), secretKey));
  return canonicalBytes({
    payload: toBase64(payload),
    payloadType: IN_TOTO,
    signatures: [{ keyid: keyId(publicKeyOf(secretKey)), sig }],
  });
}

/**
 * The payload of an envelope that one of `keys` signed.
 *
 * deviates: the key id is compared and the JSON must be canonical, because then no byte of the file is free to change.
 *
 * @param keys  trusted public keys, 32 bytes each
 */
export function open(bytes: Uint8Array, keys: readonly Uint8Array[]): Opened {
  const envelope = readEnvelope(bytes);
  if (!envelope.ok) return { verdict: "REFUTED", because: `the envelope is ${envelope.because}` };
  const { payload, keyid, sig } = envelope.value;
  const key = keys.find((candidate) => keyId(candidate) === keyid);
  if (key === undefined) return { verdict: "UNVERIFIABLE", because: `the signer ${keyid} is not known` };
  // Strict: no points of small order, no second encodings.
  if (!holds(() => ed25519.verify(sig, preAuthentication(payload), key, { zip215: false }))) {
    return { verdict: "REFUTED", because: "the signature is not of this content" };
  }
  return { verdict: "VERIFIED", payload, keyid };
}

function readEnvelope(bytes: Uint8Array): Read<{ payload: Uint8Array; keyid: Hex; sig: Uint8Array }> {
  const json = readCanonical(bytes, ENVELOPE_LIMITS);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) return { ok: false, because: "not a DSSE envelope with one signature" };
  const [{ keyid, sig }] = parsed.data.signatures;
  const [payload, signature] = [fromBase64(parsed.data.payload), fromBase64(sig)];
  if (payload === undefined || signature?.length !== 64) return { ok: false, because: "not in strict base64" };
  return { ok: true, value: { payload, keyid, sig: signature } };
}

function preAuthentication(payload: Uint8Array): Uint8Array {
  const lead = new TextEncoder().encode(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${payload.length} `);
  const all = new Uint8Array(lead.length + payload.length);
  all.set(lead);
  all.set(payload, lead.length);
  return all;
}

/** A verification that throws, as for a key that is no point of the curve, does not hold. */
function holds(verification: () => boolean): boolean {
  try {
    return verification();
  } catch {
    return false;
  }
}
