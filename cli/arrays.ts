/** @file Arrays of files: .npy, .npz, a grey PNG, DICOM, NIfTI, LoDoPaB's HDF5, or a folder of one kind of them. */

import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { VouchError } from "../src/errors.js";
import { isDicom } from "../src/files/dicom.js";
import { isHdf5 } from "../src/files/hdf5.js";
import { parseNpy } from "../src/files/npy.js";
import { parseNpz } from "../src/files/npz.js";
import { isPng, parsePng } from "../src/files/png.js";
import { within } from "./errors.js";
import type { FileArray, Wanted } from "./file-array.js";
import { readFileOrExplain } from "./files.js";
import { readFolder } from "./folders.js";
import { parseRecord } from "./scans.js";
import { readDicomSlice, readLodopab, readNifti } from "./volumes.js";

interface Read extends Wanted {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Format {
  /** What the file is, by its first bytes and its name. */
  fits(bytes: Uint8Array, path: string): boolean;
  read(file: Read): FileArray | Promise<FileArray>;
}

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;

const formats: readonly Format[] = [
  { fits: isPng, read: ({ bytes }) => parsePng(bytes) },
  {
    fits: (bytes, path) => isDicom(bytes) || /\.dcm$/i.test(path),
    read: ({ bytes, size }) => readDicomSlice(bytes, size),
  },
  {
    fits: (bytes, path) => isHdf5(bytes) || /\.hdf5$/i.test(path),
    read: ({ bytes, path, size }) => readLodopab(path, bytes, size),
  },
  { fits: (_, path) => /\.nii(\.gz)?$/i.test(path), read: ({ bytes, path, size }) => readNifti(path, bytes, size) },
  { fits: isZip, read: readNpz },
  { fits: () => true, read: ({ bytes }) => parseNpy(bytes) },
];

/**
 * The array of a file, or of a folder in the order of its names, or of a series' places.
 *
 * A .npy is what it holds, a .npz its only array or the one that is wanted; a grey PNG is [height, width], white as 65535. Slices of
 * DICOM, NIfTI and LoDoPaB are in LoDoPaB's scale, their field of view shrunk to `size` pixels a side, [n, size, size].
 *
 * @param name  what the user called, for errors
 * @throws file, format, data, and shape where images of a folder differ in size
 */
export async function readArray(name: string, path: string, wanted: Wanted): Promise<FileArray> {
  if (existsSync(path) && statSync(path).isDirectory()) return readFolder(name, path, wanted, readArray);
  return within(`${name} ${path}`, async () => {
    const bytes = await readFileOrExplain(path, wanted.what);
    return formats.find(({ fits }) => fits(bytes, path))!.read({ ...wanted, path, bytes });
  });
}

/** The only array of an archive, or the wanted one of a simulation, with its record. @throws format */
function readNpz({ bytes, members, path }: Read): FileArray {
  const arrays = parseNpz(bytes);
  const names = Object.keys(arrays);
  const member = names.length === 1 ? names[0]! : members.find((one) => names.includes(one));
  if (member === undefined) {
    throw new VouchError("format", {
      name: "readArray",
      expected: `an array named ${members.join(" or ")}, or one alone, in ${basename(path)}`,
      got: names.join(", ") || "none",
      remedy: "Save it under that name: numpy.savez(file, images=a).",
    });
  }
  const record = arrays["record"];
  if (!(record?.data instanceof Uint8Array)) return arrays[member]!;
  const { patients, scan, noise } = parseRecord(record.data);
  return { ...arrays[member]!, patients, ...(member === "sinograms" ? { scan, noise: noise.level } : {}) };
}
