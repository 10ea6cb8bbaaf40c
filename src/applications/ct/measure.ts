/** @file The papers' noise model, and the radius of the fidelity ball it implies. */

import { VouchError } from "../../errors.js";
import { type Csr, csrApply } from "../../linear/csr.js";
import type { Random } from "../../random.js";
import { chiSquareQuantile } from "./chi-square.js";

export interface NoiseOptions {
  /** Noise standard deviation relative to the mean measurement; the papers use 0.015. */
  readonly level: number;
  /** Rows of the scan the mean is taken over, dropped zero rows included (5490 in the papers). Default: the rows at hand. */
  readonly totalRows?: number;
}

/**
 * Measurements of an image with white noise scaled by their mean.
 *
 *     d = Au + σε,  σ = level · Σ|Au|/totalRows,  ε ~ N(0, I)
 *
 * @param matrix  A, shape [m, n]
 * @param image   u, shape [n]
 * @returns d, shape [m], data units; rounded to float32
 * @throws shape if the image has another length; data if Au is not finite; parameter if level < 0 or totalRows < m
 * @source Heaton & Wu Fung 2023, *CT image reconstruction* (1.5 %); swufung/WassersteinBasedProjections (mean-scaled)
 */
export function measure(
  matrix: Csr,
  image: ArrayLike<number>,
  options: NoiseOptions & { readonly random: Random },
): Float32Array {
  if (image.length !== matrix.columns) {
    throw new VouchError("shape", {
      name: "measure",
      expected: `[${matrix.columns}]`,
      got: `[${image.length}]`,
      remedy: "Pass one row-major image of the size the operator was built for.",
    });
  }
  const clean = csrApply(matrix, Float64Array.from(image));
  const sigma = deviation("measure", clean, options);
  return Float32Array.from(clean, (v) => v + sigma * options.random.normal());
}

/**
 * Radius δ of a ball about d that holds the noise-free measurements with the given probability, from d alone.
 *
 *     δ = σ̂ √q,  σ̂ = level · Σ|d|/totalRows,  P(χ²ₘ ≤ q) = probability
 *
 * σ̂ reads Σ|d| for Σ|Au|: it errs by a random part of relative size level · √m/totalRows (2e-4 in the papers, where √q itself
 * spreads by 1/√(2m) = 1e-2), and is too large, never too small on average, by about 0.8 · level · (share of beams below σ).
 *
 * @param d                    shape [m], from `measure` with the same level and totalRows
 * @param options.probability  in (0, 1). Default 0.99
 * @returns δ ≥ 0, data units, absolute; rounded up to a float32 value
 * @throws data if d is empty or not finite; parameter if level < 0, totalRows < m, or probability is outside (0, 1)
 * @source ‖σε‖²/σ² ~ χ²ₘ, with the noise model of `measure`
 */
export function noiseRadius(d: ArrayLike<number>, options: NoiseOptions & { readonly probability?: number }): number {
  const { probability = 0.99 } = options;
  if (!(probability > 0 && probability < 1)) {
    parameter("noiseRadius", "probability in (0, 1)", probability, "The default is 0.99.");
  }
  const sigma = deviation("noiseRadius", d, options);
  return roundUp(sigma * Math.sqrt(chiSquareQuantile(probability, d.length)));
}

function deviation(name: string, data: ArrayLike<number>, { level, totalRows = data.length }: NoiseOptions): number {
  if (!(level >= 0 && Number.isFinite(level))) parameter(name, "level ≥ 0", level, "The papers use 0.015.");
  if (!Number.isInteger(totalRows) || totalRows < data.length) {
    parameter(name, `totalRows an integer ≥ ${data.length}`, totalRows, "Count the dropped zero rows too.");
  }
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]!);
  if (data.length === 0 || !Number.isFinite(sum)) {
    const remedy = "Check the image and the matrix for NaN and Inf.";
    throw new VouchError("data", {
      name,
      expected: "finite measurements",
      got: `Σ|·| = ${sum} over ${data.length}`,
      remedy,
    });
  }
  return (level * sum) / totalRows;
}

/** The least float32 value ≥ v, for v ≥ 0. */
function roundUp(v: number): number {
  const rounded = new Float32Array([v]);
  if (rounded[0]! < v) new Int32Array(rounded.buffer)[0]! += 1;
  return rounded[0]!;
}

function parameter(name: string, expected: string, got: number, remedy: string): never {
  throw new VouchError("parameter", { name, expected, got: String(got), remedy });
}
