/** @file Reconstruction methods by name: what each computes, and the model whose terms certify its images. */

import { prove } from "../../certificates/certify.js";
import type { EngineOptions, Float32 } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { compileModel, type Model, type Weights } from "../../model.js";
import { relaxed } from "../../solvers/relaxed.js";
import type { Solution, SolveOptions, Status } from "../../solvers/solve.js";
import type { Solver } from "../../solvers/solver.js";
import type { Measurement } from "./examples.js";
import { fbp, hann, type RampFilter } from "./fbp.js";
import { learnedConvex, totalVariation } from "./models.js";
import type { Tomography } from "./tomography.js";

export interface Method<R extends Reconstruction = Reconstruction> {
  /** "tv", "l2o": column of tables, prefix of figures. */
  readonly name: string;
  /** The problem it solves, or, of a method that solves none, the one whose terms its images are measured by. */
  readonly model: Model;
  readonly weights: Weights;
  /** ρ ≤ 1, tuned on training data: the model solves in the ball of radius ρ δ_cert. */
  readonly rho: number;
  /** Other numbers that are tuned, by name. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Numbers tuned or learned: weights and ρ. */
  readonly parameters: number;
  /** Ready to reconstruct. */
  open(engine?: EngineOptions): Promise<Reconstructor<R>>;
}

/** Images, and what made them. Of a method that solves nothing only x says something, and every status is "external". */
export interface Reconstruction extends Omit<Solution, "status"> {
  readonly status: readonly (Status | "external")[];
}

export interface Reconstructor<R extends Reconstruction = Reconstruction> {
  readonly method: Method<R>;
  /** Images of a batch of measurements of one scan geometry. */
  reconstruct(measurements: readonly Measurement[], options?: SolveOptions): Promise<R>;
  /** See `termsOf`; absent where they are the method's own. */
  terms?(reconstruction: R): Terms;
  /** With proofs of optimality, see `prove`; as it was where nothing was solved. */
  prove(measurements: readonly Measurement[], reconstruction: R): R;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A problem with its weights and data. */
export interface Terms {
  readonly model: Model;
  readonly weights: Weights;
  readonly data: Readonly<Record<string, Float32>>;
}

/** What images are measured by: the terms of the problem they answer, or of the method's model; asked before they are proven. */
export function termsOf(
  { method: { model, weights }, terms }: Reconstructor,
  measurements: readonly Measurement[],
  reconstruction: Reconstruction,
): Terms {
  // A network's weights are not those of the model its images are measured by.
  const own = Object.keys(model.params).map((name) => [name, weights[name]!]);
  return terms?.(reconstruction) ?? { model, weights: Object.fromEntries(own), data: solverData(measurements) };
}

/** The images are a solve's: there is a point they were read from, a status and steps. */
export function isSolved(reconstruction: Reconstruction): reconstruction is Solution {
  return !reconstruction.status.includes("external");
}

/** Images [N, 1, size, size] of a method that solves nothing. */
export function external(x: Reconstruction["x"]): Reconstruction {
  const all = <T>(value: T) => Array.from({ length: x.shape[0]! }, () => value);
  const perSample = { status: all("external" as const), steps: all(0), residual: all({}), history: all([]) };
  return { x, ...perSample, proofs: all(undefined), z: {}, duals: {}, violated: [], counts: {} };
}

/**
 * Filtered backprojection, see `fbp`, measured by the terms of TV. Not clipped and bound to no radius: most images fail both.
 *
 * @param filter  default Hann: of the three the best on training slices at 30 views and 1.5 % noise, 21.1 dB, where Ram-Lak has 18.6
 */
export function fbpMethod(ct: Tomography, filter: RampFilter = hann): Method {
  const model = totalVariation(ct, 1);
  const reconstruct = async (measurements: readonly Measurement[]): Promise<Reconstruction> => {
    const data = new Float32Array(measurements.length * ct.size ** 2);
    measurements.forEach(({ d }, i) => {
      data.set(fbp(ct, d, filter), i * ct.size ** 2);
    });
    return external({ shape: [measurements.length, 1, ct.size, ct.size], data });
  };
  const method: Method = {
    ...{ name: "fbp", model, weights: {}, rho: 1, parameters: 0 },
    open: async () => ({ method, reconstruct, prove: (_, made) => made, ...closing(async () => {}) }),
  };
  return method;
}

/** ρ of TV: the best of {0.65, 0.70, …, 0.90} in mean squared error on training slices, see the model cards. */
export const TV_RHO = 0.8;

/** Isotropic TV. */
export function tvMethod(ct: Tomography): Method<Solution> {
  return solved({ name: "tv", model: totalVariation(ct, TV_RHO), weights: {}, rho: TV_RHO, parameters: 1 });
}

/** The learned convex model of a file. @throws format if the file holds another model */
export function l2oMethod(ct: Tomography, { manifest, weights }: Bundle): Method<Solution> {
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
  return solved({ name: "l2o", model, weights, rho, parameters: model.size + 1 });
}

/** Where KKT residuals of the CT solves stop, and when they give up. */
export const CT_SOLVE = { tolerance: 5e-4, maxSteps: 3000 } as const;

/** Over-relaxation: 1.9 takes about half the steps of 1 to the same residual on training slices. */
export const ctSolver: Solver = relaxed(1.9);

/** The method of a model that is solved. */
export function solved(what: Omit<Method, "open">): Method<Solution> {
  const method: Method<Solution> = {
    ...what,
    open: async (engine = {}) => {
      const compiled = await compileModel(what.model, what.weights, { ...engine, solver: ctSolver });
      return {
        method,
        reconstruct: (measurements, options = {}) =>
          compiled.solve(solverData(measurements), { ...CT_SOLVE, strict: false, ...options }),
        prove: (measurements, solution) => prove(compiled, solverData(measurements), solution),
        ...closing(compiled.dispose),
      };
    },
  };
  return method;
}

const closing = (dispose: () => Promise<void>) => ({ dispose, [Symbol.asyncDispose]: dispose });

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
