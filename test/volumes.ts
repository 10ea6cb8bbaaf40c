/** @file Files of medical formats that other programs made and read, see bench/peers/golden_volumes.py. */

import { readFileSync } from "node:fs";

interface Golden {
  readonly dicom: Record<string, { file: string; shape: number[]; hu: number[]; position: number }>;
  readonly nifti: Record<string, { file: string; shape: number[]; data: number[]; spacing: number[] }>;
  readonly hdf5: Record<string, { file: string; shape: number[]; data: number[] }>;
  readonly shrink: { image: number[]; to: Record<string, number[]> };
}

export const golden: Golden = JSON.parse(readFileSync(new URL("golden/volumes.json", import.meta.url), "utf8"));

export function decoded(file: string): Uint8Array {
  return new Uint8Array(Buffer.from(file, "base64"));
}
