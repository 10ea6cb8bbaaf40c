/** @file What benches of CT read: image sets of the data folder, and shipped weights. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dataFile, shippedModel } from "../cli/paths.js";
import { VouchError } from "../src/errors.js";
import { parseNpy } from "../src/files/npy.js";

/** Slices of 128² of a file of the data folder, value/65535. @throws file where it is not there */
export async function readNpy(file: string): Promise<Float32Array[]> {
  const path = dataFile("ct", file);
  if (!existsSync(path)) {
    const remedy = "Set VOUCH_DATA to the data folder.";
    throw new VouchError("file", { name: "bench", expected: `images in ${path}`, got: "no such file", remedy });
  }
  const { shape, data } = parseNpy(await readFile(path));
  const size = shape[1]! * shape[2]!;
  return Array.from({ length: shape[0]! }, (_, n) =>
    Float32Array.from({ length: size }, (_, i) => Number(data[n * size + i]!) / 65535),
  );
}

export function hasModel(name: string): boolean {
  return existsSync(shippedModel(name));
}

export function readModel(name: string): Promise<Uint8Array> {
  return readFile(shippedModel(name));
}
