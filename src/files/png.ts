/** @file PNG: one grey image of 8 or 16 bits. */

import { type DecodedPng, decode } from "fast-png";
import { VouchError } from "../errors.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** The bytes begin as those of a PNG. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Pixels row by row, shape [height, width]; white is 65535. */
export interface PngArray {
  readonly shape: readonly [height: number, width: number];
  readonly data: Uint16Array<ArrayBuffer>;
}

/**
 * Read the values of a grey PNG as they are stored, without any gamma; 8 bits are scaled by 257, so that white is white.
 *
 * @throws format if damaged, truncated, or not grey of 8 or 16 bits without transparency
 * @source W3C, Portable Network Graphics (PNG) Specification: image header, sample depth scaling
 */
export function parsePng(bytes: Uint8Array): PngArray {
  const { width, height, data, depth, channels, palette, transparency } = decoded(bytes);
  const kinds = [
    palette ? "a palette" : channels > 2 ? "colour" : "grey",
    `${depth} bit`,
    ...(transparency || channels === 2 || channels === 4 ? ["transparency"] : []),
  ];
  if (channels !== 1 || palette || transparency || depth < 8) {
    throw refuse(kinds.join(", "), "Save it as grey of 8 or 16 bits without transparency.");
  }
  return { shape: [height, width], data: Uint16Array.from(data, (value) => (depth === 8 ? 257 * value : value)) };
}

function decoded(bytes: Uint8Array): DecodedPng {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (error) {
    const got = isPng(bytes) ? `a damaged one (${error instanceof Error ? error.message : error})` : "no PNG";
    throw refuse(got, "Copy or save the file again.");
  }
}

function refuse(got: string, remedy: string): VouchError {
  return new VouchError("format", { name: "parsePng", expected: "a grey PNG of 8 or 16 bits", got, remedy });
}
