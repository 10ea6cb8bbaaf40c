/** @file The Huber function: quadratic near zero, then absolute value. */

import { VouchError } from "../errors.js";
import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import {
  abs,
  add,
  asTensor,
  div,
  lessEqual,
  max,
  min,
  mul,
  neg,
  select,
  sub,
  type TensorLike,
} from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/**
 * f(v) = Σ τᵢ h(vᵢ),  h(t) = t²/(2b) for |t| ≤ b, |t| − b/2 beyond.
 *
 *     prox_{λf}(v) = v − λτ v/max(|v|, b + λτ)          f*(y) = Σ b yᵢ²/(2τᵢ) if |yᵢ| ≤ τᵢ for all i, else ∞
 *
 * @param knee  b > 0, v's units: a number, or a tensor that broadcasts against v
 * @param tau   weights > 0, broadcast against v
 * @throws parameter if a numeric knee or weight is not > 0
 * @source Beck 2017, First-Order Methods in Optimization, Example 6.66 (h is the Moreau envelope of |·|) and §4.4.15
 */
export function huber(knee: TensorLike, tau: TensorLike = 1): Proximable {
  for (const [name, value] of [
    ["knee", knee],
    ["weight", tau],
  ] as const) {
    if (typeof value === "number" && !(value > 0)) {
      throw new VouchError("parameter", {
        name: "huber",
        expected: `a ${name} > 0`,
        got: `${value}`,
        remedy: name === "knee" ? "Use weightedL1 for a knee of 0." : "Leave the term out for weight 0.",
      });
    }
  }
  const [b, t] = [asTensor(knee), asTensor(tau)];
  const total = (v: Tensor) => sum(v, sampleAxes(v));
  // |v| ≤ b: v²/(2b); beyond, |v| − b/2: with m = min(|v|, b) both are m²/(2b) + |v| − m.
  const value = (v: Tensor) => {
    const size = abs(v);
    const m = min(size, b);
    return total(mul(t, add(div(mul(m, m), mul(2, b)), sub(size, m))));
  };
  return {
    name: "huber",
    prox: (v, lambda) => {
      const step = mul(lambda, t);
      return sub(v, mul(step, div(v, max(abs(v), add(b, step)))));
    },
    value,
    conjugate: (y) => {
      const out = select(lessEqual(abs(y), t), 0, Number.POSITIVE_INFINITY);
      return add(total(div(mul(b, mul(y, y)), mul(2, t))), maximum(out, sampleAxes(out)));
    },
    admit: (y) => max(min(y, t), neg(t)),
    property: { kind: "value", measure: value },
  };
}
