/** @file Spectral normalization: an operator of learned weights whose norm is at most 1. */

import { div, max, min } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { LinearOperator } from "./linear.js";

/**
 * S of W/max(1, b) with b ≥ ‖S_W‖ the operator's own bound: ‖S‖ ≤ 1 whatever the weights, and S_W itself where b ≤ 1.
 *
 * Gradients pass through b, so that they are those of the operator that is applied.
 *
 * @param W           weights
 * @param operatorOf  linear in the weights, S_{tW} = tS_W: conv2d, matrix
 * @source Miyato et al. 2018, Spectral Normalization for GANs, eq. (8); deviates: a proven bound instead of power iteration, which
 * is below the norm, and operators below 1 stay as they are
 */
export function spectrallyNormalized(W: Tensor, operatorOf: (W: Tensor) => LinearOperator): LinearOperator {
  const { value, how } = operatorOf(W).norm();
  const S = operatorOf(div(W, max(1, value)));
  return {
    ...S,
    name: `normalized ${S.name}`,
    norm: () => ({ value: min(1, value), how: `at most 1, divided by the ${how}`, atMost: 1 }),
  };
}
