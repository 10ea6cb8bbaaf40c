/** @file What a firmly nonexpansive layer leaves of its input. */

import { numberBound } from "../linear/linear.js";
import { inner } from "../sets/set.js";
import { mul, sub } from "../tensor/primitives/elementwise.js";
import { requireSameShape } from "../tensor/primitives/leaf.js";
import { type Layer, requireFirmly } from "./layer.js";

/**
 * x ↦ x − T(x), firmly nonexpansive exactly where T is: of a normalized ridgeGradient, a denoiser that is the prox of a convex
 * function.
 *
 * @throws parameter, naming the layer, unless it is firmly nonexpansive by construction; shape, when applied, if T changes the shape
 * @source Bauschke & Combettes, 2nd ed., Proposition 4.4 (i), (ii)
 */
export function complement(T: Layer): Layer {
  const { potential } = T;
  requireFirmly("complement", T);
  return {
    name: `I − (${T.name})`,
    apply: (x) => {
      const y = T.apply(x);
      requireSameShape(`complement of ${T.name}`, x, y);
      return sub(x, y);
    },
    lipschitz: numberBound(1, "complement of a firmly nonexpansive layer"),
    firmly: `the complement of ${T.name}: ${T.firmly}`,
    // ∇φ firmly nonexpansive: I − ∇φ is monotone, so that its potential is convex.
    ...(potential ? { potential: (x) => sub(mul(0.5, inner(x, x)), potential(x)) } : {}),
  };
}
