/** @file Training of an implicit model in the shared engine, by any backward rule. */

import { jfb } from "../../../backward/jfb.js";
import type { BackwardRule } from "../../../backward/rule.js";
import type { Float32 } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import { reshape, sum } from "../../../tensor/primitives/broadcast.js";
import { add, exp, log, mul, sub } from "../../../tensor/primitives/elementwise.js";
import { stopGradient } from "../../../tensor/primitives/leaf.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitResult, fit } from "../../../training/fit.js";
import type { Optimizer } from "../../../training/optimizer.js";
import { type RunOptions, runOptions } from "../../../training/run-options.js";
import { constantRate, type Schedule } from "../../../training/schedule.js";
import { type Loss, squaredError } from "../../../training/squared-error.js";
import type { Dense } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import { orderOf } from "../state-matrix.js";
import type { Samples } from "../train/train-projected.js";
import { implicitLayer, layerModel } from "./implicit-layer.js";
import type { WellPosedSet } from "./well-posed-set.js";

export interface TrainLayerOptions extends RunOptions {
  /** Where A is put after each step. */
  readonly set: WellPosedSet;
  /** Default `jfb`. */
  readonly backward?: BackwardRule;
  /** Of ŷ; default `squaredError`, or `softmaxCrossEntropy` for classes. */
  readonly loss?: Loss;
  readonly optimizer?: Optimizer;
  /** Chooses among the epochs. */
  readonly validation?: Samples;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number | Schedule;
  /** Relative residual of x at which a training solve ends a sample. Default 1e-4. */
  readonly tolerance?: number;
  readonly seed?: number;
}

export interface TrainedLayer extends Pick<FitResult, "validation" | "stopped"> {
  readonly model: ImplicitModel;
}

/** Steps between tests of the residual. */
const EVERY = 4;

/**
 * Projected gradient on all parts in float32: A ← P(A − step), P the set's projection, by `jfb`, `implicit`, `neumann`, `phantom` or
 * `unrolled`. With `implicit` the gradient is that of `gradients` (a law), V = φ′(Z)ᵀ(VA + LC).
 *
 * @throws shape; convergence if the loss is not finite
 * @source El Ghaoui et al., eq. (3); 2021, Appendices G, H; Wu Fung et al. 2022 (JFB)
 */
export async function trainLayer(
  initial: ImplicitModel,
  training: Samples,
  options: TrainLayerOptions,
): Promise<TrainedLayer> {
  const { set, backward = jfb, loss = squaredError, optimizer = adam(), validation, tolerance = 1e-4 } = options;
  const { epochs, batch, learningRate, seed = 0 } = options;
  const layer = implicitLayer(initial, set);
  const cold = EVERY * Math.ceil(set.steps(orderOf(initial.A), tolerance) / EVERY);
  const { weights, ...result } = await fit(layer, layer.initialWeights(), rowsAsSet(training), {
    ...{ backward, loss, optimizer, batch, seed, passes: 1, phases: epochs },
    learningRate: typeof learningRate === "number" ? constantRate(learningRate) : learningRate,
    steps: { warm: EVERY, cold, every: EVERY, tolerance },
    ...(validation && { validation: rowsAsSet(validation) }),
    ...runOptions(options),
  });
  const { validation: score, stopped } = result;
  return { model: layerModel(layer, weights, initial.phi), validation: score, stopped };
}

/** log Σ e^ŷ − tᵀŷ per sample, t a distribution, in nats. @source El Ghaoui et al., eq. (4) */
export const softmaxCrossEntropy: Loss = (Y, target) => {
  const top = stopGradient(maximum(Y, [1]));
  const powers = exp(sub(Y, reshape(top, ["N", 1])));
  return sub(add(top, log(sum(powers, [1]))), sum(mul(target, Y), [1]));
};

function rowsAsSet({ U, Y }: Samples): TrainingSet {
  if (U.rows !== Y.rows) {
    throw new VouchError("shape", {
      name: "trainLayer",
      expected: `targets of ${U.rows} samples`,
      got: `${Y.rows}`,
      remedy: "Samples are rows.",
    });
  }
  const chosen = ({ columns, data }: Dense, indices: readonly number[]): Float32 => ({
    shape: [indices.length, columns],
    data: Float32Array.from({ length: indices.length * columns }, (_, e) => {
      return data[indices[Math.floor(e / columns)]! * columns + (e % columns)]!;
    }),
  });
  return {
    count: U.rows,
    examples: (indices) => ({ data: { u: chosen(U, indices) }, target: chosen(Y, indices) }),
  };
}
