/** @file Images and sinograms from files, checked against the scale, with the patients they came from. */

import { existsSync } from "node:fs";
import { z } from "zod";
import type { Slice } from "../src/applications/ct/select.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { VouchError } from "../src/errors.js";
import type { NpyArray } from "../src/files/npy.js";
import { readArray } from "./arrays.js";
import { within } from "./errors.js";
import { readBundled } from "./model-bundle.js";
import { beside } from "./paths.js";

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
    expected: `an image [${size}, ${size}] or a sinogram [${views}, ${detectors}], or several, [n, …]`,
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
  /** Patients by use, where a split file says so. */
  readonly split?: { readonly test: readonly string[]; readonly calibration: readonly string[] };
}

const ids = z.object({ items: z.array(z.object({ patient: z.string() })) });
const splits = z.object({ test: z.array(z.string()), calibration: z.array(z.string()) });

/**
 * Images of a file with its patients (X.json, `items[].patient`) and its split (X.split.json), where they are.
 *
 * @param options.split  another split file
 * @throws file, format, shape, data, named `name` and the file
 */
export async function readCollection(
  name: string,
  path: string,
  { size, split }: { readonly size: number; readonly split?: string | undefined },
): Promise<Collection> {
  const images = toImages(
    `${name} ${path}`,
    await readArray(name, path, "images (.npy, .png, or a folder of .png)"),
    size,
  );
  const idFile = beside(path, "json");
  const splitFile = split ?? beside(path, "split.json");
  const patients = existsSync(idFile)
    ? (await readJson(name, idFile, ids, "items with a patient each")).items.map(({ patient }) => patient)
    : undefined;
  if (patients && patients.length !== images.length) {
    throw new VouchError("shape", {
      name: `${name} ${idFile}`,
      expected: `${images.length} items, one a slice`,
      got: `${patients.length}`,
      remedy: "Use the ids that came with the images.",
    });
  }
  const slices = images.map((image, index) => ({ image, patient: patients?.[index] ?? `slice ${index}`, index }));
  const known = patients !== undefined;
  if (split === undefined && !existsSync(splitFile)) return { slices, known };
  return { slices, known, split: await readJson(name, splitFile, splits, "lists of test and calibration patients") };
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
