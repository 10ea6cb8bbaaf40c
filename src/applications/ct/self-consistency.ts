/** @file Self-consistency: reconstruct from a random part of the views and test the rays of the others. No truth is needed. */

import type { Measured } from "../../certificates/measure.js";
import { VouchError } from "../../errors.js";
import { type Csr, csrApply, csrRows } from "../../linear/csr.js";
import type { Random } from "../../random.js";
import { type Measurement, NOISE_LEVEL } from "./examples.js";
import { someViews } from "./geometry.js";
import { noiseRadius } from "./measure.js";
import { scanOf, type Tomography } from "./tomography.js";

/** One scan cut in two by views. */
export interface Withheld {
  /** The scan of the views that are reconstructed from: what the model is made for. */
  readonly scan: Tomography;
  /** Rows of the whole operator, by part. */
  readonly used: Int32Array;
  readonly held: Int32Array;
  /** A of the held rays. */
  readonly operator: Csr;
  /** Views withheld, ascending. */
  readonly views: readonly number[];
}

/**
 * Withhold `count` views chosen by the stream, before any datum is seen.
 *
 * @throws parameter unless 0 < count < views of the scan
 */
export function withholdViews(ct: Tomography, count: number, random: Random): Withheld {
  const [views, detectors] = ct.sinogram;
  if (!(Number.isInteger(count) && count > 0 && count < views)) {
    throw new VouchError("parameter", {
      name: "withholdViews",
      expected: `a whole number of views, 0 < count < ${views}`,
      got: `${count}`,
      remedy: "A fifth of the views leaves the reconstruction nearly as it was.",
    });
  }
  const chosen = Array.from(random.permutation(views).subarray(0, count)).sort((a, b) => a - b);
  const withheld = new Set(chosen);
  const isHeld = (row: number) => withheld.has(Math.floor(ct.kept[row]! / detectors));
  const rows = Int32Array.from(ct.kept, (_, row) => row);
  const used = rows.filter((row) => !isHeld(row));
  const held = rows.filter(isHeld);
  // A ray's place in the sinogram of the used views alone.
  const place = new Map(
    Array.from({ length: views }, (_, v) => v)
      .filter((v) => !withheld.has(v))
      .map((v, i) => [v, i]),
  );
  const kept = Int32Array.from(used, (row) => {
    const ray = ct.kept[row]!;
    return place.get(Math.floor(ray / detectors))! * detectors + (ray % detectors);
  });
  const scan = scanOf({
    geometry: someViews(ct.geometry, [...place.keys()]),
    sinogram: [views - count, detectors],
    reads: ct.reads,
    kept,
    matrix: csrRows(ct.matrix, used),
    norms: Float64Array.from(used, (row) => ct.norms[row]!),
  });
  return { scan, used, held, operator: csrRows(ct.matrix, held), views: chosen };
}

/** The part of a measurement that is reconstructed from, with the noise radius of that part. */
export function usedPart({ scan, used }: Withheld, { d }: Measurement): Measurement {
  const part = Float32Array.from(used, (row) => d[row]!);
  return { d: part, radius: noiseRadius(part, { level: NOISE_LEVEL, totalRows: scan.rays }) };
}

/**
 * How far the withheld rays are from what an answer to the others predicts.
 *
 *     α = ‖A_h x − d_h‖ / ‖d_h‖,   x the answer to the used views
 *
 * Fidelity holds by construction of a constrained model; this does not: it sees geometry errors that the model can fit.
 * It sees no error that is invisible to all rays.
 *
 * @param x  row-major image, from a solve of `scan`
 */
export function heldOutRays({ operator, held }: Withheld, x: ArrayLike<number>, { d }: Measurement): Measured {
  const predicted = csrApply(operator, Float64Array.from(x));
  let [error, size] = [0, 0];
  for (let i = 0; i < predicted.length; i++) {
    const measured = d[held[i]!]!;
    error += (predicted[i]! - measured) ** 2;
    size += measured ** 2;
  }
  return { kind: "held-out rays", value: Math.sqrt(error) / Math.max(Math.sqrt(size), TINY) };
}

/** Keeps the division finite where nothing was measured; far below any datum. */
const TINY = 1e-30;
