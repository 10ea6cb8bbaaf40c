/** @file Filtered backprojection: the direct inversion of parallel-beam and fan-beam tomography. */

import { VouchError } from "../../errors.js";
import { detectorAt, type Geometry } from "./geometry.js";
import type { Tomography } from "./tomography.js";

/** τ² times tap n of the filter's impulse response, detectors τ apart; even in n. */
export type RampFilter = (n: number) => number;

/**
 * The ramp |f| up to the highest frequency the detectors carry.
 *
 *     h(0) = 1/4,  h(n) = −1/(πn)² for odd n,  0 for even n
 *
 * @source Ramachandran & Lakshminarayanan 1971; Kak & Slaney 1988, §3.3.3, eq. (61)
 */
export const ramLak: RampFilter = (n) => (n === 0 ? 1 / 4 : n % 2 === 0 ? 0 : -1 / (Math.PI * n) ** 2);

/**
 * The ramp times sinc(fτ): at the highest frequency 2/π of it is left.
 *
 *     h(n) = −2/(π²(4n² − 1))
 *
 * @source Shepp & Logan 1974
 */
export const sheppLogan: RampFilter = (n) => -2 / (Math.PI ** 2 * (4 * n * n - 1));

/** The ramp times ½(1 + cos 2πfτ): nothing is left at the highest frequency. h = ½h(n) + ¼(h(n−1) + h(n+1)) of Ram-Lak's h. */
export const hann: RampFilter = (n) => ramLak(n) / 2 + (ramLak(n - 1) + ramLak(n + 1)) / 4;

/** Degrees within which views are the same. */
const SAME = 1e-9;

/** The share of the median step between views from which a gap is missing views, not a step. */
const MISSING = 2;

/**
 * Filtered backprojection of one measurement.
 *
 *     p    = s R/D                                      the detector as it would stand on the axis, τ = spacing R/D
 *     g(p) = R/√(R² + p²) · line integral
 *     Q(p) = Σ_n h(n) g(p − nτ)/τ
 *     u(x) = Σ_k w_k (R/(R + ⟨x, e_b⟩))² Q_k(p_k(x)),   w_k = Δθ_k · π/turn
 *
 * with R → ∞ for parallel beams: then both factors are 1. Δθ_k, degrees, is half the steps to both neighbours; a step above twice
 * the median is taken for missing views and counts as the median. The sum over n is whole, so nothing wraps round; Q is
 * interpolated linearly. Not clipped: values may leave [0, 1]. Rays measured twice are averaged, dropped rays miss the image.
 *
 * @param d       as the scan measures, [rows]
 * @param filter  default Ram-Lak
 * @returns shape [size · size], row-major, in the units of the image
 * @throws shape, data; parameter if a fan's views do not go all round: then some lines are seen twice and some once
 * @source Kak & Slaney 1988, §3.3.3 and §3.4.2
 */
export function fbp(ct: Tomography, d: ArrayLike<number>, filter: RampFilter = ramLak): Float32Array {
  const { geometry, size } = ct;
  const { detectors, spacing, angles } = geometry;
  const weights = viewWeights(geometry);
  const lines = lineIntegrals(ct, d);
  // ⟨ray, central ray⟩ = R/√(R² + p²) and spacing/magnification = τ, whatever the beam.
  const central = geometry.view(0);
  const atAxis = central.magnification(0, 0);
  const cosines = Float64Array.from({ length: detectors }, (_, m) => central.ray(detectorAt(geometry, m)).dy);
  const taps = Float64Array.from({ length: detectors }, (_, n) => (filter(n) * atAxis) / spacing);
  const u = new Float64Array(size * size);
  for (let k = 0; k < angles.length; k++) {
    const g = cosines.map((cosine, m) => cosine * lines[k * detectors + m]!);
    backproject(geometry, k, filtered(g, taps), weights[k]! / atAxis ** 2, u);
  }
  return Float32Array.from(u);
}

