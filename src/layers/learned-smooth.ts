/** @file A convex network as a smooth term. */

import { VouchError } from "../errors.js";
import type { Smooth } from "../functions/function.js";
import type { Layer } from "./layer.js";

export interface LearnedSmooth extends Smooth {
  readonly layer: Layer;
}

/**
 * f = φ with ∇φ = G, convex, and its gradient's Lipschitz constant that of G: what proximalGradient and davisYin take their step
 * from. No conjugate, so no proof of optimality.
 *
 * @param G  a gradient: ridgeGradient, pointwise, averages of them with the identity
 * @throws parameter, naming the layer, if it has no potential
 */
export function learnedSmooth(G: Layer): LearnedSmooth {
  const { potential } = G;
  if (potential === undefined) {
    throw new VouchError("parameter", {
      name: "learnedSmooth",
      expected: "a layer that is the gradient of a convex function",
      got: G.name,
      remedy: "Build it of ridgeGradient, or use a firmly nonexpansive layer as a learnedProx.",
    });
  }
  return {
    name: `potential of ${G.name}`,
    layer: G,
    value: potential,
    grad: (v) => G.apply(v),
    lipschitz: () => G.lipschitz.value,
  };
}
