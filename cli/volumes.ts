/** @file Medical formats as images of LoDoPaB's scale: DICOM series, NIfTI volumes, LoDoPaB's own files. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { attenuation, fieldOfView, shrink } from "../src/applications/ct/attenuation.js";
import {
  LODOPAB_SINOGRAM,
  LODOPAB_SIZE,
  type LodopabPart,
  lodopabFile,
  lodopabGeometry,
  lodopabImages,
  lodopabObservations,
  lodopabPatients,
} from "../src/applications/ct/lodopab.js";
import { VouchError } from "../src/errors.js";
import { type DicomSlice, dicomSeries, parseDicom } from "../src/files/dicom.js";
import { parseHdf5 } from "../src/files/hdf5.js";
import { parseNifti } from "../src/files/nifti.js";
import { within } from "./errors.js";
import type { FileArray, Use } from "./file-array.js";
import { readFileOrExplain } from "./files.js";
import { describeScan } from "./scans.js";

/** One slice. */
export async function readDicomSlice(bytes: Uint8Array, size: number): Promise<FileArray> {
  return ofSlices([await parseDicom(bytes)], size);
}

/** A series, in the order of its places. */
export async function readDicomSeries(name: string, paths: readonly string[], size: number): Promise<FileArray> {
  const slices: DicomSlice[] = [];
  for (const path of paths) {
    slices.push(await within(`${name} ${path}`, async () => parseDicom(await readFileOrExplain(path, "a CT slice"))));
  }
  const names = paths.map((path) => basename(path));
  return within(`${name} ${dirname(paths[0]!)}`, () => ofSlices(dicomSeries(slices, names), size));
}

/** A body is known by its ID or, where that was removed, by its series. */
function ofSlices(slices: readonly DicomSlice[], size: number): FileArray {
  const images = slices.map(({ hu, rows, columns, spacing }) => toImage(hu, [rows, columns], spacing, size));
  const patients = slices.map(({ patient, series }) => patient || (series && `series ${series}`));
  return { ...stacked(images, [size, size]), ...(patients.every(Boolean) ? { patients } : {}) };
}

/** Some of a CT volume is air, −1000 HU; other scans and windows have none. */
const AIR = -200;

/** A volume of Hounsfield units, slice by slice: one body, known by the name of its file. */
export async function readNifti(path: string, bytes: Uint8Array, size: number): Promise<FileArray> {
  const { shape, data, spacing } = await parseNifti(bytes);
  const [count, rows, columns] = shape;
  const cold = data.reduce((least, value) => Math.min(least, value), 0);
  if (!(cold < AIR)) {
    throw new VouchError("data", {
      name: "readNifti",
      expected: `Hounsfield units, with air below ${AIR}`,
      got: `${cold} at the least`,
      remedy: "Give a CT volume in Hounsfield units.",
    });
  }
  const images = Array.from({ length: count }, (_, n) =>
    toImage(
      data.subarray(n * rows * columns, (n + 1) * rows * columns),
      [rows, columns],
      [spacing[1], spacing[2]],
      size,
    ),
  );
  return { ...stacked(images, [size, size]), patients: new Array<string>(count).fill(basename(path)) };
}

/** LoDoPaB's validation part is held out for calibration. */
const USES: Readonly<Record<LodopabPart, Use>> = { train: "training", validation: "calibration", test: "test" };

/** What a file of LoDoPaB is for; undefined for others. */
export function lodopabUse(path: string): Use | undefined {
  const file = lodopabFile(basename(path));
  return file && USES[file.part];
}

/** Ground truths with their patients, where LoDoPaB's list is beside the file; or observations with their scan. */
export async function readLodopab(path: string, bytes: Uint8Array, size: number): Promise<FileArray> {
  const file = lodopabFile(basename(path));
  if (file === undefined) {
    throw new VouchError("format", {
      name: "readLodopab",
      expected: "a file named as LoDoPaB's, ground_truth_test_000.hdf5",
      got: basename(path),
      remedy: "Save other images as .npy.",
    });
  }
  const array = await parseHdf5(bytes, "data");
  if (file.kind === "observation") {
    const scan = describeScan(lodopabGeometry(), LODOPAB_SINOGRAM, { beam: "parallel", rows: "plain" });
    return { ...stacked(lodopabObservations(file, array), LODOPAB_SINOGRAM), scan };
  }
  const images = lodopabImages(file, array).map((image) => shrink(image, LODOPAB_SIZE, size));
  const uses = images.map(() => USES[file.part]);
  const list = join(dirname(path), `patient_ids_rand_${file.part}.csv`);
  const patients = existsSync(list) ? { patients: lodopabPatients(file, await readFile(list, "utf8")) } : {};
  return { ...stacked(images, [size, size]), uses, ...patients };
}

/** Attenuation in the field of view of a slice, `size` pixels a side. @throws shape if it, or its pixels, are not square */
function toImage(
  hu: Float32Array,
  [rows, columns]: readonly [number, number],
  [between, across]: readonly [number, number],
  size: number,
): Float32Array {
  if (Math.abs(between / across - 1) > 0.01) {
    throw new VouchError("shape", {
      name: "toImage",
      expected: "square pixels",
      got: `${between} × ${across} mm`,
      remedy: "Resample the slices.",
    });
  }
  const { image, size: side } = fieldOfView(hu.map(attenuation), rows, columns);
  return shrink(image, side, size);
}

function stacked(slices: readonly Float32Array[], [height, width]: readonly [number, number]): FileArray {
  const data = new Float32Array(slices.length * height * width);
  slices.forEach((slice, n) => {
    data.set(slice, n * height * width);
  });
  return { shape: [slices.length, height, width], data };
}
