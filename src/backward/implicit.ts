/** @file The implicit gradient. */

import { VouchError } from "../errors.js";
import type { AdjointLimits, AdjointSolver } from "./adjoint.js";
import { cgls } from "./cgls.js";
import { inMetric, linearise } from "./jacobian.js";
import type { BackwardRule } from "./rule.js";

export interface ImplicitOptions extends Partial<AdjointLimits> {
  /** Default `cgls`, which needs no condition; `adjointIteration` is cheaper a step and good for contractions. */
  readonly solver?: AdjointSolver;
}

/**
 * The gradient of the fixed point by the implicit function theorem: a cotangent g of z* goes on as vᵀ∂T/∂Θ with
 *
 *     (I − J)ᵀ v = g,    J = ∂T/∂z at z*
 *
 * solved in a loop of the graph, so that memory does not grow with its steps. It is the gradient of the whole solve where T
 * is differentiable at z* and I − J has an inverse. Where it has none (Davis–Yin, duals that are not unique) it still is, as
 * long as fixed points exist for all Θ near and the loss does not vary among those of one Θ: then ∂T/∂Θ is in the range of
 * I − J, g in that of (I − J)ᵀ, and all solutions v agree. Otherwise v is what the solver makes of it: with `cgls` the
 * least-squares solution of least norm, the gradient along the shortest first-order motion of z*, with a residual that stays.
 *
 * Lengths of g and v are those of T's metric, leaf by leaf: in the Euclidean ones primal and dual parts of a splitting are so far
 * apart that `cgls` needs some five times the steps on the dictionary and does not arrive on CT.
 *
 * @param tolerance  ‖g − (I − J)ᵀv‖/‖g‖ ≥ 0 at which a sample stops; default 1e-5, near what float32 can tell
 * @param limit      most steps, an integer ≥ 1; default 200
 * @throws parameter if either is out of range
 * @source Bai, Kolter & Koltun 2019, Deep Equilibrium Models, Theorem 1; normal equations as in the Jacobian-based baseline of
 * Wu Fung et al. 2022, JFB
 */
export function implicit({ tolerance = 1e-5, limit = 200, solver = cgls }: ImplicitOptions = {}): BackwardRule {
  if (!(tolerance >= 0 && Number.isInteger(limit) && limit >= 1)) {
    throw new VouchError("parameter", {
      name: "implicit",
      expected: "tolerance ≥ 0 and limit an integer ≥ 1",
      got: `tolerance ${tolerance}, limit ${limit}`,
      remedy: "Leave them out for the defaults.",
    });
  }
  return (T, zStar, report) => {
    const { jacobian, attached } = inMetric(T, zStar, linearise(T, zStar));
    return attached((g) => {
      const { v, solve } = solver(jacobian, g, { tolerance, limit });
      report?.(solve);
      return v;
    });
  };
}
