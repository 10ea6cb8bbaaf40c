/** @file A learned layer in the place of a prox. */

import type { Proximable } from "../functions/function.js";
import { lengthProperty } from "../functions/length.js";
import { distanceBetween } from "../sets/set.js";
import { type Layer, requireFirmly } from "./layer.js";

export interface LearnedProx extends Proximable {
  readonly layer: Layer;
}

/**
 * R in the place of prox_{λf}, learned: there need not be an f, so no value, no conjugate and no proof of optimality.
 *
 * R = (I + λB)⁻¹ with B maximally monotone, so that splittings converge as they do with a prox, to 0 ∈ Σ Sᵢᵀ Bᵢ(Sᵢx). λ is the
 * step of the splitting, on which B thus depends: a solve may not rebalance it. Where the layer is a gradient too, R is the prox
 * of a convex function. Its property is ‖v − R(v)‖, 0 below the solver's default tolerance.
 *
 * @param R  firmly nonexpansive by construction; a 1-Lipschitz or averaged layer makes linearizedAdmm diverge on some problems
 * @throws parameter, naming the layer, if it is not
 * @source Bauschke & Combettes, 2nd ed., Corollary 23.9 (Minty); the property is that of Heaton & Wu Fung 2023, Table 2,
 * "Regularization"
 */
export function learnedProx(R: Layer): LearnedProx {
  requireFirmly("learnedProx", R);
  return {
    name: `learned prox ${R.name}`,
    layer: R,
    ignoresStep: true,
    prox: (v) => R.apply(v),
    property: lengthProperty("learnedProx", "proximal residual", (v) => distanceBetween(v, R.apply(v)), {}),
  };
}
