/** @file What an optimizer is: an update written as a graph. */

import type { Tensor } from "../tensor/tensor.js";

export interface Optimizer {
  readonly name: string;
  /** Names of the arrays it keeps for each parameter, all zero at the start. */
  readonly slots: readonly string[];
  /** New parameter and slots from the gradient; `t` counts steps from 1, both scalars. */
  update(
    param: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    t: Tensor,
    learningRate: Tensor,
  ): { param: Tensor; slots: readonly Tensor[] };
}
