import { expect, test } from "vitest";
import { parseHdf5 } from "../../src/files/hdf5.js";
import { hdf5Bytes } from "../hdf5.js";
import { decoded, golden } from "../volumes.js";

const values = Float32Array.from({ length: 24 }, (_, i) => i / 7);

test("a dataset comes back with its shape", async () => {
  const bytes = await hdf5Bytes("data", [2, 3, 4], values);
  expect(await parseHdf5(bytes, "data")).toEqual({ shape: [2, 3, 4], data: values });
  // Files do not meet in the memory of the library.
  const other = await hdf5Bytes("data", [1], Float32Array.of(5));
  const both = await Promise.all([parseHdf5(other, "data"), parseHdf5(bytes, "data")]);
  expect(both.map(({ shape }) => shape)).toEqual([[1], [2, 3, 4]]);
});

test.each(Object.entries(golden.hdf5))("a dataset of h5py, %s", async (_, { file, ...expected }) => {
  const { shape, data } = await parseHdf5(decoded(file), "data");
  expect([shape, Array.from(data as Float32Array)]).toEqual([expected.shape, expected.data]);
});

test.each<[string, (bytes: Uint8Array) => Uint8Array, string, string]>([
  ["another dataset", (bytes) => bytes, "images", 'expected a dataset "images", got data'],
  ["other bytes", () => new Uint8Array(100), "data", "expected an HDF5 file, got other bytes"],
  ["a torn file", (bytes) => bytes.subarray(0, 700), "data", "expected an undamaged HDF5 file"],
])("%s is refused", async (_, change, dataset, words) => {
  const bytes = await hdf5Bytes("data", [2, 3, 4], values);
  await expect(parseHdf5(change(bytes), dataset)).rejects.toThrow(expect.objectContaining({ code: "format" }));
  await expect(parseHdf5(change(bytes), dataset)).rejects.toThrow(words);
});
