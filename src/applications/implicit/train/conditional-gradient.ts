/** @file Minimising a smooth convex function over bounded sets by the vertices that its gradient names. */

import { VouchError } from "../../../errors.js";
import type { BoundedSet } from "../penalties/penalty.js";
import { sumOfPenalties } from "../penalties/penalty.js";
import { axpy, inner, mapParts, type Parameters } from "./parameters.js";
import type { SmoothLoss } from "./proximal-descent.js";

export interface ConditionalGradientLimits {
  readonly steps: number;
  /** Duality gap ≥ 0 at which it ends; absolute. */
  readonly gap: number;
}

export interface ConditionalGradientResult {
  readonly at: Parameters;
  readonly objective: number;
  /** max over the sets of ⟨∇f, Θ − S⟩: f(Θ) is above the least value by at most this, if f is convex. */
  readonly gap: number;
  readonly steps: number;
  readonly status: "converged" | "max-steps";
}

/** Factors of the curvature estimate M: before each step, and while it is too small. */
const [EASE, RAISE] = [0.9, 2];

/**
 * min f over the product of the sets:  Θ⁺ = Θ + γ(S − Θ),  S = argmin ⟨∇f(Θ), S⟩,  γ = min(1, g/(M‖S − Θ‖²)),  g = ⟨∇f(Θ), Θ − S⟩
 *
 * with M doubled until f(Θ⁺) ≤ f(Θ) − γg + ½γ²M‖S − Θ‖². f never rises; g falls as 1/k for a convex f. Parts that no set speaks of stay.
 *
 * @param start  put on the sets first
 * @throws parameter if two sets share a part; convergence if f is not finite
 * @source Frank & Wolfe 1956; Jaggi 2013, Revisiting Frank–Wolfe, eq. (2) (the gap); Pedregosa, Negiar, Askari & Jaggi 2020, Linearly
 * Convergent Frank–Wolfe with Backtracking Line-Search, Algorithm 2; El Ghaoui et al., eq. (12), (13)
 */
export function conditionalGradient(
  { value, gradient }: SmoothLoss,
  sets: readonly BoundedSet[],
  start: Parameters,
  { steps, gap: enough }: ConditionalGradientLimits,
): ConditionalGradientResult {
  const set = sumOfPenalties(sets);
  let at = set.prox(start, 0);
  let objective = value(at);
  let M = 0;
  for (let step = 0; ; step++) {
    const g = gradient(at);
    const vertex = vertexOf(sets, at, g);
    const d = axpy(-1, at, vertex);
    const gap = -inner(g, d);
    if (!Number.isFinite(objective) || !Number.isFinite(gap)) throw notFinite(objective, step);
    if (gap <= enough) return { at, objective, gap, steps: step, status: "converged" };
    if (step === steps) return { at, objective, gap, steps, status: "max-steps" };
    const length = inner(d, d);
    M = M > 0 ? EASE * M : gap / length;
    for (;;) {
      const gamma = Math.min(1, gap / (M * length));
      const next = axpy(gamma, d, at);
      const reached = value(next);
      // At the last bits of f no M is enough, and the steps are as good as 0.
      if (reached <= objective - gamma * gap + 0.5 * gamma ** 2 * M * length || gamma < Number.EPSILON) {
        [at, objective] = [next, reached];
        break;
      }
      M *= RAISE;
    }
  }
}

/** The vertex of the product: `at` where no set speaks. */
function vertexOf(sets: readonly BoundedSet[], at: Parameters, g: Parameters): Parameters {
  const found = sets.map((set) => ({ set, vertex: set.vertex(g) }));
  return mapParts((part) => found.find(({ set }) => set.parts.includes(part))?.vertex[part] ?? at[part]);
}

function notFinite(objective: number, step: number): VouchError {
  return new VouchError("convergence", {
    name: "conditionalGradient",
    expected: "a finite function and gradient",
    got: `${objective} at step ${step}`,
    remedy: "Start from smaller numbers.",
  });
}
