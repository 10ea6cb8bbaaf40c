/** @file CT operators as linear operators: rows of unit norm or plain, rays that miss the image left out. */

import type { Csr } from "../../linear/csr.js";
import { dropZeroRows, normalizeRows } from "../../linear/csr.js";
import type { LinearOperator } from "../../linear/linear.js";
import { sparse } from "../../linear/sparse.js";
import type { Geometry } from "./geometry.js";
import { projector } from "./projector.js";
import { parallelBeam } from "./radon.js";

export interface Tomography {
  /** Where pixels, rays and detectors are. */
  readonly geometry: Geometry;
  /** Image side in pixels. */
  readonly size: number;
  /** Rays of the full sinogram, zero rows included. */
  readonly rays: number;
  /** Views × detectors of the full sinogram. */
  readonly sinogram: readonly [views: number, detectors: number];
  /** Detector of the geometry that each detector of the sinogram reads. */
  readonly reads: Int32Array;
  /** Full-sinogram index of each row of the operator. */
  readonly kept: Int32Array;
  /** Rows of the operator, float32. */
  readonly matrix: Csr;
  /** What each row was divided by. */
  readonly norms: Float64Array;
  /** x [N, 1, size, size] → [N, rows]. */
  readonly operator: LinearOperator;
}

export interface TomographyOptions {
  readonly size?: number;
  readonly angles?: number;
}

/** A matrix with its rows divided by `norms`, one a row. */
export type RowScale = (matrix: Csr) => { readonly matrix: Csr; readonly norms: Float64Array };

/** Rows of unit Euclidean norm, as the papers have them: no ray weighs more than another. */
export const unitRows: RowScale = normalizeRows;

/** Rows as they are: measurements are line integrals. */
export const plainRows: RowScale = (matrix) => ({ matrix, norms: new Float64Array(matrix.rows).fill(1) });

/** Largest side of the square image tiles that become dense blocks. */
const TILE = 8;

/** The papers' parallel-beam tomography, see `parallelBeam`, with rows of unit norm. @source Heaton & Wu Fung 2023, CT experiment */
export function tomography({ size = 128, angles = 30 }: TomographyOptions = {}): Tomography {
  const { matrix, reads, detectors, geometry } = parallelBeam({ size, angles });
  return assemble(geometry, unitRows(matrix), [angles, detectors], reads);
}

/** Tomography of a geometry, by exact lengths of its rays in the pixels, see `projector`. */
export function tomographyOf(geometry: Geometry, rows: RowScale = plainRows): Tomography {
  const { angles, detectors } = geometry;
  const reads = Int32Array.from({ length: detectors }, (_, m) => m);
  return assemble(geometry, rows(projector(geometry)), [angles.length, detectors], reads);
}

/** A scan of an operator of one's own: its rows, what they were divided by, and their places in the sinogram. */
export function scanOf(scan: Omit<Tomography, "size" | "rays" | "operator">): Tomography {
  const { geometry, sinogram, matrix } = scan;
  const { size } = geometry;
  return {
    ...scan,
    size,
    rays: sinogram[0] * sinogram[1],
    operator: sparse(`${geometry.name} ${size}², ${sinogram[0]} views`, matrix, {
      domain: ["N", 1, size, size],
      groups: imageTiles(size),
    }),
  };
}

function assemble(
  geometry: Geometry,
  scaled: ReturnType<RowScale>,
  sinogram: Tomography["sinogram"],
  reads: Int32Array,
): Tomography {
  const { matrix, kept } = dropZeroRows(scaled.matrix);
  const norms = Float64Array.from(kept, (row) => scaled.norms[row]!);
  return scanOf({ geometry, sinogram, reads, kept, matrix, norms });
}

function imageTiles(size: number): Int32Array[] {
  const side = Array.from({ length: TILE }, (_, i) => TILE - i).find((n) => size % n === 0)!;
  const across = size / side;
  return Array.from({ length: across * across }, (_, b) => {
    const [row, column] = [Math.floor(b / across) * side, (b % across) * side];
    return Int32Array.from(
      { length: side * side },
      (_, i) => (row + Math.floor(i / side)) * size + column + (i % side),
    );
  });
}
