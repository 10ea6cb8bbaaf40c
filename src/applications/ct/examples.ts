/** @file Training and test examples: images measured with seeded noise. */

import { random } from "../../random.js";
import type { TrainingSet } from "../../training/dataset.js";
import { measure, noiseRadius } from "./measure.js";
import type { Tomography } from "./tomography.js";
import { varied } from "./vary.js";

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

interface Example {
  readonly image: Float32Array;
  readonly measured: Measurement;
}

export interface CtExamplesOptions {
  readonly seed: number;
  /** Each phase sees its own variation of an image, see `varied`. Default false. */
  readonly vary?: boolean;
}

/** Images as a training set; noise of image i in phase p comes from the stream (seed, "phase p image i"). */
export function ctExamples(
  ct: Tomography,
  images: readonly Float32Array[],
  { seed, vary = false }: CtExamplesOptions,
): TrainingSet {
  const side = ct.size;
  const rows = ct.matrix.rows;
  let cached = { phase: Number.NaN, examples: new Map<number, Example>() };
  const example = (index: number, phase: number): Example => {
    if (cached.phase !== phase) cached = { phase, examples: new Map() };
    const known = cached.examples.get(index);
    if (known) return known;
    const label = `phase ${phase} image ${index}`;
    const image = vary ? varied(images[index]!, side, random(seed).fork("vary").fork(label)) : images[index]!;
    const made = { image, measured: simulate(ct, image, seed, label) };
    cached.examples.set(index, made);
    return made;
  };
  return {
    count: images.length,
    examples(indices, phase) {
      const batch = indices.length;
      const d = new Float32Array(batch * rows);
      const delta = new Float32Array(batch);
      const target = new Float32Array(batch * side * side);
      indices.forEach((index, row) => {
        const { image, measured } = example(index, phase);
        d.set(measured.d, row * rows);
        delta[row] = measured.radius;
        target.set(image, row * side * side);
      });
      return {
        data: { d: { shape: [batch, rows], data: d }, delta: { shape: [batch], data: delta } },
        target: { shape: [batch, 1, side, side], data: target },
      };
    },
  };
}
