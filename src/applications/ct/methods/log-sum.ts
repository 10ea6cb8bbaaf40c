/** @file The log-sum penalty. */

import type { Proximable } from "../../../functions/function.js";
import { sampleAxes, sum } from "../../../tensor/primitives/broadcast.js";
import { abs, add, div, less, log, max, mul, select, sqrt, sub } from "../../../tensor/primitives/elementwise.js";
import type { Tensor } from "../../../tensor/tensor.js";

/**
 * f(v) = Σ τ ε log(1 + |v|/ε), weakly convex with modulus τ/ε, its slope τ at 0 and falling.
 *
 *     prox_{λf}(v) = sign(v) (|v| − ε + √((|v| + ε)² − 4λτε))/2 where |v| > λτ, else 0        for λτ ≤ ε
 *
 * Single-valued and continuous for λτ ≤ ε; it stretches distances by up to ε/(ε − λτ). `weaklyConvex` steps by its majorants and
 * needs no such bound.
 *
 * @param tau      weights > 0, broadcast against v
 * @param epsilon  > 0, v's units, broadcast against v
 * @source Candès, Wakin & Boyd 2008, §2.2 (the log-sum penalty); the root of u + λτε/(ε + u) = |v|
 */
export function logSum(tau: Tensor, epsilon: Tensor): Proximable {
  const value = (v: Tensor) => {
    const each = mul(mul(tau, epsilon), log(add(1, div(abs(v), epsilon))));
    return sum(each, sampleAxes(each));
  };
  return {
    name: "log-sum",
    prox: (v, lambda) => {
      const size = abs(v);
      const step = mul(lambda, tau);
      const edge = less(step, size);
      const inner = sub(mul(add(size, epsilon), add(size, epsilon)), mul(4, mul(step, epsilon)));
      // The root is of a positive number where it counts; elsewhere 1 keeps its gradient finite.
      const root = sqrt(select(edge, max(inner, 0), 1));
      const length = mul(0.5, add(sub(size, epsilon), root));
      return select(edge, mul(length, div(v, max(size, 1e-30))), 0);
    },
    value,
    property: { kind: "value", measure: value },
  };
}
