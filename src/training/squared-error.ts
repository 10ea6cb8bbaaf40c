/** @file Mean squared error. */

import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { div, mul, sub } from "../tensor/primitives/elementwise.js";
import { elements, type Tensor } from "../tensor/tensor.js";

/** A loss: [N] from inferences and targets of one shape. */
export type Loss = (x: Tensor, target: Tensor) => Tensor;

/** ‖x − x*‖²/n per sample, n the number of elements of x. */
export const squaredError: Loss = (x, target) => {
  const error = sub(x, target);
  return div(sum(mul(error, error), sampleAxes(error)), elements(x.shape));
};
