/** @file JSON from strangers: read within limits, or not at all. */

import { canonicalBytes } from "./canonical.js";

export interface JsonLimits {
  /** Most bytes. */
  readonly size: number;
  /** Most brackets open at once. */
  readonly depth: number;
}

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly because: string };

/** Names that could reach a prototype where a reader is careless. */
const FORBIDDEN = /^(?:__proto__|constructor|prototype)$/;

/**
 * The value in canonical JSON. Whatever else the bytes are, the answer is a reason: nothing is thrown.
 *
 * Bytes that are not the canonical form of what they say (a second key of one name, other spacing, other number formats) are
 * refused, so that one value has one digest.
 *
 * @source RFC 8259; RFC 8785
 */
export function readCanonical(bytes: Uint8Array, { size, depth }: JsonLimits): Read<unknown> {
  if (bytes.length > size) return refuse(`${bytes.length} bytes, more than ${size}`);
  if (deeperThan(bytes, depth)) return refuse(`brackets nested more than ${depth} deep`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return refuse("no JSON in UTF-8");
  }
  const name = forbiddenName(value);
  if (name !== undefined) return refuse(`a field named ${name}`);
  const canonical = canonicalBytes(value);
  if (!sameBytes(canonical, bytes)) return refuse("JSON that is not in canonical form");
  return { ok: true, value };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Bytes of base64 in its only form: padded, without spaces, unused bits 0. Undefined of anything else. @source RFC 4648, §3.5 and §4 */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function refuse(because: string): Read<never> {
  return { ok: false, because };
}

/** Brackets outside strings; read before parsing, whose recursion is the engine's own. */
function deeperThan(bytes: Uint8Array, limit: number): boolean {
  let [open, quoted] = [0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (quoted) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++open > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) open--;
  }
  return false;
}

function forbiddenName(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, part] of Object.entries(value)) {
    const found = FORBIDDEN.test(name) ? name : forbiddenName(part);
    if (found !== undefined) return found;
  }
  return undefined;
}
