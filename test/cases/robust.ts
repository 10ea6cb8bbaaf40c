/** @file Models whose samples break on purpose, by themselves and midway. */

import { indicator } from "../../src/functions/indicator.js";
import { define, type Model } from "../../src/model.js";
import type { Operator } from "../../src/operator.js";
import { box } from "../../src/sets/box.js";
import { inner } from "../../src/sets/set.js";
import { reshape, zeros } from "../../src/tensor/primitives/broadcast.js";
import { abs, add, mul, sqrt, sub } from "../../src/tensor/primitives/elementwise.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/**
 * x⁺ = rate x + d + 10⁻³⁰ √(last − k), k the step: the fixed point is d / (1 − rate), and step last + 2 is NaN. Of its two
 * residuals one is 0 throughout.
 */
export function breaking(): Model {
  let data: Record<"d" | "rate" | "last", Tensor> | undefined;
  const operator = ({ d, rate, last }: Record<"d" | "rate" | "last", Tensor>): Operator => {
    const of = (z: unknown) => z as { x: Tensor; k: Tensor };
    return {
      name: "breaking",
      averagedness: 1,
      init: () => ({ x: zeros(["N", 1]), k: zeros(["N", 1]) }),
      apply: (z) => {
        const { x, k } = of(z);
        return { x: add(add(mul(rate, x), d), mul(1e-30, sqrt(sub(last, k)))), k: add(k, 1) };
      },
      read: (z) => of(z).x,
      residuals: (z, z1) => ({
        still: reshape(mul(0, of(z).k), ["N"]),
        motion: reshape(abs(sub(of(z1).x, of(z).x)), ["N"]),
      }),
      conditions: () => [],
      metric: (z) => inner(of(z).x, of(z).x),
    };
  };
  return define({
    name: "breaking",
    params: {},
    data: { d: ["N", 1], rate: ["N", 1], last: ["N", 1] },
    problem: (_, given) => {
      data = given;
      return { free: { prox: indicator(box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) } };
    },
    split: () => operator(data!),
  });
}
