/** @file Training of a ReLU implicit model for its certificate: the loss is a bound of the worst cross-entropy. */

import type { EngineOptions, Float32 } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import { define, feedParams, type Model, type Param, type Weights } from "../../../model.js";
import { random } from "../../../random.js";
import { inner, norm } from "../../../sets/set.js";
import { interpret } from "../../../tensor/interpret.js";
import { reshape, sum, sumKeep, zeros } from "../../../tensor/primitives/broadcast.js";
import { abs, add, div, exp, log, max, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { transpose } from "../../../tensor/primitives/layout.js";
import { constant, stopGradient } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitOptions, fit } from "../../../training/fit.js";
import { cosineDecay, warmUp } from "../../../training/schedule.js";
import type { Loss } from "../../../training/squared-error.js";
import { dense } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";

export interface CertifiedSizes {
  /** Inputs p, states n, classes q. */
  readonly inputs: number;
  readonly states: number;
  readonly classes: number;
}

export interface CertifiedOptions extends CertifiedSizes {
  /** ‖A‖_∞ at most, in (0, 1). */
  readonly kappa: number;
  /** Every input may move by this much while training, ≥ 0. */
  readonly sigma: number;
  readonly seed: number;
}

/** Inputs in rows, each of a class. */
export interface LabelledRows {
  /** [count, inputs], row-major. */
  readonly rows: Float32Array;
  /** [count]. */
  readonly labels: ArrayLike<number>;
}

export const CERTIFIED_RECIPE = {
  kappa: 0.7,
  sigma: 2 / 255,
  epochs: 5,
  batch: 200,
  learningRate: 2e-3,
  seed: 1,
} as const;

/** Below this a state counts as zero in relative residuals. */
const TINY = 1e-12;

/**
 * The model as a fixed point of (x, s), x = φ(Ax + Bu + b) and s = |A|s + |B|1, read as the worst differences of outputs
 *
 *     W_yk = ŷ_k − ŷ_y + σ(|c_k − c_y|s + |d_k − d_y|1) ≥ max over |δ| ≤ σ of ŷ_k − ŷ_y          [N, q, q]
 *
 * Rows of A are scaled to an ℓ1 norm of at most κ, so that both parts contract in ‖·‖_∞ at any weights.
 *
 * @throws parameter if κ or σ is out of range, NaN included
 * @source El Ghaoui et al., Implicit Deep Learning, §5 (worst-case loss), with the sensitivity of Theorem 4.3 (SIAM J. Math. Data
 * Sci. 2021) in place of recourse
 */
export function certifiedClassifier(options: CertifiedOptions): Model {
  const { inputs: p, states: n, classes: q, sigma } = options;
  return define({
    name: "certified-classifier",
    params: classifierParams("certifiedClassifier", options),
    data: { u: ["N", p] },
    problem: () => ({}),
    split: (_, { A, B, C, D, b, d }, { u }) => {
      const drive = add(matmul(u, transposed(B)), b);
      const spread = reshape(sum(abs(B), [1]), [1, n]);
      const parts = (z: unknown) => z as { readonly x: Tensor; readonly s: Tensor };
      return {
        name: "certified-classifier",
        init: () => ({ x: zeros(["N", n]), s: zeros(["N", n]) }),
        apply: (z) => ({
          x: max(add(matmul(parts(z).x, transposed(A)), drive), 0),
          s: add(matmul(parts(z).s, transposed(abs(A))), spread),
        }),
        read: (z) => {
          const Y = add(add(matmul(parts(z).x, transposed(C)), matmul(u, transposed(D))), d);
          const moves = add(
            matmul(parts(z).s, transposed(abs(differencesOfRows(C)))),
            reshape(sum(abs(differencesOfRows(D)), [1]), [1, q * q]),
          );
          return add(differencesOfOutputs(Y), mul(sigma, reshape(moves, ["N", q, q])));
        },
        residuals: (z, z1) => ({
          x: relative(parts(z).x, parts(z1).x),
          s: relative(parts(z).s, parts(z1).s),
        }),
        conditions: () => [{ text: "‖A‖_∞ < 1", left: maximum(sum(abs(A), [1])), right: constant(1) }],
        metric: (z) => add(inner(parts(z).x, parts(z).x), inner(parts(z).s, parts(z).s)),
        averagedness: 1,
      };
    },
  });
}

/** A on ‖A‖_∞ ≤ κ, B, C, D, b, d of a classifier before training. @throws parameter if κ or σ is out of range, NaN included */
export function classifierParams(name: string, options: CertifiedOptions) {
  const { inputs: p, states: n, classes: q, kappa, sigma, seed } = options;
  if (!(kappa > 0 && kappa < 1 && sigma >= 0 && Number.isFinite(sigma))) {
    throw new VouchError("parameter", {
      name,
      expected: "κ in (0, 1) and σ finite and ≥ 0",
      got: `κ = ${kappa}, σ = ${sigma}`,
      remedy: "σ is in units of the inputs.",
    });
  }
  const draws = random(seed);
  const normal = (key: string, shape: readonly number[], deviation: number): Param => ({
    shape,
    init: () => {
      const stream = draws.fork(key);
      return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => deviation * stream.normal());
    },
  });
  return {
    A: { ...normal("A", [n, n], 0.5 / n), read: (raw: Tensor) => rowsWithin(raw, kappa) },
    B: normal("B", [n, p], Math.sqrt(2 / p)),
    C: normal("C", [q, n], Math.sqrt(1 / n)),
    D: normal("D", [q, p], 1e-3),
    b: normal("b", [n], 0),
    d: normal("d", [q], 0),
  };
}

