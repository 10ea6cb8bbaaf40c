/** @file Training and test examples: images measured with seeded noise. */

import { random } from "../../random.js";
import type { TrainingSet } from "../../training/dataset.js";
import { measure, noiseRadius } from "./measure.js";
import type { Tomography } from "./tomography.js";

/** Relative noise level of the papers: 1.5 % of the mean absolute measurement. */
export const NOISE_LEVEL = 0.015;

export interface Measurement {
  readonly d: Float32Array;
  /** δ_cert of d: the noise norm stays below it with probability 0.99. */
  readonly radius: number;
}

/** d = Au + 0.015·mean|Au|·ε with ε from the stream (seed, label), and its radius. */
export function simulate(ct: Tomography, image: ArrayLike<number>, seed: number, label: string): Measurement {
  const d = measure(ct.matrix, image, { level: NOISE_LEVEL, random: random(seed).fork(label), totalRows: ct.rays });
  return { d, radius: noiseRadius(d, { level: NOISE_LEVEL, totalRows: ct.rays }) };
}

export interface CtExamplesOptions {
  readonly seed: number;
}

/** Images as a training set; noise of image i in phase p comes from the stream (seed, "phase p image i"). */
export function ctExamples(ct: Tomography, images: readonly Float32Array[], { seed }: CtExamplesOptions): TrainingSet {
  const side = ct.size;
  const rows = ct.matrix.rows;
  let cached = { phase: Number.NaN, measured: new Map<number, Measurement>() };
  const measured = (index: number, phase: number) => {
    if (cached.phase !== phase) cached = { phase, measured: new Map() };
    const known = cached.measured.get(index) ?? simulate(ct, images[index]!, seed, `phase ${phase} image ${index}`);
    cached.measured.set(index, known);
    return known;
  };
  return {
    count: images.length,
    examples(indices, phase) {
      const batch = indices.length;
      const d = new Float32Array(batch * rows);
      const delta = new Float32Array(batch);
      const target = new Float32Array(batch * side * side);
      indices.forEach((index, row) => {
        const one = measured(index, phase);
        d.set(one.d, row * rows);
        delta[row] = one.radius;
        target.set(images[index]!, row * side * side);
      });
      return {
        data: { d: { shape: [batch, rows], data: d }, delta: { shape: [batch], data: delta } },
        target: { shape: [batch, 1, side, side], data: target },
      };
    },
  };
}
