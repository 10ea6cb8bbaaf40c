/** @file The zero function: a term that asks for nothing. */

import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { abs, lessEqual, mul, select } from "../tensor/primitives/elementwise.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/**
 * f(v) = 0.
 *
 *     prox_{λf}(v) = v          f*(y) = 0 if y = 0, else ∞
 */
export function zero(): Proximable {
  const nothing = (v: Tensor) => sum(mul(0, v), sampleAxes(v));
  return {
    name: "zero",
    prox: (v) => v,
    value: nothing,
    conjugate: (y) => {
      const out = select(lessEqual(abs(y), 0), 0, Number.POSITIVE_INFINITY);
      return maximum(out, sampleAxes(out));
    },
    proxConjugate: (u) => mul(0, u),
    admit: (y) => mul(0, y),
    property: { kind: "value", measure: nothing },
    stated: { kind: "zero" },
  };
}
