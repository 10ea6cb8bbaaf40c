/** @file A layer at another scale of its input. */

import { perSample } from "../sets/set.js";
import { div, mul } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Layer } from "./layer.js";

/**
 * x ↦ s T(x/s), as Lipschitz and as firmly nonexpansive as T: with s the level of noise the layer is in its units.
 *
 * @param s  > 0, one a sample [N], or a scalar
 * @source Bauschke & Combettes, 2nd ed., Proposition 24.8 (v), of a prox
 */
export function rescaled(T: Layer, s: Tensor): Layer {
  const { potential } = T;
  return {
    ...T,
    name: `rescaled ${T.name}`,
    apply: (x) => mul(perSample(s, x), T.apply(div(x, perSample(s, x)))),
    ...(potential ? { potential: (x: Tensor) => mul(mul(s, s), potential(div(x, perSample(s, x)))) } : {}),
  };
}