/** Add weight · magnification² · Q at the shadow of each pixel; Q between detectors linearly, 0 beside them. */
function backproject(geometry: Geometry, k: number, Q: Float64Array, weight: number, u: Float64Array): void {
  const { size, pixel, centre, spacing, detectors } = geometry;
  const { shadow, magnification } = geometry.view((geometry.angles[k]! * Math.PI) / 180);
  const first = detectorAt(geometry, 0);
  for (let i = 0; i < size; i++) {
    const x = centre[0] + (i - (size - 1) / 2) * pixel;
    for (let j = 0; j < size; j++) {
      const y = centre[1] + (j - (size - 1) / 2) * pixel;
      const at = (shadow(x, y) - first) / spacing;
      const m = Math.floor(at);
      if (m < 0 || m + 1 >= detectors) continue;
      u[i * size + j]! += weight * magnification(x, y) ** 2 * (Q[m]! + (at - m) * (Q[m + 1]! - Q[m]!));
    }
  }
}

/**
 * The line integrals that rays of the geometry measured, [views · detectors]: rows times what they were divided by, the mean where
 * several rows are one ray, 0 where none is.
 *
 * @throws shape, data
 */
export function lineIntegrals(ct: Tomography, d: ArrayLike<number>): Float64Array {
  const { detectors } = ct.geometry;
  if (d.length !== ct.matrix.rows) {
    const remedy = "Pass the measurement of one slice, made with this scan.";
    throw new VouchError("shape", { name: "fbp", expected: `[${ct.matrix.rows}]`, got: `[${d.length}]`, remedy });
  }
  const sums = new Float64Array(ct.sinogram[0] * detectors);
  const counts = new Int32Array(sums.length);
  ct.kept.forEach((place, row) => {
    const [view, m] = [Math.floor(place / ct.sinogram[1]), place % ct.sinogram[1]];
    const ray = view * detectors + ct.reads[m]!;
    sums[ray]! += d[row]! * ct.norms[row]!;
    counts[ray]!++;
  });
  const bad = sums.findIndex((sum) => !Number.isFinite(sum));
  if (bad >= 0) {
    const got = `${sums[bad]} in view ${Math.floor(bad / detectors)}`;
    const remedy = "Remove or repair the values.";
    throw new VouchError("data", { name: "fbp", expected: "finite measurements", got, remedy });
  }
  return sums.map((sum, ray) => sum / Math.max(1, counts[ray]!));
}

/** Radians that each view stands for. */
function viewWeights({ angles, turn, name }: Geometry): Float64Array {
  const around = Array.from(angles, (angle) => ((angle % turn) + turn) % turn);
  const order = around.map((_, k) => k).sort((a, b) => around[a]! - around[b]!);
  const step = (n: number) => {
    const [from, to] = [around[order[n]!]!, around[order[(n + 1) % order.length]!]!];
    return n + 1 < order.length ? to - from : to + turn - from;
  };
  const steps = order.map((_, n) => step(n));
  const widest = Math.max(...steps);
  const sorted = steps.filter((gap) => gap > SAME).sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const missing = (gap: number) => gap > MISSING * median;
  if (turn === 360 && missing(widest)) {
    throw new VouchError("parameter", {
      name: "fbp",
      expected: `views all round for a ${name}`,
      got: `none for ${widest.toFixed(1)} degrees`,
      remedy: "Reconstruct by tv: a model needs no weights for lines seen twice.",
    });
  }
  const counted = steps.map((gap) => (missing(gap) ? median : gap));
  const weights = new Float64Array(angles.length);
  order.forEach((k, n) => {
    const before = counted[(n + counted.length - 1) % counted.length]!;
    weights[k] = (((counted[n]! + before) / 2) * Math.PI) / turn;
  });
  return weights;
}

/** Σ_n taps[|m − n|] g[n]. */
function filtered(g: Float64Array, taps: Float64Array): Float64Array {
  return g.map((_, m) => {
    let sum = 0;
    for (let n = 0; n < g.length; n++) sum += taps[Math.abs(m - n)]! * g[n]!;
    return sum;
  });
}
