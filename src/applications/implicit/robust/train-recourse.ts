/** @file Training of a ReLU implicit model by the robust counterpart of its relaxed problem, with affine recourse or without. */

import { define, type Model, type Weights } from "../../../model.js";
import { inner } from "../../../sets/set.js";
import { reshape, sum, zeros } from "../../../tensor/primitives/broadcast.js";
import { abs, add, max, min, mul, neg, sub } from "../../../tensor/primitives/elementwise.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import { maximum } from "../../../tensor/primitives/maximum.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { dense } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import { noRecourse, type Recourse } from "./recourse.js";
import {
  type CertifiedOptions,
  classifierParams,
  differencesOfOutputs,
  differencesOfRows,
  fitClassifier,
  implicitOf,
  relative,
  type TrainCertifiedOptions,
  transposed,
} from "./train.js";

/**
 * The least h and the largest l of `recourseMargins` at slopes R, G as a fixed point, read as bounds of the worst differences
 *
 *     W_yk = c₊h − c₋l + d u + e + ρ(c₊R − c₋G + d) ≥ max over |δ| ≤ σ of ŷ_k − ŷ_y          [N, q, q]
 *
 * with c, d, e those of ŷ_k − ŷ_y. R and G are learned with the model, and begin at B/2, the slope of a state that is as often 0 as not.
 *
 * deviates: h and l are eliminated as fixed points, where the source alternates between them and the model; and see `recourseMargins`
 *
 * @throws parameter if κ or σ is out of range, NaN included
 * @source El Ghaoui et al., §5.4
 */
export function recourseClassifier(options: CertifiedOptions): Model {
  const params = classifierParams("recourseClassifier", options);
  const half = { shape: params.B.shape, init: () => params.B.init().map((value) => value / 2) };
  return define({
    name: "recourse-classifier",
    params: { ...params, R: half, G: half },
    data: { u: ["N", options.inputs] },
    problem: () => ({}),
    split: (_, read, { u }) => bounded("recourse-classifier", options, read, { R: read.R, G: read.G }, u),
  });
}

/** The same without slopes: bounds of states that hold for all perturbations at once. @throws parameter @source El Ghaoui et al., §5.3 */
export function counterpartClassifier(options: CertifiedOptions): Model {
  const none = zeros([options.states, options.inputs]);
  return define({
    name: "counterpart-classifier",
    params: classifierParams("counterpartClassifier", options),
    data: { u: ["N", options.inputs] },
    problem: () => ({}),
    split: (_, read, { u }) => bounded("counterpart-classifier", options, read, { R: none, G: none }, u),
  });
}

type Read = { readonly [name in "A" | "B" | "C" | "D" | "b" | "d"]: Tensor };

function bounded(
  name: string,
  { states: n, classes: q, sigma }: CertifiedOptions,
  { A, B, C, D, b, d }: Read,
  { R, G }: { readonly R: Tensor; readonly G: Tensor },
  u: Tensor,
) {
  const drive = add(matmul(u, transposed(B)), b);
  const [over, under] = [max(A, 0), min(A, 0)];
  const rho = (M: Tensor) => mul(sigma, reshape(sum(abs(M), [1]), [1, M.shape[0]!]));
  const mixed = (own: Tensor, other: Tensor) => sub(add(add(matmul(over, own), matmul(under, other)), B), own);
  const moves = { R: rho(R), G: rho(G), above: rho(mixed(R, G)), below: rho(mixed(G, R)) };
  const [K, direct] = [differencesOfRows(C), differencesOfRows(D)];
  const [positive, negative] = [max(K, 0), min(K, 0)];
  const spread = rho(add(add(matmul(positive, R), matmul(negative, G)), direct));
  const [overT, underT] = [transposed(over), transposed(under)];
  const parts = (z: unknown) => z as { readonly h: Tensor; readonly l: Tensor };
  return {
    name,
    init: () => ({ h: zeros(["N", n]), l: zeros(["N", n]) }),
    apply: (z: unknown) => {
      const { h, l } = parts(z);
      const [top, bottom] = [add(matmul(h, overT), matmul(l, underT)), add(matmul(l, overT), matmul(h, underT))];
      return {
        h: max(add(add(top, drive), moves.above), moves.R),
        l: max(sub(add(bottom, drive), moves.below), neg(moves.G)),
      };
    },
    read: (z: unknown) => {
      const { h, l } = parts(z);
      const through = add(add(matmul(h, transposed(positive)), matmul(l, transposed(negative))), spread);
      const past = add(matmul(u, transposed(D)), d);
      return add(reshape(through, ["N", q, q]), differencesOfOutputs(past));
    },
    residuals: (z: unknown, z1: unknown) => ({
      h: relative(parts(z).h, parts(z1).h),
      l: relative(parts(z).l, parts(z1).l),
    }),
    conditions: () => [{ text: "‖A‖_∞ < 1", left: maximum(sum(abs(A), [1])), right: constant(1) }],
    metric: (z: unknown) => add(inner(parts(z).h, parts(z).h), inner(parts(z).l, parts(z).l)),
    averagedness: 1,
  };
}

export interface TrainedRecourse {
  readonly model: ImplicitModel;
  /** For `recourseMargins`. */
  readonly recourse: Recourse;
}

/** Learn a model and the slopes of its bounds; options default to CERTIFIED_RECIPE. @throws convergence, parameter */
export async function trainRecourse(options: TrainCertifiedOptions): Promise<TrainedRecourse> {
  const { model, weights } = await fitClassifier(recourseClassifier, options);
  return { model: implicitOf(model, weights), recourse: recourseOf(weights) };
}

/** Learn a model by the robust counterpart without slopes. @throws convergence, parameter */
export async function trainCounterpart(options: TrainCertifiedOptions): Promise<TrainedRecourse> {
  const { model, weights } = await fitClassifier(counterpartClassifier, options);
  const made = implicitOf(model, weights);
  return { model: made, recourse: noRecourse(made) };
}

/** The slopes among the weights of a `recourseClassifier`. */
export function recourseOf(weights: Weights): Recourse {
  const part = (name: "R" | "G") => {
    const { shape, data } = weights[name]!;
    return dense(shape[0]!, shape[1]!, Float64Array.from(data));
  };
  return { R: part("R"), G: part("G") };
}
