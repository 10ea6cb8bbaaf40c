/** @file SHA-256, the same in Node and in browsers, without a promise. */

import { sha256 } from "@noble/hashes/sha2.js";

/** 64 lower-case hex digits. */
export type Hex = string;

/** SHA-256 of the bytes: 32 bytes. @source FIPS 180-4 */
export function hash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}

export function sha256Hex(bytes: Uint8Array): Hex {
  return toHex(sha256(bytes));
}

export function toHex(bytes: Uint8Array): Hex {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of an even number of lower-case hex digits; undefined of anything else. */
export function fromHex(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) return undefined;
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
