/** @file Scans that are not what the model was told: noise, geometry, metal; and their measurements. */

import { type Measurement, NOISE_LEVEL } from "../src/applications/ct/examples.js";
import { measure, noiseRadius } from "../src/applications/ct/measure.js";
import { parallelBeam } from "../src/applications/ct/radon.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { type Csr, csrRows, normalizeRows } from "../src/linear/csr.js";
import type { Random } from "../src/random.js";

/** What really happens where the model believes in its own scan. */
export interface Scan {
  /** Rows as the true geometry has them, scaled by the norms of the stated one. */
  readonly matrix: Csr;
  /** Relative noise. */
  readonly level: number;
  /** What is in the scanner. */
  readonly object: (image: Float32Array) => Float32Array;
}

/** Metal: a disc three times as dense as the box of the model allows; pixels. */
const METAL = { row: 64, column: 48, radius: 3, value: 3 };

/** The scans of the power bench by the key of their figure. */
export function scans(ct: Tomography): Record<string, Scan> {
  const { norms } = normalizeRows(parallelBeam({ size: ct.size, angles: ct.sinogram[0] }).matrix);
  const stated: Scan = { matrix: ct.matrix, level: NOISE_LEVEL, object: (image) => image };
  const turned = (offset: (view: number) => number): Scan => {
    const { matrix } = parallelBeam({ size: ct.size, angles: ct.sinogram[0], offset });
    return {
      ...stated,
      matrix: scaled(
        csrRows(matrix, ct.kept),
        Float64Array.from(ct.kept, (ray) => norms[ray]!),
      ),
    };
  };
  return {
    false_alarms: stated,
    power_noise_x2: { ...stated, level: 2 * NOISE_LEVEL },
    power_angle_half: turned(() => 0.5),
    power_angle_1: turned(() => 1),
    power_angle_2: turned(() => 2),
    power_every_other_angle_1: turned((view) => view % 2),
    power_shift_pixel: { ...stated, matrix: shifted(ct) },
    power_metal: { ...stated, object: (image) => withMetal(image, ct.size) },
  };
}

/** d with the radius that the stated noise level implies. */
export function scanned(
  ct: Tomography,
  { matrix, level, object }: Scan,
  image: Float32Array,
  random: Random,
): Measurement {
  const d = measure(matrix, object(image), { level, random, totalRows: ct.rays });
  return { d, radius: noiseRadius(d, { level: NOISE_LEVEL, totalRows: ct.rays }) };
}

function scaled(matrix: Csr, by: Float64Array): Csr {
  const values = Float32Array.from(matrix.values);
  for (let r = 0; r < matrix.rows; r++) {
    for (let e = matrix.indptr[r]!; e < matrix.indptr[r + 1]!; e++) values[e]! /= by[r]!;
  }
  return { ...matrix, values };
}

/** Each detector reads what its neighbour should. */
function shifted({ matrix, kept, sinogram }: Tomography): Csr {
  const rowOf = new Map(Array.from(kept, (ray, row) => [ray, row]));
  // At the edge of a view there is no neighbour: those rays miss the object.
  const from = Int32Array.from(kept, (ray, row) => (ray % sinogram[1] > 0 ? (rowOf.get(ray - 1) ?? row) : row));
  return csrRows(matrix, from);
}

function withMetal(image: Float32Array, size: number): Float32Array {
  const { row, column, radius, value } = METAL;
  return image.map((v, i) => (Math.hypot(Math.floor(i / size) - row, (i % size) - column) <= radius ? value : v));
}
