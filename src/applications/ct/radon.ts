/** @file Parallel-beam CT operator of the papers, in closed form. */

import { VouchError } from "../../errors.js";
import type { Csr } from "../../linear/csr.js";
import { evenAngles, type Geometry, parallelGeometry } from "./geometry.js";

/** Geometry of the scan; lengths are in pixels of the image. */
export interface BeamOptions {
  /** Image is size × size pixels. Default 128. */
  readonly size?: number;
  /** Number of angles, at (k + ½)·180/angles degrees. Default 30. */
  readonly angles?: number;
  /** Degrees added to the angle of each view: a scanner that is not where it says. Default 0 for every view. */
  readonly offset?: (view: number) => number;
  /** Number of detectors. Default 2⌈size/√2⌉ + 1, which is 183 for size 128. */
  readonly detectors?: number;
}

export interface ParallelBeam {
  /** Raw line sums: row = angle · detectors + detector, column = i · size + j. Rows that miss the image are empty. */
  readonly matrix: Csr;
  /** Degrees, increasing. */
  readonly angles: Float64Array;
  readonly detectors: number;
  readonly size: number;
  /** The lines that are summed: D detectors, one pixel wide; a pixel counts as 1 mm. */
  readonly geometry: Geometry;
  /** Line that each detector reads. */
  readonly reads: Int32Array;
}

/**
 * Radon transform of a size × size image u[i, j] by parallel beams.
 *
 *     D = ⌈√2 size⌉, o = ⌊D/2⌋, the image is rotated by a quarter turn and padded to D × D with its centre at o
 *     line(θ, c) = Σ_r bilinear sample at (x, y) = (o + (c−o)cos θ + (r−o)sin θ, o − (c−o)sin θ + (r−o)cos θ)
 *     detector m of M reads line ⌈(2m + 1)D / 2M⌉ − 1, the nearest, ties to the lower
 *
 * so pixel (i, j) projects to c − o = (i − ⌊size/2⌋)cos θ + (j − size + 1 + ⌊size/2⌋)sin θ. Rows are not normalised.
 * At size 128: D = 182, 27 before the image, o = 91; detectors 90 and 91 both read line 90.
 *
 * @throws parameter if size < 2, angles < 1, detectors < 1, or one is not an integer
 * @source Heaton & Wu Fung 2023, *CT image reconstruction*; ODL 0.7 `RayTransform`, scikit-image backend, whose matrix this is
 */
export function parallelBeam(options: BeamOptions = {}): ParallelBeam {
  const { size = 128, angles: count = 30, offset = () => 0 } = options;
  const detectors = options.detectors ?? 2 * Math.ceil(size * Math.SQRT1_2) + 1;
  requireInteger("size", size, 2);
  requireInteger("angles", count, 1);
  requireInteger("detectors", detectors, 1);
  const lines = Math.ceil(Math.SQRT2 * size);
  const angles = evenAngles(count).map((angle, view) => angle + offset(view));
  const reads = Int32Array.from(
    { length: detectors },
    (_, m) => Math.ceil(((2 * m + 1) * lines) / (2 * detectors)) - 1,
  );

  const indptr = new Int32Array(count * detectors + 1);
  const rows: Line[] = [];
  angles.forEach((angle, k) => {
    const line = sampler(size, lines, (angle * Math.PI) / 180);
    let row: Line = { indices: new Int32Array(), values: new Float32Array() };
    reads.forEach((c, m) => {
      if (c !== reads[m - 1]) row = line(c);
      rows.push(row);
      indptr[k * detectors + m + 1] = indptr[k * detectors + m]! + row.indices.length;
    });
  });
  const indices = new Int32Array(indptr[rows.length]!);
  const values = new Float32Array(indptr[rows.length]!);
  rows.forEach((row, r) => {
    indices.set(row.indices, indptr[r]!);
    values.set(row.values, indptr[r]!);
  });
  const matrix = { rows: rows.length, columns: size * size, indptr, indices, values };
  return { matrix, angles, detectors, size, geometry: linesOf(size, lines, angles), reads };
}

/** c − o and (i − ⌊size/2⌋, j − size + 1 + ⌊size/2⌋) as `Geometry` has them: half a pixel off its middle where a size is even. */
function linesOf(size: number, lines: number, angles: Float64Array): Geometry {
  const off = (length: number) => (length - 1) / 2 - Math.floor(length / 2);
  return parallelGeometry({ size, angles, detectors: lines, shift: off(lines), centre: [off(size), -off(size)] });
}

/** Weights up to this are rounding of an exact 0; the next smallest at size 128 is 6e-7. */
const rounding = 1e-12;

interface Line {
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/** Weights of the pixels in line c at angle θ (radians), summed in float64 and rounded once. */
function sampler(size: number, lines: number, theta: number): (c: number) => Line {
  const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
  const centre = Math.floor(lines / 2);
  const before = centre - Math.floor(size / 2);
  const weights = new Float64Array(size * size);
  const touched = new Int32Array(4 * lines);

  return (c) => {
    let count = 0;
    const add = (i: number, j: number, weight: number) => {
      if (i < 0 || i >= size || j < 0 || j >= size || weight === 0) return;
      const column = i * size + j;
      if (weights[column] === 0) touched[count++] = column;
      weights[column]! += weight;
    };
    for (let r = 0; r < lines; r++) {
      const x = centre + (c - centre) * cos + (r - centre) * sin;
      const y = centre - (c - centre) * sin + (r - centre) * cos;
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [x - x0, y - y0];
      // Quarter turn: the padded image at (x, y) is u[x − before, size − 1 − (y − before)].
      const [i, j] = [x0 - before, size - 1 - (y0 - before)];
      add(i, j, (1 - fx) * (1 - fy));
      add(i + 1, j, fx * (1 - fy));
      add(i, j - 1, (1 - fx) * fy);
      add(i + 1, j - 1, fx * fy);
    }
    const columns = touched.slice(0, count).sort();
    const indices = columns.filter((column) => weights[column]! > rounding);
    const values = Float32Array.from(indices, (column) => weights[column]!);
    for (const column of columns) weights[column] = 0;
    return { indices, values };
  };
}

function requireInteger(option: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new VouchError("parameter", {
    name: "parallelBeam",
    expected: `${option} an integer ≥ ${least}`,
    got: String(value),
    remedy: "The papers use size 128 and angles 30.",
  });
}
