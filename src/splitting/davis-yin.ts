/** @file Davis–Yin three-operator splitting. */

import { VouchError } from "../errors.js";
import type { Operator } from "../operator.js";
import { domainOf, lipschitzOf, type Problem, sortTerms } from "../problem.js";
import { inner, norm } from "../sets/set.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { add, asTensor, div, max, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

export interface DavisYinOptions {
  /** Step in (0, 1/L], L the Lipschitz constant of the smooth term's gradient in x; default 1/L. */
  readonly alpha?: TensorLike;
  /** Shape of x; default that of the smooth term's operator, or of the data of a term. */
  readonly domain?: Shape;
}

/** Denominators of relative residuals never vanish. */
const TINY = 1e-12;

/**
 * minimize f(Sx) + g(x) + h(x), f smooth, g and h proximable, in the order of the problem.
 *
 *     x = prox_{αg}(z)
 *     y = prox_{αh}(2x − z − α Sᵀ∇f(Sx))
 *     z⁺ = z + y − x
 *
 * Averaged with θ = 2/(4 − αL) ≤ 2/3 if 0 < αL ≤ 1; convergent up to αL < 2, with a larger θ. The inference is x, which lies
 * in the domain of g: state the constraint that answers must meet first.
 *
 * @source Davis & Yin 2017, Algorithm 1 and Theorem 3.1; the two projections of Heaton & Wu Fung's slides are the case of two
 * indicators, with α = 1 there
 */
export function davisYin(problem: Problem, options: DavisYinOptions = {}): Operator {
  const { smooth, direct, composed } = sortTerms(problem);
  const [name, term] = smooth[0] ?? [];
  const odd = composed[0]?.[0] ?? smooth[1]?.[0] ?? direct[2]?.[0];
  if (term === undefined || name === undefined || odd !== undefined || direct.length !== 2) {
    throw new VouchError("problem", {
      name: "davisYin",
      expected: "one smooth term and two proximable terms of x itself",
      got: odd === undefined ? `${smooth.length} smooth and ${direct.length} proximable` : `the term "${odd}"`,
      remedy: "Use proximalGradient for one proximable term, linearizedAdmm for terms of Sx.",
    });
  }
  const domain = domainOf("davisYin", problem, options.domain);
  const [[, g], [hName, h]] = direct as [(typeof direct)[0], (typeof direct)[0]];
  const lipschitz = lipschitzOf(term);
  const alpha = stopGradient(options.alpha === undefined ? div(1, lipschitz) : asTensor(options.alpha));
  const gradient = (x: Tensor) => (term.of ? term.of.adjoint(term.smooth.grad(term.of.apply(x))) : term.smooth.grad(x));
  const only = (z: Tree) => (z as { z: Tensor }).z;
  const first = (z: Tensor) => g.prox(z, alpha);
  const second = (z: Tensor, x: Tensor) => h.prox(sub(sub(mul(2, x), z), mul(alpha, gradient(x))), alpha);

  return {
    name: "davisYin",
    averagedness: 2 / 3,
    init: () => ({ z: zeros(domain) }),
    apply: (point) => {
      const z = only(point);
      const x = first(z);
      return { z: add(z, sub(second(z, x), x)) };
    },
    read: (point) => first(only(point)),
    // (z − x)/α ∈ ∂g(x) and (2x − z)/α − ∇f(x) − y/α ∈ ∂h(y), whose sum with ∇f(x) is (x − y)/α.
    residuals: (point, next) => {
      const z = only(point);
      const x = first(z);
      const apart = norm(sub(only(next), z));
      const y = add(x, sub(only(next), z));
      const pull = add(norm(gradient(x)), div(norm(sub(z, x)), alpha));
      return {
        [hName]: div(apart, max(max(norm(x), norm(y)), TINY)),
        [name]: div(div(apart, alpha), max(pull, TINY)),
      };
    },
    conditions: () => [
      { text: "0 < α L ≤ 1 (averaged with θ ≤ 2/3)", left: mul(alpha, lipschitz), right: asTensor(1 + 1e-6) },
    ],
    metric: (point) => inner(only(point), only(point)),
  };
}
