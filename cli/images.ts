/** @file Images and sinograms from files, checked against the scale, with the patients they came from. */

import { existsSync } from "node:fs";
import { z } from "zod";
import type { Slice } from "../src/applications/ct/select.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { VouchError } from "../src/errors.js";
import type { NpyArray } from "../src/files/npy.js";
import { readArray } from "./arrays.js";
import { within } from "./errors.js";
import type { Use } from "./file-array.js";
import { readBundled } from "./model-bundle.js";
import { beside } from "./paths.js";
import { describePapers, scanInWords } from "./scans.js";

const SCALE =
  "Attenuation is read as LoDoPaB's: clip((HU · 19.98/1000 + 20)/81.35858, 0, 1); uint16 counts as value / 65535.";

/**
 * Images in [0, 1] from an array of shape [size, size] or [n, size, size].
 *
 * @param name  command and file, for errors
 * @throws shape; data if the dtype is not uint16 or float, or a value is not finite or outside [0, 1]
 */
export function toImages(name: string, { shape, data }: NpyArray, size: number): Float32Array[] {
  const [height, width] = shape.slice(-2);
  if (!(shape.length === 2 || shape.length === 3) || height !== size || width !== size || data.length === 0) {
    throw new VouchError("shape", {
      name,
      expected: `[n, ${size}, ${size}] or [${size}, ${size}]`,
      got: `[${shape.join(", ")}]`,
      remedy: "Resample the images to this size.",
    });
  }
  const values = toFloats(name, data, 65535);
  const bad = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (bad >= 0) {
    throw new VouchError("data", {
      name,
      expected: "values in [0, 1]",
      got: `${values[bad]} at element ${bad}`,
      remedy: `Scale them. ${SCALE}`,
    });
  }
  return cut(values, size * size);
}

/**
 * Measurements d, one value a kept ray, from an array that `kindOf` calls sinograms.
 *
 * @throws data if the dtype is not a float, or a value is not finite
 */
export function toSinograms(name: string, { data }: NpyArray, ct: Tomography): Float32Array[] {
  const values = toFloats(name, data, undefined);
  return cut(values, ct.rays).map((full) => Float32Array.from(ct.kept, (ray) => full[ray]!));
}

/** What an array holds by its shape. @throws shape if neither */
export function kindOf(name: string, { shape }: NpyArray, ct: Tomography): "images" | "sinograms" {
  const { size, rays } = ct;
  const [views, detectors] = ct.sinogram;
  const [height, width] = shape.slice(-2);
  const stacked = shape.length === 2 || (shape.length === 3 && shape[0]! > 0);
  if (stacked && height === size && width === size) return "images";
  if (stacked && height === views && width === detectors) return "sinograms";
  if (shape.length === 1 && shape[0] === rays) return "sinograms";
  throw new VouchError("shape", {
    name,
    expected: `an image [${size}, ${size}] or a sinogram [${views}, ${detectors}], or several, [n, …], of ${scanInWords(describePapers(ct))}`,
    got: `[${shape.join(", ")}]`,
    remedy: "Resample the image, or give --image-size and --angles of the scan.",
  });
}

/** Finite float32 values; `counts`: what an unsigned 16-bit value is divided by, if they are accepted. */
function toFloats(name: string, data: NpyArray["data"], counts: number | undefined): Float32Array {
  if (data instanceof Uint16Array && counts !== undefined) return Float32Array.from(data, (value) => value / counts);
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw new VouchError("data", {
      name,
      expected: counts === undefined ? "float32 or float64" : "float32, float64 or uint16",
      got: data.constructor.name.replace("Array", "").toLowerCase(),
      remedy: 'Save a.astype("<f4") in the scale of the model.',
    });
  }
  const bad = data.findIndex((value: number) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new VouchError("data", {
      name,
      expected: "finite values",
      got: `${data[bad]} at element ${bad}`,
      remedy: "Remove or repair the values.",
    });
  }
  return Float32Array.from(data);
}

function cut(values: Float32Array, length: number): Float32Array[] {
  return Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length));
}

export interface Collection {
  readonly slices: readonly Slice[];
  /** Patients known by name; otherwise each slice counts as its own. */
  readonly known: boolean;
  /** Patients by use, where a split file says so, or the images' own files. */
  readonly split?: z.infer<typeof splits>;
}

const ids = z.object({ items: z.array(z.object({ patient: z.string() })) });
const sides = z.array(z.string());
const splits = z.object({ test: sides, calibration: sides, training: sides.optional(), validation: sides.optional() });

/** A patient who is not known: the slice counts as its own. */
const UNKNOWN = /^unknown\b/i;

/**
 * Images of a file with its patients (X.json, `items[].patient`, or what the file itself says) and its split (X.split.json, or
 * LoDoPaB's parts).
 *
 * @param options.split  another split file
 * @param options.use    of files for several uses, those that are read
 * @throws file, format, shape, data, named `name` and the file
 */
