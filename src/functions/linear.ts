/** @file A linear function with a quadratic beside it: smooth. */

import { VouchError } from "../errors.js";
import { domainOfData, inner } from "../sets/set.js";
import { add, asTensor, mul, type TensorLike } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Smooth } from "./function.js";

/**
 * f(v) = ⟨c, v⟩ + γ/2 ‖v‖², for { smooth: linear(…) }.
 *
 *     ∇f(v) = c + γv,  Lipschitz with γ
 *
 * The quadratic makes the solution of a linear program unique, and differentiable in c. A step of 1/γ is long for a small γ and
 * infinite for γ = 0: give the splitting one in the units of v over those of c.
 *
 * @param c      costs: of the shape of v, with or without its sample axis
 * @param gamma  γ ≥ 0, units of c over those of v: a number or a scalar
 * @throws parameter if a numeric γ is negative or NaN
 * @source McKenzie, Heaton & Wu Fung 2024, Learning to solve integer linear programs with Davis–Yin splitting: the regularised
 * linear program of its shortest paths
 */
export function linear(c: Tensor, gamma: TensorLike = 0): Smooth {
  if (typeof gamma === "number" && !(gamma >= 0)) {
    throw new VouchError("parameter", {
      name: "linear",
      expected: "γ ≥ 0",
      got: `${gamma}`,
      remedy: "A negative quadratic is not convex.",
    });
  }
  const weight = asTensor(gamma);
  return {
    name: "linear",
    ...domainOfData(c),
    value: (v) => add(inner(c, v), mul(mul(0.5, weight), inner(v, v))),
    grad: (v) => add(c, mul(weight, v)),
    lipschitz: () => weight,
  };
}
