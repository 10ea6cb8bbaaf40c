/** @file HDF5: one dataset of numbers. */

import { VouchError } from "../errors.js";
import type { NpyArray } from "./npy.js";
import { optional } from "./optional.js";

const SIGNATURE = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);

/** The bytes begin as those of an HDF5 file without a user block. */
export function isHdf5(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

let files = 0;

/**
 * Read a dataset from the bytes of an HDF5 file.
 *
 * @param dataset  its path, "data"
 * @returns any rank, C order; the type of the file, little-endian
 * @throws format if the file is none or damaged, has no such dataset, or it holds no numbers; file if h5wasm is not installed
 */
export async function parseHdf5(bytes: Uint8Array, dataset: string): Promise<NpyArray> {
  if (!isHdf5(bytes)) throw refuse("an HDF5 file", "other bytes", "Check the file.");
  const hdf5 = await optional("parseHdf5", "h5wasm", () => import("h5wasm"));
  const { FS, activate_throwing_error_handler: throwing } = await hdf5.ready;
  throwing();
  const name = `vouch-${files++}.h5`;
  FS.writeFile(name, bytes);
  try {
    const file = new hdf5.File(name, "r");
    try {
      const found = file.get(dataset);
      if (!(found instanceof hdf5.Dataset)) {
        throw refuse(
          `a dataset "${dataset}"`,
          file.keys().join(", ") || "an empty file",
          "Name a dataset of the file.",
        );
      }
      const { value, shape } = found;
      if (!(value instanceof Float32Array || value instanceof Float64Array || value instanceof Uint16Array)) {
        throw refuse("float32, float64 or uint16 values", `${found.dtype}`, "Save them as float32.");
      }
      return { shape: shape ?? [], data: value };
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof VouchError) throw error;
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw Object.assign(refuse("an undamaged HDF5 file", why, "Copy the file again."), { cause: error });
  } finally {
    FS.unlink(name);
  }
}

function refuse(expected: string, got: string, remedy: string): VouchError {
  return new VouchError("format", { name: "parseHdf5", expected, got, remedy });
}