export async function readCollection(
  name: string,
  path: string,
  { size, split, use }: { readonly size: number; readonly split?: string | undefined; readonly use?: Use },
): Promise<Collection> {
  const what = "images (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB, or a folder)";
  const array = await readArray(name, path, { what, size, members: ["images"], ...(use ? { use } : {}) });
  const images = toImages(`${name} ${path}`, array, size);
  const idFile = beside(path, "json");
  const patients = existsSync(idFile)
    ? (await readJson(name, idFile, ids, "items with a patient each")).items.map(({ patient }) => patient)
    : array.patients;
  if (patients && patients.length !== images.length) {
    throw new VouchError("shape", {
      name: `${name} ${idFile}`,
      expected: `${images.length} items, one a slice`,
      got: `${patients.length}`,
      remedy: "Use the ids that came with the images.",
    });
  }
  const named = patients?.map((patient) => (UNKNOWN.test(patient) ? undefined : patient));
  const slices = images.map((image, index) => ({ image, patient: named?.[index] ?? `slice ${index}`, index }));
  const known = named?.every((patient) => patient !== undefined) ?? false;
  const splitFile = split ?? beside(path, "split.json");
  if (split !== undefined || existsSync(splitFile)) {
    const read = await readJson(name, splitFile, splits, "lists of test and calibration patients");
    requireDisjoint(`${name} ${splitFile}`, read);
    return { slices, known, split: read };
  }
  if (!array.uses) return { slices, known };
  const patientsFor = (one: Use) => [
    ...new Set(slices.flatMap(({ patient }, i) => (array.uses![i] === one ? [patient] : []))),
  ];
  const own = { training: patientsFor("training"), calibration: patientsFor("calibration"), test: patientsFor("test") };
  requireDisjoint(`${name} ${path}`, own);
  return { slices, known, split: own };
}

/** No patient is on two sides of a split: slices of one body are near copies. @throws data, naming the patient */
function requireDisjoint(name: string, split: Readonly<Record<string, readonly string[] | undefined>>): void {
  const side = new Map<string, string>();
  for (const [use, patients] of Object.entries(split)) {
    for (const patient of new Set(patients)) {
      const other = side.get(patient);
      side.set(patient, use);
      if (other === undefined) continue;
      throw new VouchError("data", {
        name,
        expected: "each patient on one side of the split",
        got: `${patient} in ${other} and in ${use}`,
        remedy: "Take the patient out of one: slices of one body are near copies.",
      });
    }
  }
}

/** Of an image at the top of the scale, 3071 HU, in this share of its pixels, the scale is wrong. Of 1900 real slices none has 0.3 %. */
const SATURATED = 0.2;
/** Of a sinogram at its largest value in this share of its rays, the detector's range was too small. */
const CLIPPED = 0.1;

/**
 * Images with something in them.
 *
 * @throws data, with its number, if an image is one value everywhere, or at the top of the scale in a fifth of its pixels
 */
export function requireContent(name: string, images: readonly Float32Array[]): void {
  images.forEach((image, n) => {
    requireVaried(name, "image", image, n);
    const top = image.filter((value) => value >= 1).length / image.length;
    if (top < SATURATED) return;
    throw new VouchError("data", {
      name,
      expected: "images that are not saturated",
      got: `the value 1 in ${Math.round(100 * top)} % of image ${n}`,
      remedy: `Check their scale. ${SCALE}`,
    });
  });
}

/** Sinograms with something in them. @throws data, with its number, if one is one value everywhere, or clipped at its largest */
export function requireSignal(name: string, sinograms: readonly Float32Array[]): void {
  sinograms.forEach((d, n) => {
    requireVaried(name, "sinogram", d, n);
    const most = d.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const top = d.filter((value) => value === most).length / d.length;
    if (top < CLIPPED) return;
    throw new VouchError("data", {
      name,
      expected: "sinograms that are not saturated",
      got: `${most} in ${Math.round(100 * top)} % of the rays of sinogram ${n}`,
      remedy: "Measure again with more dose, or leave the clipped rays out of the scan.",
    });
  });
}

function requireVaried(name: string, what: string, values: Float32Array, n: number): void {
  if (values.some((value) => value !== values[0])) return;
  throw new VouchError("data", {
    name,
    expected: `${what}s that are not blank`,
    got: `${values[0]} everywhere in ${what} ${n}`,
    remedy: "Leave it out.",
  });
}

/** The JSON of a file, checked. @throws file, format, named `name` and the file */
export async function readJson<T>(name: string, path: string, schema: z.ZodType<T>, what: string): Promise<T> {
  return within(`${name} ${path}`, async () => {
    const bytes = await readBundled(path, what);
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder().decode(bytes));
    } catch (error) {
      throw new VouchError("format", {
        name,
        expected: `${what}, in JSON`,
        got: error instanceof Error ? error.message : String(error),
        remedy: "Write the file again.",
      });
    }
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new VouchError("format", {
      name,
      expected: what,
      got: `${issue!.message}${issue!.path.length > 0 ? ` at ${issue!.path.join(".")}` : ""}`,
      remedy: "Write the file again.",
    });
  });
}
