/** @file The papers' CT operator as a linear operator: 30 views, unit rows, zero rows left out. */

import type { Csr } from "../../linear/csr.js";
import { dropZeroRows, normalizeRows } from "../../linear/csr.js";
import type { LinearOperator } from "../../linear/linear.js";
import { sparse } from "../../linear/sparse.js";
import { parallelBeam } from "./radon.js";

export interface Tomography {
  /** Image side in pixels. */
  readonly size: number;
  /** Rays of the full sinogram, zero rows included. */
  readonly rays: number;
  /** Views × detectors of the full sinogram. */
  readonly sinogram: readonly [views: number, detectors: number];
  /** Full-sinogram index of each row of the operator. */
  readonly kept: Int32Array;
  /** Rows of the operator, unit norm, float32. */
  readonly matrix: Csr;
  /** x [N, 1, size, size] → [N, rows]. */
  readonly operator: LinearOperator;
}

export interface TomographyOptions {
  readonly size?: number;
  readonly angles?: number;
}

/** Side of the square image tiles that become dense blocks. */
const TILE = 8;

/** Parallel-beam tomography with rows of unit norm; rays that miss the image are left out. @source Heaton & Wu Fung 2023, CT experiment */
export function tomography({ size = 128, angles = 30 }: TomographyOptions = {}): Tomography {
  const beam = parallelBeam({ size, angles });
  const { matrix, kept } = dropZeroRows(normalizeRows(beam.matrix).matrix);
  return scanOf({ size, sinogram: [beam.angles.length, beam.detectors], kept, matrix });
}

/** A scan of an operator of one's own: rows of unit norm, and their places in the sinogram. */
export function scanOf(scan: Pick<Tomography, "size" | "sinogram" | "kept" | "matrix">): Tomography {
  const { size, sinogram, matrix } = scan;
  return {
    ...scan,
    rays: sinogram[0] * sinogram[1],
    operator: sparse(`radon ${size}², ${sinogram[0]} views`, matrix, {
      domain: ["N", 1, size, size],
      groups: imageTiles(size),
    }),
  };
}

function imageTiles(size: number): Int32Array[] {
  const side = size % TILE === 0 ? TILE : 1;
  const across = size / side;
  return Array.from({ length: across * across }, (_, b) => {
    const [row, column] = [Math.floor(b / across) * side, (b % across) * side];
    return Int32Array.from(
      { length: side * side },
      (_, i) => (row + Math.floor(i / side)) * size + column + (i % side),
    );
  });
}
