/** @file LoDoPaB-CT: its parts by patient, its files and its scan. */

import { VouchError } from "../../errors.js";
import type { NpyArray } from "../../files/npy.js";
import { evenAngles, type Geometry, parallelGeometry } from "./geometry.js";

/** Slices of each part; no patient is in two. @source Leuschner, Schmidt, Baguer & Maaß 2021, Table 1 */
export const LODOPAB_PARTS = { train: 35_820, validation: 3_522, test: 3_553 } as const;
export type LodopabPart = keyof typeof LODOPAB_PARTS;

export interface LodopabFile {
  readonly kind: "ground_truth" | "observation";
  readonly part: LodopabPart;
  /** From 0. */
  readonly index: number;
}

/** Slices a file holds, but for the last of a part. */
const PER_FILE = 128;
/** Pixels a side of a ground truth. */
export const LODOPAB_SIZE = 362;
/** Views and detectors of an observation. */
export const LODOPAB_SINOGRAM = [1000, 513] as const;
/** Side of the image, mm. */
const SIDE = 260;

/** "ground_truth_train_000.hdf5". */
export function lodopabName({ kind, part, index }: LodopabFile): string {
  return `${kind}_${part}_${String(index).padStart(3, "0")}.hdf5`;
}

/** What a name says, where it is one of LoDoPaB's files. */
export function lodopabFile(name: string): LodopabFile | undefined {
  const found = /^(ground_truth|observation)_(train|validation|test)_(\d{3})\.hdf5$/.exec(name);
  if (!found) return undefined;
  const file = { kind: found[1], part: found[2], index: Number(found[3]) } as LodopabFile;
  return file.index * PER_FILE < LODOPAB_PARTS[file.part] ? file : undefined;
}

/** Places in its part of the slices of a file. */
export function lodopabSlices({ part, index }: LodopabFile): { readonly first: number; readonly count: number } {
  const first = index * PER_FILE;
  return { first, count: Math.max(0, Math.min(PER_FILE, LODOPAB_PARTS[part] - first)) };
}

/**
 * Patients of the slices of a file, from the text of patient_ids_rand_PART.csv: one number a slice of the part.
 *
 * @throws format if the list is of another length, or holds something else
 */
export function lodopabPatients(file: LodopabFile, list: string): string[] {
  const ids = list.split(/\s+/).filter(Boolean);
  const total = LODOPAB_PARTS[file.part];
  const bad = ids.findIndex((id) => !Number.isInteger(Number(id)));
  if (ids.length !== total || bad >= 0) {
    throw new VouchError("format", {
      name: "lodopabPatients",
      expected: `${total} whole numbers in patient_ids_rand_${file.part}.csv`,
      got: bad < 0 ? `${ids.length}` : `"${ids[bad]}" in line ${bad + 1}`,
      remedy: "Download the list again.",
    });
  }
  const { first, count } = lodopabSlices(file);
  return ids.slice(first, first + count).map((id) => `LoDoPaB ${Number(id)}`);
}

/**
 * Images [362 · 362] of the dataset "data" of a ground-truth file: attenuation in [0, 1], where 1 is that of 3071 HU.
 *
 * @throws shape; data if a value is outside [0, 1]
 */
export function lodopabImages(file: LodopabFile, array: NpyArray): Float32Array[] {
  return slicesOf("lodopabImages", file, array, {
    shape: [LODOPAB_SIZE, LODOPAB_SIZE],
    fits: (value) => value >= 0 && value <= 1,
    range: "values in [0, 1]",
  });
}

/**
 * Observations [1000 · 513] of the dataset "data" of an observation file: line integrals by `lodopabGeometry` of images in [0, 1].
 *
 * Where no photon of 4096 arrived, LoDoPaB puts 0.1 of one; the noise is that of counting photons, not the papers'.
 *
 *     d = 1000 · stored,  stored = −ln(photons/4096)/81.35858, per metre
 *
 * @throws shape; data if a value is not finite
 * @source Leuschner, Schmidt, Baguer & Maaß 2021, methods
 */
export function lodopabObservations(file: LodopabFile, array: NpyArray): Float32Array[] {
  const observations = slicesOf("lodopabObservations", file, array, {
    shape: LODOPAB_SINOGRAM,
    fits: Number.isFinite,
    range: "finite values",
  });
  return observations.map((stored) => stored.map((value) => 1000 * value));
}

interface Expected {
  readonly shape: readonly [number, number];
  fits(value: number): boolean;
  readonly range: string;
}

/** The slices of a file; the last of a part may have rows without a slice after them. */
function slicesOf(name: string, file: LodopabFile, { shape, data }: NpyArray, expected: Expected): Float32Array[] {
  const called = `${name} ${lodopabName(file)}`;
  const remedy = "Download the file again.";
  const { count } = lodopabSlices(file);
  const [height, width] = expected.shape;
  const [rows = 0, ...slice] = shape;
  if (rows < count || rows > PER_FILE || slice.join() !== `${height},${width}` || !(data instanceof Float32Array)) {
    const got = `${data.constructor.name.replace("Array", "").toLowerCase()} [${shape.join(", ")}]`;
    throw new VouchError("shape", { name: called, expected: `float32 [${count}, ${height}, ${width}]`, got, remedy });
  }
  const values = data.subarray(0, count * height * width);
  const bad = values.findIndex((value) => !expected.fits(value));
  if (bad >= 0) {
    throw new VouchError("data", {
      name: called,
      expected: expected.range,
      got: `${values[bad]} at element ${bad}`,
      remedy,
    });
  }
  return Array.from({ length: count }, (_, n) => values.slice(n * height * width, (n + 1) * height * width));
}

/**
 * The scan of LoDoPaB's observations: 260 mm wide, 1000 views of half a turn, 513 detectors over the image's diagonal.
 *
 * @source Leuschner, Schmidt, Baguer & Maaß 2021, methods; ODL `parallel_beam_geometry`
 */
export function lodopabGeometry(): Geometry {
  const [views, detectors] = LODOPAB_SINOGRAM;
  return parallelGeometry({
    ...{ size: LODOPAB_SIZE, pixel: SIDE / LODOPAB_SIZE, angles: evenAngles(views) },
    ...{ detectors, spacing: (SIDE * Math.SQRT2) / detectors },
  });
}
