/** @file Reconstruction methods by name, ready to solve: a model and its weights. */

import { prove } from "../../certificates/certify.js";
import type { EngineOptions } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { type CompiledModel, compileModel, type Model, type Weights } from "../../model.js";
import { relaxed } from "../../solvers/relaxed.js";
import type { Solution, SolveOptions } from "../../solvers/solve.js";
import type { Solver } from "../../solvers/solver.js";
import type { Measurement } from "./examples.js";
import { learnedConvex, totalVariation } from "./models.js";
import type { Tomography } from "./tomography.js";

export interface Method {
  /** "tv", "l2o": column of tables, prefix of figures. */
  readonly name: string;
  readonly model: Model;
  readonly weights: Weights;
  /** ρ ≤ 1, tuned on training data: the model solves in the ball of radius ρ δ_cert. */
  readonly rho: number;
  /** Numbers tuned or learned: weights and ρ. */
  readonly parameters: number;
}

/** ρ of TV: the best of {0.65, 0.70, …, 0.90} in mean squared error on training slices, see the model cards. */
export const TV_RHO = 0.8;

/** Isotropic TV. */
export function tvMethod(ct: Tomography): Method {
  return { name: "tv", model: totalVariation(ct, TV_RHO), weights: {}, rho: TV_RHO, parameters: 1 };
}

/** The learned convex model of a file. @throws format if the file holds another model */
export function l2oMethod(ct: Tomography, { manifest, weights }: Bundle): Method {
  const { count, size, rho } = manifest.options;
  if (manifest.model !== "ct-convex" || count === undefined || size === undefined || rho === undefined) {
    throw new VouchError("format", {
      name: "l2oMethod",
      expected: "a ct-convex model with count, size and rho",
      got: `${manifest.model} with ${Object.keys(manifest.options).join(", ")}`,
      remedy: "Pass a file made by `vouch train ct`.",
    });
  }
  const model = learnedConvex(ct, { count, size, rho });
  return { name: "l2o", model, weights, rho, parameters: model.size + 1 };
}

/** Where KKT residuals of the CT solves stop, and when they give up. */
export const CT_SOLVE = { tolerance: 5e-4, maxSteps: 3000 } as const;

/** Over-relaxation: 1.9 takes about half the steps of 1 to the same residual on training slices. */
export const ctSolver: Solver = relaxed(1.9);

export interface Reconstructor {
  readonly method: Method;
  /** Solve for a batch of measurements of one scan geometry. */
  reconstruct(measurements: readonly Measurement[], options?: SolveOptions): Promise<Solution>;
  /** The solution with its proofs of optimality, see `prove`. */
  prove(measurements: readonly Measurement[], solution: Solution): Solution;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function reconstructor(method: Method, engine: EngineOptions = {}): Promise<Reconstructor> {
  const compiled: CompiledModel = await compileModel(method.model, method.weights, {
    ...engine,
    solver: ctSolver,
  });
  return {
    method,
    reconstruct: (measurements, options = {}) =>
      compiled.solve(solverData(measurements), { ...CT_SOLVE, strict: false, ...options }),
    prove: (measurements, solution) => prove(compiled, solverData(measurements), solution),
    dispose: compiled.dispose,
    [Symbol.asyncDispose]: compiled.dispose,
  };
}

/** Measurements as the models' data: d and δ = δ_cert. @throws parameter if a radius is not ≥ 0 and finite */
export function solverData(measurements: readonly Measurement[]) {
  const rows = measurements[0]?.d.length ?? 0;
  const d = new Float32Array(measurements.length * rows);
  measurements.forEach((one, i) => {
    if (!(one.radius >= 0 && Number.isFinite(one.radius))) {
      throw new VouchError("parameter", {
        name: `reconstruct: radius of measurement ${i}`,
        expected: "δ ≥ 0 and finite, in the units of d",
        got: `${one.radius}`,
        remedy: "Take it from `noiseRadius`.",
      });
    }
    d.set(one.d, i * rows);
  });
  return {
    d: { shape: [measurements.length, rows], data: d },
    delta: { shape: [measurements.length], data: Float32Array.from(measurements, ({ radius }) => radius) },
  };
}
