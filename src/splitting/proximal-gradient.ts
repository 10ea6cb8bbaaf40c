/** @file Proximal gradient. */

import { VouchError } from "../errors.js";
import type { Proximable } from "../functions/function.js";
import type { Operator } from "../operator.js";
import { domainOf, lipschitzOf, type Problem, sortTerms } from "../problem.js";
import { inner, norm } from "../sets/set.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { add, asTensor, div, max, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

export interface ProximalGradientOptions {
  /** Shape of x, sample axis first; needed where neither an operator nor the data of a term say it. */
  readonly domain?: Shape;
  /** Step α > 0; default 1/L with L = Lip(∇f)‖S‖². */
  readonly alpha?: TensorLike;
}

/**
 * minimize f(Sx) + h(x), f smooth, h proximable.
 *
 *     x⁺ = prox_{αh}(x − α Sᵀ∇f(Sx))
 *
 * Averaged with θ = 1/(2 − αL/2) if 0 < α < 2/L; with α > 2/L it may diverge.
 *
 * @source Heaton & Wu Fung 2023, eq. (6); Bauschke & Combettes, 2nd ed., Proposition 26.1
 */
export function proximalGradient(problem: Problem, options: ProximalGradientOptions = {}): Operator {
  const { smooth, direct, composed } = sortTerms(problem);
  const [name, term] = smooth[0] ?? [];
  if (term === undefined || name === undefined || smooth.length > 1 || direct.length > 1 || composed.length > 0) {
    const odd = composed[0]?.[0] ?? direct[1]?.[0] ?? smooth[1]?.[0] ?? "none smooth";
    throw new VouchError("problem", {
      name: "proximalGradient",
      expected: "one smooth term and at most one proximable term of x itself",
      got: `the term "${odd}"`,
      remedy: "Use linearizedAdmm for proximable terms of Sx.",
    });
  }
  const domain = domainOf("proximalGradient", problem, options.domain);
  const lipschitz = lipschitzOf(term);
  const alpha = stopGradient(options.alpha === undefined ? div(1, lipschitz) : asTensor(options.alpha));
  const h: Proximable | undefined = direct[0]?.[1];
  const hName = direct[0]?.[0] ?? name;
  const grad = (x: Tensor) => (term.of ? term.of.adjoint(term.smooth.grad(term.of.apply(x))) : term.smooth.grad(x));
  const step = (x: Tensor) => {
    const moved = sub(x, mul(alpha, grad(x)));
    return h ? h.prox(moved, alpha) : moved;
  };
  const only = (z: Tree) => (z as { x: Tensor }).x;
  return {
    name: "proximalGradient",
    averagedness: 2 / 3,
    init: () => ({ x: zeros(domain) }),
    apply: (z) => ({ x: step(only(z)) }),
    read: only,
    // 0 ∈ ∂h(x⁺) + ∇(f∘S)(x⁺) up to (x − x⁺)/α − (∇(x) − ∇(x⁺)).
    residuals: (z, z1) => {
      const [g, g1] = [grad(only(z)), grad(only(z1))];
      const gap = sub(div(sub(only(z), only(z1)), alpha), sub(g, g1));
      return { [hName]: div(norm(gap), max(add(norm(g1), div(norm(only(z1)), alpha)), 1e-12)) };
    },
    conditions: () => [
      {
        text: "0 < α L ≤ 1 (averaged with θ = 2/3; convergent below 2)",
        left: mul(alpha, lipschitz),
        right: asTensor(1 + 1e-6),
      },
    ],
    metric: (z) => inner(only(z), only(z)),
  };
}
