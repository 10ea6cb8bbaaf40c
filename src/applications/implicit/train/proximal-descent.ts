/** @file Minimising a smooth function of a model's numbers and a penalty by proximal gradient steps. */

import { VouchError } from "../../../errors.js";
import type { Penalty } from "../penalties/penalty.js";
import { axpy, inner, type Parameters } from "./parameters.js";

export interface SmoothLoss {
  value(at: Parameters): number;
  gradient(at: Parameters): Parameters;
}

export interface DescentLimits {
  readonly steps: number;
  /** ‖Θ⁺ − Θ‖/t ≥ 0 relative to that of the first step, at which it ends; 0 never ends it. */
  readonly tolerance: number;
}

export interface Descended {
  readonly at: Parameters;
  /** f + P there. */
  readonly objective: number;
  /** ‖Θ⁺ − Θ‖/t of the last step: 0 exactly where −∇f is a subgradient of P. */
  readonly residual: number;
  readonly steps: number;
  /** `stalled`: no step lowers the objective by more than rounding, as at a kink of f. */
  readonly status: "converged" | "max-steps" | "stalled";
}

/** Share of ‖Θ⁺ − Θ‖²/t that each step must win. */
const SUFFICIENT = 1e-4;
/** Range of the step size t, and the halvings after which rounding is all that moves. */
const [LEAST, MOST] = [1e-12, 1e12];

/**
 * min f(Θ) + P(Θ):  Θ⁺ = prox_{tP}(Θ − t∇f(Θ)), t = ‖s‖²/⟨s, r⟩ of the last step s and the change r of the gradient, halved until
 * the objective falls by 1e-4 ‖Θ⁺ − Θ‖²/t.
 *
 * The objective never rises. For a convex f it comes to the least, else to a stationary point.
 *
 * @throws convergence if f or its gradient is not finite at the start
 * @source Wright, Nowak & Figueiredo 2009, Sparse Reconstruction by Separable Approximation, Algorithm 1, monotone
 */
export function proximalDescent(
  { value, gradient }: SmoothLoss,
  penalty: Penalty,
  start: Parameters,
  { steps, tolerance }: DescentLimits,
): Descended {
  let at = penalty.prox(start, 0);
  let objective = value(at) + penalty.value(at);
  let g = gradient(at);
  let t = 1 / Math.max(Math.sqrt(inner(g, g)), 1 / MOST);
  if (!Number.isFinite(objective) || !Number.isFinite(t)) throw notFinite(objective);
  let [residual, first] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const found = search({ value, penalty, at, objective, g }, t);
    if (found === undefined) return { at, objective, residual, steps: step, status: "stalled" };
    const s = axpy(-1, at, found.next);
    const next = gradient(found.next);
    const r = axpy(-1, g, next);
    residual = Math.sqrt(inner(s, s)) / found.t;
    if (step === 0) first = residual;
    const curvature = inner(s, r);
    t = curvature > 0 ? Math.min(MOST, Math.max(LEAST, inner(s, s) / curvature)) : Math.min(MOST, 2 * found.t);
    [at, objective, g] = [found.next, found.objective, next];
    if (residual <= tolerance * first) return { at, objective, residual, steps: step + 1, status: "converged" };
  }
  return { at, objective, residual, steps, status: "max-steps" };
}

interface Now extends Pick<SmoothLoss, "value"> {
  readonly penalty: Penalty;
  readonly at: Parameters;
  readonly objective: number;
  readonly g: Parameters;
}

function search({ value, penalty, at, objective, g }: Now, from: number) {
  for (let t = from; t >= LEAST; t /= 2) {
    const next = penalty.prox(axpy(-t, g, at), t);
    const s = axpy(-1, at, next);
    const moved = inner(s, s);
    if (moved === 0) break;
    const reached = value(next) + penalty.value(next);
    if (reached <= objective - (SUFFICIENT * moved) / t) return { next, t, objective: reached };
  }
  return undefined;
}

function notFinite(objective: number): VouchError {
  return new VouchError("convergence", {
    name: "proximalDescent",
    expected: "a finite objective and gradient at the start",
    got: `${objective}`,
    remedy: "Start from smaller numbers.",
  });
}
