/** @file NumPy's .npz format: a zip of named .npy arrays. */

import { strFromU8, unzipSync, zipSync } from "fflate";
import { VouchError } from "../errors.js";
import { formatNpy, type NpyArray, parseNpy } from "./npy.js";

/**
 * Read every array from the bytes of a .npz file, stored or compressed.
 *
 * @param bytes  the whole file; keys are the names given to numpy.savez
 * @throws format if not a zip, truncated, or a member fails its checksum or is not an array `parseNpy` reads; the error
 *   names the member
 * @source numpy.savez
 */
export function parseNpz(bytes: Uint8Array): Record<string, NpyArray> {
  if (bytes.length === 0) fail("a .npz file", "0 bytes", "The file is empty; write it again.");
  const members = Object.entries(unzip(bytes));
  const checksums = readChecksums(bytes);
  return Object.fromEntries(
    members.map(([member, content]) => {
      if (!member.endsWith(".npy")) fail("members named *.npy", member, "Save the arrays with numpy.savez.");
      if (checksums.get(member) !== crc32(content)) {
        fail(`${member} to match its checksum`, "other bytes", "The file is damaged; copy it again.");
      }
      return [member.slice(0, -".npy".length), parseMember(member, content)];
    }),
  );
}

/**
 * Write arrays as the bytes of a .npz file, stored: what numpy.savez writes, but that equal arrays give equal bytes.
 *
 * @param arrays  by name
 * @throws shape if a shape does not hold exactly the elements of its data
 * @source numpy.savez
 */
export function formatNpz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  const members = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, formatNpy(array)] as const);
  // The first day that a zip can state.
  return zipSync(Object.fromEntries(members), { level: 0, mtime: "1980-01-01T00:00:00" });
}

function unzip(bytes: Uint8Array): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes);
  } catch (error) {
    return fail(
      "a zip file",
      `${bytes.length} bytes that are not (${error instanceof Error ? error.message : error})`,
      "The file is truncated or damaged; copy it again, or save it with numpy.savez.",
    );
  }
}

/**
 * The CRC-32 of each member, which fflate leaves unchecked, from the central directory.
 *
 * @source PKWARE APPNOTE 6.3.10, 4.3.12 and 4.3.16; without ZIP64, whose members have no checksum here
 */
function readChecksums(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  const checksums = new Map<string, number>();
  let at = view.getUint32(end + 16, true);
  while (at + 46 <= end && view.getUint32(at, true) === 0x02014b50) {
    const name = at + 46 + view.getUint16(at + 28, true);
    const latin1 = (view.getUint16(at + 8, true) & 0x800) === 0;
    checksums.set(strFromU8(bytes.subarray(at + 46, name), latin1), view.getUint32(at + 16, true));
    at = name + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return checksums;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
});

function crc32(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) remainder = (remainder >>> 8) ^ crcTable[(remainder ^ bytes[i]!) & 0xff]!;
  return ~remainder >>> 0;
}

function parseMember(member: string, content: Uint8Array): NpyArray {
  try {
    return parseNpy(content);
  } catch (error) {
    if (!(error instanceof VouchError)) throw error;
    const { expected, got, remedy } = error.details;
    return fail(`${member}: ${expected}`, got, remedy);
  }
}

function fail(expected: string, got: string, remedy: string): never {
  throw new VouchError("format", { name: "parseNpz", expected, got, remedy });
}
