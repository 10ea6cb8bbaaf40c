/** @file Training by proximal gradient in float64: a loss on all samples and a penalty whose zeros are exact. */

import type { Dense } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import type { Penalty } from "../penalties/penalty.js";
import { equilibrium, gradients } from "./adjoint.js";
import { type OutputLoss, squaredLoss } from "./losses.js";
import { type Parameters, parametersOf, withParameters } from "./parameters.js";
import { type Descended, proximalDescent, type SmoothLoss } from "./proximal-descent.js";
import type { Samples } from "./train-projected.js";

export interface TrainProximalOptions {
  /** Keeps A well-posed, `stateNormBall` alone or within a sum; may make parts sparse. */
  readonly penalty: Penalty;
  readonly steps: number;
  /** Default `squaredLoss`. */
  readonly loss?: OutputLoss;
  /** ‖Θ⁺ − Θ‖/t relative to that of the first step, at which it ends. Default 1e-6. */
  readonly tolerance?: number;
}

export interface TrainedProximal extends Omit<Descended, "at"> {
  readonly model: ImplicitModel;
}

/**
 * Minimise ℒ(Y, Ŷ)/m + P(A, B, C, D) by `proximalDescent`, states solved for at every step.
 *
 * @throws convergence if a step leaves the matrices for which states exist: P must hold A on a set of well-posed ones
 * @source El Ghaoui et al., eq. (3), with penalties (5), (6), (19)
 */
export function trainProximal(
  initial: ImplicitModel,
  samples: Samples,
  options: TrainProximalOptions,
): TrainedProximal {
  const { penalty, steps, loss = squaredLoss, tolerance = 1e-6 } = options;
  const { at, ...rest } = proximalDescent(lossOf(initial, samples, loss), penalty, parametersOf(initial), {
    steps,
    tolerance,
  });
  return { ...rest, model: withParameters(initial, at) };
}

/** ℒ(Y, Ŷ)/m as a function of a model's numbers. */
export function lossOf(model: ImplicitModel, { U, Y }: Samples, loss: OutputLoss): SmoothLoss {
  const m = Math.max(1, U.rows);
  let warm: Dense | undefined;
  const solved = (at: Parameters) => {
    const made = withParameters(model, at);
    const found = equilibrium(made, U, warm);
    warm = found.X;
    return { made, found };
  };
  return {
    value: (at) => loss.value(Y, solved(at).found.Y) / m,
    gradient(at) {
      const { made, found } = solved(at);
      const slope = loss.slope(Y, found.Y);
      return parametersOf(gradients(made, U, found, { ...slope, data: slope.data.map((value) => value / m) }));
    },
  };
}
