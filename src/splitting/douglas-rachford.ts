/** @file Douglas–Rachford splitting. */

import { VouchError } from "../errors.js";
import type { Operator } from "../operator.js";
import { domainOf, type Problem, sortTerms } from "../problem.js";
import { inner, norm } from "../sets/set.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { add, asTensor, div, max, mul, sub, type TensorLike } from "../tensor/primitives/elementwise.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

export interface DouglasRachfordOptions {
  /** Step > 0, units of x over those of a subgradient; any converges, one near ‖x‖/‖∂g(x)‖ soonest. Default 1. */
  readonly alpha?: TensorLike;
  /** Shape of x; default that of the data of a term. */
  readonly domain?: Shape;
}

/** Denominators of relative residuals never vanish. */
const TINY = 1e-12;

/**
 * minimize g(x) + h(x), both proximable, in the order of the problem.
 *
 *     x = prox_{αg}(z)
 *     y = prox_{αh}(2x − z)
 *     z⁺ = z + y − x
 *
 * Firmly nonexpansive for every α > 0. The inference is x, which lies in the domain of g: state the constraint that answers must
 * meet first.
 *
 * @source Lions & Mercier 1979, Splitting algorithms for the sum of two nonlinear operators; Bauschke & Combettes, 2nd ed.,
 * Theorem 26.11
 */
export function douglasRachford(problem: Problem, options: DouglasRachfordOptions = {}): Operator {
  const { smooth, direct, composed } = sortTerms(problem);
  const odd = smooth[0]?.[0] ?? composed[0]?.[0] ?? direct[2]?.[0];
  if (odd !== undefined || direct.length !== 2) {
    throw new VouchError("problem", {
      name: "douglasRachford",
      expected: "two proximable terms of x itself",
      got: odd === undefined ? `${direct.length}` : `the term "${odd}"`,
      remedy: "Use davisYin with a smooth term besides, linearizedAdmm for terms of Sx.",
    });
  }
  const domain = domainOf("douglasRachford", problem, options.domain);
  const [[gName, g], [hName, h]] = direct as [(typeof direct)[0], (typeof direct)[0]];
  const alpha = stopGradient(asTensor(options.alpha ?? 1));
  const only = (z: Tree) => (z as { z: Tensor }).z;
  const first = (z: Tensor) => g.prox(z, alpha);
  const second = (z: Tensor, x: Tensor) => h.prox(sub(mul(2, x), z), alpha);

  return {
    name: "douglasRachford",
    averagedness: 1 / 2,
    init: () => ({ z: zeros(domain) }),
    apply: (point) => {
      const z = only(point);
      const x = first(z);
      return { z: add(z, sub(second(z, x), x)) };
    },
    read: (point) => first(only(point)),
    copies: (point) => {
      const z = only(point);
      return { [hName]: second(z, first(z)) };
    },
    // (z − x)/α ∈ ∂g(x) and (2x − z − y)/α ∈ ∂h(y), whose sum is (x − y)/α.
    residuals: (point, next) => {
      const z = only(point);
      const x = first(z);
      const step = sub(only(next), z);
      const apart = norm(step);
      const pull = max(norm(sub(z, x)), norm(add(sub(z, x), step)));
      return {
        [gName]: div(apart, max(pull, TINY)),
        [hName]: div(apart, max(max(norm(x), norm(add(x, step))), TINY)),
      };
    },
    conditions: () => [{ text: "0 < α (firmly nonexpansive)", left: asTensor(TINY), right: alpha }],
    metric: (point) => inner(only(point), only(point)),
  };
}
