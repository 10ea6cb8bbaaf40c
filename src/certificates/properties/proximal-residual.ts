/** @file Proximal residual: how far from a minimum of a regularizer, learned or not. */

import type { Proximable } from "../../functions/function.js";
import { type LengthOptions, type LengthProperty, lengthProperty } from "../../functions/length.js";
import { distanceBetween } from "../../sets/set.js";
import { asTensor, type TensorLike } from "../../tensor/primitives/elementwise.js";

/**
 * ‖v − prox_{λf}(v)‖, in v's units: 0 exactly at fixed points of the prox. Needs no value of f.
 *
 * @param lambda  λ > 0; Table 2 has λ = 1
 * @throws parameter if the tolerance is outside [0, 1)
 * @source Heaton & Wu Fung 2023, Table 2, "Regularization"
 */
export function proximalResidual(
  f: Pick<Proximable, "prox">,
  lambda: TensorLike = 1,
  options: LengthOptions = {},
): LengthProperty {
  const step = asTensor(lambda);
  return lengthProperty("proximalResidual", "proximal residual", (v) => distanceBetween(v, f.prox(v, step)), options);
}
