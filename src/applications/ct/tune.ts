/** @file Constants of the CT models that Bayesian optimization tunes: steps for speed, ρ and knees for quality. */

import type { EngineOptions } from "../../engine/session.js";
import type { Bundle } from "../../files/bundle.js";
import { compileModel, feedParams } from "../../model.js";
import { relaxed } from "../../solvers/relaxed.js";
import { interpret } from "../../tensor/interpret.js";
import type { BayesOptions, Point } from "../../training/bayes.js";
import type { Measurement } from "./examples.js";
import { convex } from "./methods/convex.js";
import { definitionOf, type LearnedMethod } from "./methods/learned.js";
import { solverData } from "./methods.js";
import { LEARNED_RATIO, learnedConvex } from "./models.js";
import type { Tomography } from "./tomography.js";

/**
 * Steps of L-ADMM: αᵢ‖Sᵢ‖² of both terms in units of `objectiveScale`, so that constants are for any scale of an objective, and the
 * over-relaxation. β = 1/Σαᵢ‖Sᵢ‖² and λᵢ = 1/αᵢ follow, so that β Σαᵢ‖Sᵢ‖² ≤ 1 and
 * αᵢλᵢ ≤ 1 hold at every point.
 *
 * @source Pham et al. 2025, α, β, λ by Bayesian optimization; the bounds are those of `linearizedAdmm`
 */
export const STEP_SPACE: BayesOptions["space"] = {
  fidelity: { low: 30, high: 60_000, scale: "log" },
  regularization: { low: 30, high: 60_000, scale: "log" },
  relaxation: { low: 1, high: 1.95, scale: "linear" },
};

/** What a model is solved with. */
export function stepDefault(ct: Tomography, bundle: Bundle): Point {
  const ratio = LEARNED_RATIO / objectiveScale(ct, bundle);
  return { fidelity: ratio, regularization: ratio, relaxation: 1.9 };
}

/**
 * Mean over c of τ_c‖K_c‖₂. An objective times s has dual vectors times s, and the same iterates x with αᵢ times s and β over s.
 *
 * @throws format if the file is another method's
 * @source the steps of `linearizedAdmm`, by substitution
 */
export function objectiveScale(ct: Tomography, bundle: Bundle): number {
  const { count, size, rho } = definitionOf(convex, bundle) as { count: number; size: number; rho: number };
  const { read } = learnedConvex(ct, { count, size, rho }).trace();
  const [K, tau] = interpret([read["K"]!, read["tau"]!], feedParams(bundle.weights));
  const taps = size ** 2;
  const norm = (c: number) => Math.hypot(...K!.data.subarray(c * taps, (c + 1) * taps));
  return tau!.data.reduce((sum, value, c) => sum + value * norm(c), 0) / count;
}

/** Numbers of definitions that the loss chooses: ρ, the share of δ_cert that a model solves in, and the knee of those with log-sum slopes. */
const LOSS_SPACE: BayesOptions["space"] = {
  rho: { low: 0.6, high: 1, scale: "linear" },
  knee: { low: 0.05, high: 10, scale: "log" },
};

/** Those of `LOSS_SPACE` that a method has. */
export function lossSpace({ definition }: Pick<LearnedMethod, "definition">): BayesOptions["space"] {
  return Object.fromEntries(Object.entries(LOSS_SPACE).filter(([name]) => definition[name] !== undefined));
}

/** Looks at the gap, in steps; after a proof that failed they are a tenth of the steps apart. */
const LOOK = 20;

export interface StepsOptions extends EngineOptions {
  /** Proven gap at which a slice has ended. */
  readonly gap: number;
  readonly maxSteps: number;
}

/** Mean steps of the learned convex model to a proven gap; slices that do not come there count with `maxSteps`. */
export async function stepsToGap(
  ct: Tomography,
  bundle: Bundle,
  measurements: readonly Measurement[],
  point: Point,
  { gap, maxSteps, ...engine }: StepsOptions,
): Promise<number> {
  const { count, size, rho } = definitionOf(convex, bundle) as { count: number; size: number; rho: number };
  const scale = objectiveScale(ct, bundle);
  const ratio = { fidelity: point["fidelity"]! * scale, regularization: point["regularization"]! * scale };
  const model = learnedConvex(ct, { count, size, rho, ratio });
  const solver = relaxed(point["relaxation"]!);
  const chunk = { every: LOOK / 2, checks: 2 };
  await using compiled = await compileModel(model, bundle.weights, { ...engine, solver, chunk });
  // Below any residual a slice comes to: the gap alone ends it.
  const { steps } = await compiled.solve(solverData(measurements), { gap, maxSteps, tolerance: 1e-7, strict: false });
  return steps.reduce((a, b) => a + b, 0) / steps.length;
}

/** Mean squared error of a method's answers with the numbers of `point` in its definition. */
export async function lossAt(
  ct: Tomography,
  learned: LearnedMethod,
  bundle: Bundle,
  examples: readonly { readonly image: Float32Array; readonly measurement: Measurement }[],
  point: Point,
  engine: EngineOptions,
): Promise<number> {
  const { manifest, weights } = bundle;
  const moved = { manifest: { ...manifest, options: { ...manifest.options, ...point } }, weights };
  await using open = await learned.method(ct, moved).open(engine);
  const { x } = await open.reconstruct(examples.map(({ measurement }) => measurement));
  const truth = examples.flatMap(({ image }) => [...image]);
  return truth.reduce((sum, value, i) => sum + (x.data[i]! - value) ** 2, 0) / truth.length;
}