/** Row k less row y of M [q, width], at y, k: [q², width]. */
export function differencesOfRows(M: Tensor): Tensor {
  const [q, width] = M.shape as [number, number];
  return reshape(sub(reshape(M, [1, q, width]), reshape(M, [q, 1, width])), [q * q, width]);
}

/** ŷ_k − ŷ_y of Y [N, q], at y, k: [N, q, q]. */
export function differencesOfOutputs(Y: Tensor): Tensor {
  const q = Y.shape[1]!;
  return sub(reshape(Y, ["N", 1, q]), reshape(Y, ["N", q, 1]));
}

/** log Σ_k e^{W_yk} at the label y: at least the cross-entropy of every perturbed input. */
export const certifiedCrossEntropy: Loss = (W, target) => {
  const [, q] = W.shape as ["N", number, number];
  const top = stopGradient(maximum(W, [2]));
  const powers = exp(sub(W, reshape(top, ["N", q, 1])));
  return sum(mul(sum(target, [2]), add(top, log(sum(powers, [2])))), [1]);
};

export interface TrainCertifiedOptions extends EngineOptions, Pick<FitOptions, "onStep" | "onPhase" | "signal"> {
  readonly training: LabelledRows;
  /** Chooses among the epochs, by the certified loss. */
  readonly validation?: LabelledRows;
  readonly states: number;
  readonly classes: number;
  readonly kappa?: number;
  readonly sigma?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed?: number;
}

/** Learn a model whose predictions are certified; options default to CERTIFIED_RECIPE. @throws convergence, parameter */
export async function trainCertified(options: TrainCertifiedOptions): Promise<ImplicitModel> {
  const { model, weights } = await fitClassifier(certifiedClassifier, options);
  return implicitOf(model, weights);
}

/** Weights of a classifier whose answer is W, by `certifiedCrossEntropy`. @throws convergence, parameter */
export async function fitClassifier(
  classifier: (options: CertifiedOptions) => Model,
  options: TrainCertifiedOptions,
): Promise<{ readonly model: Model; readonly weights: Weights }> {
  const { training, validation, states, classes, onStep, onPhase, signal, threads, device } = options;
  const { kappa, sigma, epochs, batch, learningRate, seed } = { ...CERTIFIED_RECIPE, ...options };
  const inputs = training.rows.length / training.labels.length;
  const model = classifier({ inputs, states, classes, kappa, sigma, seed });
  const { weights } = await fit(model, model.initialWeights(), labelled(training, classes), {
    optimizer: adam(),
    loss: certifiedCrossEntropy,
    learningRate: warmUp(50, cosineDecay(learningRate, 0.02 * learningRate)),
    ...{ batch, passes: 1, phases: epochs, seed },
    steps: { warm: 4, cold: 40, every: 4, tolerance: 1e-3 },
    ...(validation && { validation: labelled(validation, classes) }),
    ...(onStep && { onStep }),
    ...(onPhase && { onPhase }),
    ...(signal && { signal }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
  });
  return { model, weights };
}

/** The trained model as a record, with A as it is read. */
export function implicitOf(model: Model, weights: Weights): ImplicitModel {
  const { read } = model.trace();
  const [A] = interpret([read["A"]!], feedParams(weights));
  const part = (name: string) => {
    const { shape, data } = weights[name]!;
    return dense(shape[0]!, shape[1] ?? 1, Float64Array.from(data));
  };
  return implicitModel({
    A: dense(A!.shape[0]!, A!.shape[1]!, A!.data),
    ...{ B: part("B"), C: part("C"), D: part("D") },
    ...{ stateBias: part("b").data, outputBias: part("d").data },
    phi: [{ map: "relu", size: A!.shape[0]! }],
  });
}

/** Data u [n, p]; the target is 1 at [y, y] of [n, q, q]. */
function labelled({ rows, labels }: LabelledRows, q: number): TrainingSet {
  const p = rows.length / labels.length;
  return {
    count: labels.length,
    examples: (indices) => {
      const data = new Float32Array(indices.length * p);
      const target = new Float32Array(indices.length * q * q);
      indices.forEach((index, row) => {
        data.set(rows.subarray(index * p, (index + 1) * p), row * p);
        target[(row * q + labels[index]!) * q + labels[index]!] = 1;
      });
      const shaped = (shape: readonly number[], values: Float32Array): Float32 => ({ shape, data: values });
      return {
        data: { u: shaped([indices.length, p], data) },
        target: shaped([indices.length, q, q], target),
      };
    },
  };
}

/** Rows of A divided by max(1, ℓ1 norm / κ). */
function rowsWithin(A: Tensor, kappa: number): Tensor {
  return div(A, max(1, div(sumKeep(abs(A), [1]), kappa)));
}

export function relative(from: Tensor, to: Tensor): Tensor {
  return div(norm(sub(to, from)), max(norm(to), TINY));
}

export function transposed(W: Tensor): Tensor {
  return transpose(W, [1, 0]);
}
