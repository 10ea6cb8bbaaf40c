/** @file HDF5 files for tests. */

import hdf5 from "h5wasm";

/** The bytes of a file with one float32 dataset. */
export async function hdf5Bytes(dataset: string, shape: number[], data: Float32Array): Promise<Uint8Array> {
  const { FS } = await hdf5.ready;
  const file = new hdf5.File("test.h5", "w");
  file.create_dataset({ name: dataset, data, shape, dtype: "<f4" });
  file.close();
  const bytes = FS.readFile("test.h5") as Uint8Array;
  FS.unlink("test.h5");
  return bytes;
}
