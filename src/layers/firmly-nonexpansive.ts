/** @file A firmly nonexpansive layer from any 1-Lipschitz one. */

import { type Layer, requireNonexpansive } from "./layer.js";
import { residualAverage } from "./residual-average.js";

/**
 * x ↦ ½(x + N(x)): firmly nonexpansive for N 1-Lipschitz, and every firmly nonexpansive map is of this form.
 *
 * @param N  1-Lipschitz at any weights; keeps the shape of x
 * @throws parameter, naming the layer, if its weights can exceed 1; shape, when applied, if N changes the shape
 * @source Bauschke & Combettes, 2nd ed., Proposition 4.4 (i)–(iii)
 */
export function firmlyNonexpansive(N: Layer): Layer {
  requireNonexpansive("firmlyNonexpansive", N);
  return { ...residualAverage(0.5, N), name: `½(I + ${N.name})` };
}
