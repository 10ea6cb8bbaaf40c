/** @file Fixed points whose gradients are compared: the implicit dictionary, CT and contractions, each small and at work. */

import { Matrix, QrDecomposition } from "ml-matrix";
import { ctExamples } from "../src/applications/ct/examples.js";
import { learnedConvex } from "../src/applications/ct/models.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { dictionaryProblem, signals } from "../src/applications/dictionary/data.js";
import { implicitDictionary } from "../src/applications/dictionary/model.js";
import { pairs } from "../src/applications/dictionary/train.js";
import { implicit } from "../src/backward/implicit.js";
import { jfb } from "../src/backward/jfb.js";
import { neumann } from "../src/backward/neumann.js";
import { phantom } from "../src/backward/phantom.js";
import type { BackwardRule } from "../src/backward/rule.js";
import { unrolled } from "../src/backward/unrolled.js";
import { define, type Model, type Weights } from "../src/model.js";
import { random } from "../src/random.js";
import { inner, norm } from "../src/sets/set.js";
import { zeros } from "../src/tensor/primitives/broadcast.js";
import { add, div, max, sub } from "../src/tensor/primitives/elementwise.js";
import { matmul } from "../src/tensor/primitives/matmul.js";
import type { Tensor } from "../src/tensor/tensor.js";
import type { TrainingSet } from "../src/training/dataset.js";

export interface GradientProblem {
  readonly model: Model;
  readonly weights: Weights;
  readonly set: TrainingSet;
  /** Relaxation with which T reaches its fixed point soonest. */
  readonly relaxation: number;
}

/** The implicit dictionary, eq. (16), at its initial weights. */
export function dictionaryGradient(sizes: { m: number; n: number; r: number }, count: number): GradientProblem {
  const problem = dictionaryProblem(3, sizes);
  const { x, d } = signals(problem, 2 * count, "train");
  const all = pairs(problem, { x, d });
  // A signal without atoms has x = 0 and no gradient.
  const present = Array.from({ length: 2 * count }, (_, k) => k).filter((k) =>
    d.subarray(k * sizes.m, (k + 1) * sizes.m).some((value) => value !== 0),
  );
  const model = implicitDictionary(problem);
  return {
    model,
    weights: model.initialWeights(),
    set: {
      count,
      examples: (indices, phase) =>
        all.examples(
          indices.map((i) => present[i]!),
          phase,
        ),
    },
    relaxation: 1,
  };
}

/** How far the CT weights are from their start, whose symmetric filters put the solution at kinks: N(0, 0.2²) an entry. */
const GENERIC = 0.2;

/** The learned convex CT model, eq. (17), at generic weights, on ellipses. */
export function ctGradient(
  options: { size: number; angles: number; filters: number; side: number },
  count: number,
): GradientProblem {
  const { size, angles, filters, side } = options;
  const ct = tomography({ size, angles });
  const images = Array.from({ length: count }, (_, i) => ellipses({ size, random: random(3).fork(i) }));
  const model = learnedConvex(ct, { count: filters, size: side, rho: 0.8 });
  const noise = random(5);
  const generic = Object.entries(model.initialWeights()).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.map((value) => value + GENERIC * noise.normal()) },
  ]);
  return {
    model,
    weights: Object.fromEntries(generic),
    set: ctExamples(ct, images, { seed: 1 }),
    relaxation: 1.9,
  };
}

/** Shrinking and angle (radians) of the planes of a contraction, in turn: from slow and straight to fast and turning. */
const PLANES = [
  [1, 0.05],
  [0.9, 1],
  [0.7, 2.5],
  [1, 0.3],
] as const;

/** T(z) = zW + b + d with W and b learned, ‖W‖₂ = γ at the start, an eigenvalue of W of that modulus; z of `size` numbers, even. */
export function contractionGradient(gamma: number, size: number, count: number): GradientProblem {
  const only = (z: unknown) => (z as { z: Tensor }).z;
  const draws = random(7);
  const normals = (label: string, length: number) => {
    const stream = draws.fork(label);
    return Float32Array.from({ length }, () => stream.normal());
  };
  const model = define({
    name: "contraction",
    params: {
      W: { shape: [size, size], init: () => turning(gamma, size, normals("basis", size * size)) },
      b: { shape: [size], init: () => normals("b", size) },
    },
    data: { d: ["N", size] },
    problem: () => ({}),
    split: (_, { W, b }, { d }) => ({
      name: "contraction",
      averagedness: (1 + gamma) / 2,
      init: () => ({ z: zeros(["N", size]) }),
      apply: (z) => ({ z: add(matmul(only(z), W), add(b, d)) }),
      read: only,
      residuals: (z, z1) => ({ z: div(norm(sub(only(z), only(z1))), max(norm(only(z1)), 1e-12)) }),
      conditions: () => [],
      metric: (z) => inner(only(z), only(z)),
    }),
  });
  const [d, target] = [normals("d", count * size), normals("target", count * size)];
  const rows = (array: Float32Array, indices: readonly number[]) => ({
    shape: [indices.length, size],
    data: Float32Array.from(indices.flatMap((i) => [...array.subarray(i * size, (i + 1) * size)])),
  });
  const set: TrainingSet = {
    count,
    examples: (indices) => ({ data: { d: rows(d, indices) }, target: rows(target, indices) }),
  };
  return { model, weights: model.initialWeights(), set, relaxation: 1 };
}

/** Rotations of planes, each shrunk, in an orthonormal basis made of `normals`. */
function turning(gamma: number, size: number, normals: Float32Array): Float32Array {
  const inPlanes = Matrix.zeros(size, size);
  for (let plane = 0; 2 * plane < size; plane++) {
    const [shrink, angle] = PLANES[plane % PLANES.length]!;
    const [cos, sin] = [gamma * shrink * Math.cos(angle), gamma * shrink * Math.sin(angle)];
    inPlanes.setSubMatrix(
      [
        [cos, -sin],
        [sin, cos],
      ],
      2 * plane,
      2 * plane,
    );
  }
  const generic = Matrix.from1DArray(size, size, Array.from(normals));
  const basis = new QrDecomposition(generic).orthogonalMatrix;
  return Float32Array.from(basis.mmul(inPlanes).mmul(basis.transpose()).to1DArray());
}

/** Of sizes that training meets: time and memory. */
export const atWork = {
  idm: () => dictionaryGradient({ m: 100, n: 250, r: 50 }, 32),
  ct: () => ctGradient({ size: 32, angles: 30, filters: 8, side: 3 }, 8),
  contraction: () => contractionGradient(0.9, 256, 64),
} as const;

/** The rules after so many iterations of the solver; those with an iteration of their own take as many. */
export const costRules = {
  jfb: () => jfb,
  implicit: (limit) => implicit({ tolerance: 0, limit }),
  neumann,
  phantom: () => phantom(5, 0.5),
  unrolled,
} as const satisfies Readonly<Record<string, (iterations: number) => BackwardRule>>;
