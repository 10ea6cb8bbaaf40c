/** @file Folders of images: files of one kind, a DICOM series, or folders of these. */

import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { VouchError } from "../src/errors.js";
import { isDicom } from "../src/files/dicom.js";
import type { NpyArray, NpyData } from "../src/files/npy.js";
import type { FileArray, Wanted } from "./file-array.js";
import { lodopabUse, readDicomSeries } from "./volumes.js";

/** Kinds of files by the ends of their names; all of a folder are of one. */
const kinds: readonly { readonly what: string; readonly ending: RegExp }[] = [
  { what: "grey images (.png)", ending: /\.png$/i },
  { what: "arrays (.npy)", ending: /\.npy$/i },
  { what: "NIfTI volumes (.nii, .nii.gz)", ending: /\.nii(\.gz)?$/i },
  { what: "LoDoPaB's ground truths (.hdf5)", ending: /^ground_truth_.*\.hdf5$/i },
];
const SERIES = "a DICOM series";

/**
 * @param read  reads a file or folder in it
 * @throws file if the folder has no images, or several kinds; what its files throw; shape if they differ in size
 */
export async function readFolder(
  name: string,
  folder: string,
  wanted: Wanted,
  read: (name: string, path: string, wanted: Wanted) => Promise<FileArray>,
): Promise<FileArray> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.name.startsWith("."));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files = entries.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  const folders = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  const found = kinds
    .map(({ what, ending }) => ({ what, files: files.filter((file) => ending.test(file)) }))
    .concat({ what: SERIES, files: await slicesAmong(folder, files) })
    .concat({ what: "folders of them", files: folders })
    .filter((kind) => kind.files.length > 0);
  const [kind, other] = found;
  if (kind === undefined || other !== undefined) {
    const all = [...kinds.map(({ what }) => what), SERIES, "folders of them"].join(", ");
    throw new VouchError("file", {
      name,
      expected: `${kind === undefined ? `one of ${all}` : "files of one kind"} in ${folder}`,
      got: found.map(({ what, files: those }) => `${those[0]} of ${what}`).join(" and ") || "none",
      remedy: "Name a file, or a folder of one kind of them.",
    });
  }
  const paths = kind.files.map((file) => join(folder, file));
  if (kind.what === SERIES) return readDicomSeries(name, paths, wanted.size);
  const used = wanted.use ? paths.filter((path) => (lodopabUse(path) ?? wanted.use) === wanted.use) : paths;
  if (used.length === 0) {
    const expected = `${kind.what} for ${wanted.use} in ${folder}`;
    const got = `${kind.files[0]} to ${kind.files.at(-1)}`;
    throw new VouchError("file", { name, expected, got, remedy: "Download that part: vouch data download lodopab." });
  }
  const arrays: FileArray[] = [];
  for (const path of used) arrays.push(await read(name, path, wanted));
  return joined(name, used, arrays);
}

/** Files without an ending, or .dcm, that begin as DICOM does; not the list of a disc. */
async function slicesAmong(folder: string, files: readonly string[]): Promise<string[]> {
  const slices: string[] = [];
  for (const file of files) {
    if (file === "DICOMDIR") continue;
    if (/\.(dcm|dicom)$/i.test(file)) slices.push(file);
    else if (!/\.[a-z]+$/i.test(file) && isDicom(await firstBytes(join(folder, file), 132))) slices.push(file);
  }
  return slices;
}

async function firstBytes(path: string, count: number): Promise<Uint8Array> {
  const file = await open(path);
  const { bytesRead, buffer } = await file.read(new Uint8Array(count), 0, count, 0).finally(() => file.close());
  return buffer.subarray(0, bytesRead);
}

/** Images of several files as one array [n, height, width]. */
function joined(name: string, paths: readonly string[], arrays: readonly FileArray[]): FileArray {
  const [first] = arrays;
  const imageOf = ({ shape, data }: NpyArray) => `${data.constructor.name} [${shape.slice(-2).join(", ")}]`;
  arrays.forEach((array, i) => {
    const { length } = array.shape;
    if ((length === 2 || length === 3) && imageOf(array) === imageOf(first!)) return;
    throw new VouchError("shape", {
      name: `${name} ${paths[i]}`,
      expected: `${imageOf(first!)}, as ${basename(paths[0]!)}`,
      got: `${array.data.constructor.name} [${array.shape.join(", ")}]`,
      remedy: "Images of one folder are of one size and type.",
    });
  });
  const total = arrays.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first!.data.constructor as new (length: number) => Exclude<NpyData, BigInt64Array>)(total);
  let at = 0;
  for (const array of arrays) {
    data.set(array.data as typeof data, at);
    at += array.data.length;
  }
  const [height, width] = first!.shape.slice(-2) as [number, number];
  return {
    ...{ shape: [total / (height * width), height, width], data },
    ...(arrays.every(({ patients }) => patients) ? { patients: arrays.flatMap(({ patients }) => patients!) } : {}),
    ...(arrays.every(({ uses }) => uses) ? { uses: arrays.flatMap(({ uses }) => uses!) } : {}),
  };
}
