/** @file Line integrals of an image along the rays of a geometry, as a sparse matrix. */

import { VouchError } from "../../errors.js";
import type { Csr } from "../../linear/csr.js";
import { detectorAt, type Geometry, type Ray } from "./geometry.js";

/**
 * Lengths of the rays in the pixels.
 *
 *     A[k · detectors + m, i · size + j] = length in mm of ray (θ_k, s_m) within pixel (i, j)
 *
 * so Ax is the exact line integral of the piecewise constant image, in mm times the unit of x. A ray along the side between two
 * pixels counts in the one of larger index. Rays that miss the image have empty rows. One pass over the entries.
 *
 * @throws parameter if the matrix would have more than 2³¹ − 1 entries
 * @source Siddon 1985, *Fast calculation of the exact radiological path*; deviates: row by row of the image, because the
 *   columns of a row of A then come in order
 */
export function projector(geometry: Geometry): Csr {
  const { angles, detectors, size } = geometry;
  const rows = angles.length * detectors;
  const indptr = new Int32Array(rows + 1);
  let entries = { indices: new Int32Array(1024), values: new Float32Array(1024) };
  let count = 0;
  angles.forEach((degrees, k) => {
    const { ray } = geometry.view((degrees * Math.PI) / 180);
    for (let m = 0; m < detectors; m++) {
      // A straight line meets at most 2 size − 1 pixels.
      entries = withRoom(entries, count, 2 * size);
      count = trace(geometry, ray(detectorAt(geometry, m)), entries, count);
      indptr[k * detectors + m + 1] = count;
    }
  });
  const indices = entries.indices.slice(0, count);
  return { rows, columns: size * size, indptr, indices, values: entries.values.slice(0, count) };
}

interface Entries {
  readonly indices: Int32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
}

/** Lengths under this share of a pixel are rounding. */
const ROUNDING = 1e-9;

/** Write the pixels of a ray from position `at`, columns increasing; the position after them. */
function trace({ size, pixel, centre }: Geometry, ray: Ray, { indices, values }: Entries, at: number): number {
  // In pixels from the image's corner, run through so that y never falls.
  const turn = ray.dy < 0 ? -1 : 1;
  const [dx, dy] = [turn * ray.dx, turn * ray.dy];
  const x0 = (ray.x - centre[0]) / pixel + size / 2;
  const y0 = (ray.y - centre[1]) / pixel + size / 2;
  const [rows, columns] = [interval(x0, dx, size), interval(y0, dy, size)];
  const [first, last] = [Math.max(rows[0], columns[0]), Math.min(rows[1], columns[1])];
  if (!(last - first > ROUNDING)) return at;
  const [xa, xb] = [x0 + first * dx, x0 + last * dx];
  const high = clamp(Math.floor(Math.max(xa, xb)), size);
  for (let i = clamp(Math.floor(Math.min(xa, xb)), size); i <= high; i++) {
    // The t of the ray in row i, then, from t on, in one column after the other.
    let t = dx === 0 ? first : Math.max(first, (i + (dx > 0 ? 0 : 1) - x0) / dx);
    const leave = dx === 0 ? last : Math.min(last, (i + (dx > 0 ? 1 : 0) - x0) / dx);
    for (let j = clamp(Math.floor(y0 + t * dy), size); leave - t > ROUNDING; j++) {
      const next = dy === 0 || j === size - 1 ? leave : Math.min(leave, (j + 1 - y0) / dy);
      if (next - t > ROUNDING) {
        indices[at] = i * size + j;
        values[at++] = (next - t) * pixel;
        t = next;
      }
    }
  }
  return at;
}

/** The t for which 0 ≤ p + t d ≤ size; for d = 0, 0 ≤ p < size. */
function interval(p: number, d: number, size: number): readonly [number, number] {
  if (d === 0) return p >= 0 && p < size ? [-Infinity, Infinity] : [0, 0];
  const [a, b] = [-p / d, (size - p) / d];
  return a < b ? [a, b] : [b, a];
}

function clamp(index: number, size: number): number {
  return Math.min(size - 1, Math.max(0, index));
}

const MOST = 2 ** 31 - 1;

function withRoom(entries: Entries, count: number, more: number): Entries {
  if (count + more <= entries.indices.length) return entries;
  if (count + more > MOST) {
    throw new VouchError("parameter", {
      name: "projector",
      expected: `a matrix of at most ${MOST} entries`,
      got: "more",
      remedy: "Take fewer views or larger pixels.",
    });
  }
  const length = Math.min(MOST, 2 * (count + more));
  const indices = new Int32Array(length);
  const values = new Float32Array(length);
  indices.set(entries.indices.subarray(0, count));
  values.set(entries.values.subarray(0, count));
  return { indices, values };
}
