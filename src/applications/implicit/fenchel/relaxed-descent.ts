/** @file Training of an implicit model by block coordinate descent over its numbers, its states and their proxies. */

import { VouchError } from "../../../errors.js";
import { addScaled, applyRows, type Dense, times, transposed } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { equilibrium } from "../train/adjoint.js";
import { squaredLoss } from "../train/losses.js";
import { type Parameters, parametersOf, withParameters } from "../train/parameters.js";
import type { SmoothLoss } from "../train/proximal-descent.js";
import type { Samples } from "../train/train-projected.js";
import { type Divergence, reluDivergence, tanhDivergence } from "./divergence.js";
import { requirePositive } from "./lifted-network.js";
import type { ModelUpdate } from "./model-update.js";
import { proxyStep, type StateTerms, stateStepOfProxy } from "./proxy-states.js";

export interface RelaxedOptions {
  /** λ of (11): a positive number for each state. */
  readonly lambda: Float64Array;
  /** μ > 0, of the states' distance to their proxies. */
  readonly mu: number;
  /** 𝒫, which must hold A on a set of well-posed matrices for the model to predict, and how the model is lowered under it. */
  readonly update: ModelUpdate;
  readonly iterations: number;
  /** The objective after each iteration. */
  readonly onIteration?: (k: number, objective: number, model: ImplicitModel) => void;
}

/**
 * min ½‖Y − CP − DU − d‖² + λᵀF(P, AX + BU + b)1 + μ/2 ‖X − P‖² + 𝒫(A, B, C, D), in the order of the source: the model, X, P. Each block
 * is convex given the others, so that the objective never rises; states begin at those of the initial model.
 *
 * @throws parameter if λ or μ is not > 0, or the states are not all ReLU or all tanh; shape; convergence
 * @source El Ghaoui et al., eq. (10), (11), §4.2
 */
export function relaxedDescent(initial: ImplicitModel, samples: Samples, options: RelaxedOptions): ImplicitModel {
  const { update, iterations, onIteration } = options;
  const { penalty, lower } = update;
  const terms = termsOf(initial, options);
  const { U, Y } = samples;
  const start = equilibrium(initial, U);
  let at: Parameters = penalty.prox(parametersOf(initial), 0);
  let X = start.X;
  let P: Dense = { ...start.X, data: start.X.data.map((x) => inside(x, terms.divergence)) };
  for (let k = 0; k < iterations; k++) {
    at = lower(lifted(samples, X, P, terms), at);
    const drive = withBias(applyRows(U, at.B), at.stateBias);
    X = stateStepOfProxy(at.A, drive, P, terms);
    const R = addScaled(-1, withBias(applyRows(U, at.D), at.outputBias), Y);
    P = proxyStep(at.C, R, addScaled(1, times(X, transposed(at.A)), drive), X, P, terms);
    const objective = lifted(samples, X, P, terms).value(at) + penalty.value(at);
    onIteration?.(k, objective, withParameters(initial, at));
  }
  return withParameters(initial, at);
}

/** ½‖Y − CP − DU − d‖² + λᵀF(P, AX + BU + b)1 + μ/2 ‖X − P‖² as a function of the model. */
export function lifted({ U, Y }: Samples, X: Dense, P: Dense, { divergence, lambda, mu }: StateTerms): SmoothLoss {
  const n = X.columns;
  const apart = (mu / 2) * X.data.reduce((sum, x, e) => sum + (x - P.data[e]!) ** 2, 0);
  const outputs = (at: Parameters) => withBias(addScaled(1, applyRows(P, at.C), applyRows(U, at.D)), at.outputBias);
  const pre = (at: Parameters) => withBias(addScaled(1, applyRows(X, at.A), applyRows(U, at.B)), at.stateBias);
  return {
    value: (at) =>
      squaredLoss.value(Y, outputs(at)) +
      pre(at).data.reduce((sum, z, e) => sum + lambda[e % n]! * divergence.value(P.data[e]!, z), apart),
    gradient(at) {
      const L = transposed(squaredLoss.slope(Y, outputs(at)));
      const Z = pre(at);
      const pull = Z.data.map((z, e) => lambda[e % n]! * divergence.inZ(P.data[e]!, z).slope);
      const V = transposed({ ...Z, data: pull });
      const ones: Dense = { rows: U.rows, columns: 1, data: new Float64Array(U.rows).fill(1) };
      return {
        ...{ A: times(V, X), B: times(V, U), C: times(L, P), D: times(L, U) },
        ...{ stateBias: times(V, ones), outputBias: times(L, ones) },
      };
    },
  };
}

function withBias(Z: Dense, { data }: Dense): Dense {
  return { ...Z, data: Z.data.map((z, e) => z + data[e % data.length]!) };
}

/** A state that rounding put on the edge of the domain, brought into it. */
function inside(x: number, divergence: Divergence): number {
  return divergence.inside(x) ? x : divergence.prox(x, 0, 0);
}

function termsOf(model: ImplicitModel, { lambda, mu }: RelaxedOptions): StateTerms {
  requirePositive("relaxedDescent: λ", [lambda]);
  requirePositive("relaxedDescent: μ", [Float64Array.of(mu)]);
  const { n } = sizesOf(model);
  if (lambda.length !== n) {
    const remedy = "Give one multiplier a state.";
    throw new VouchError("shape", {
      name: "relaxedDescent: λ",
      expected: `${n} numbers`,
      got: `${lambda.length}`,
      remedy,
    });
  }
  const maps = new Set(model.phi.map(({ map }) => map));
  const divergence =
    maps.size === 1 ? { relu: reluDivergence, tanh: tanhDivergence }[[...maps][0] as "relu"] : undefined;
  if (divergence !== undefined) return { divergence, lambda, mu };
  throw new VouchError("parameter", {
    name: "relaxedDescent: phi",
    expected: "states that are all ReLU or all tanh",
    got: [...maps].join(", "),
    remedy: "`trainProximal` takes other maps.",
  });
}
