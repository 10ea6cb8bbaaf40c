/** @file Decision layers: costs predicted from a context, and the regularised linear program they decide. */

import { VouchError } from "../../errors.js";
import { indicator } from "../../functions/indicator.js";
import { linear } from "../../functions/linear.js";
import { define, type Model, type Param } from "../../model.js";
import { nonNegative } from "../../sets/non-negative.js";
import type { ConvexSet } from "../../sets/set.js";
import { davisYin } from "../../splitting/davis-yin.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { CostNetwork } from "./network.js";

/** Longest default step, units of x over those of c: where γ is so small that it does not limit the step. */
const LONGEST = 2;

export interface DecisionOptions {
  /** γ > 0, units of c over those of x. Default 0.5. */
  readonly gamma?: number;
  /** Step of the splitting, in (0, 1/γ]. Default min(1/(4γ), 2). */
  readonly alpha?: number;
}

/** γ at which all backward rules train: with 5e-4 solutions are vertices, and the exact gradient is 0. */
export const GAMMA = 0.5;

/**
 * min ⟨w_Θ(d), x⟩ + γ/2 ‖x‖²  s.t.  x ≥ 0 or in other bounds, x in an affine set: the decision for a context d.
 *
 * Solved by Davis–Yin splitting; the answer is within the bounds exactly and meets the equations to the tolerance. T is averaged and no
 * contraction: I − ∂T/∂z is singular, so that the exact gradient is `implicit()` with its least squares.
 *
 * deviates from the step 0.05 of the published code, because: at γ = 0.5 a step of 1/(4γ) takes a third of the iterations
 *
 * @param equations  { x : Ax = b }: `gridFlow`, `flow`, or `affine`
 * @param bounds     what x must lie in besides, exactly. Default x ≥ 0
 * @throws parameter if γ or α is out of range
 * @source Heaton & Wu Fung 2023, eq. (6), (7); McKenzie, Heaton & Wu Fung 2024, eq. (11), (18)
 */
export function decisionModel(
  name: string,
  network: CostNetwork,
  equations: ConvexSet,
  { gamma = GAMMA, alpha = Math.min(1 / (4 * gamma), LONGEST) }: DecisionOptions = {},
  bounds: ConvexSet = nonNegative(),
): Model {
  if (!(gamma > 0 && alpha > 0 && alpha * gamma <= 1)) {
    throw new VouchError("parameter", {
      name: "decisionModel",
      expected: "γ > 0 and 0 < α ≤ 1/γ",
      got: `γ = ${gamma}, α = ${alpha}`,
      remedy: "Leave α out for min(1/(4γ), 2).",
    });
  }
  return define({
    name,
    params: network.params as Readonly<Record<string, Param>>,
    data: { d: ["N", network.context] },
    problem: (params, { d }) => ({
      bounds: { prox: indicator(bounds) },
      conservation: { prox: indicator(equations) },
      cost: { smooth: linear(network.cost(params, d as Tensor), gamma) },
    }),
    split: (problem) => davisYin(problem, { alpha, domain: ["N", network.costs] }),
  });
}
