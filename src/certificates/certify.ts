/** @file Certificates: each inference with a label for every named term, and the post-condition that they all pass. */

import type { Float32 } from "../engine/session.js";
import { VouchError } from "../errors.js";
import type { CompiledModel, Model, Weights } from "../model.js";
import { isSmooth, type Problem } from "../problem.js";
import type { Solution, SolveOptions, Status } from "../solvers/solve.js";
import type { Solver } from "../solvers/solver.js";
import type { Verdict } from "../verify/check.js";
import type { Proof } from "../witness.js";
import type { Calibration } from "./calibration.js";
import { type Joint, jointTest, type Levels } from "./joint.js";
import { conformalLabel, countAtLeast, type Label, type Labeller, type Rank } from "./labels.js";
import { type Measured, measureProperties } from "./measure.js";

/** (name, label) and what it rests on. @source Heaton & Wu Fung 2023, eq. (10) */
export interface Certificate {
  /** The name: that of the term it vouches for, or "convergence". */
  readonly property: string;
  /** What the value is: "nonzeros", "relative error". */
  readonly kind: string;
  /** ≥ 0, small is good; NaN where x is not finite. */
  readonly value: number;
  /** Conformal p-value, where the labeller gives one. */
  readonly p?: number;
  /** The same as whole numbers. */
  readonly rank?: Rank;
  readonly label: Label;
  /** The part of the model at fault if it fails: the term, or "convergence". */
  readonly term: string;
  /** One sentence in words. */
  readonly because: string;
}

/** Whether x is near a minimum of the stated objective: labels never say so, a proof may. */
export type Optimality = Verdict | { readonly verdict: "unchecked" };

/** One inference. Pass is not correctness: what A does not see, no certificate of Ax sees. */
export interface Result {
  /** Without the sample axis. */
  readonly x: Float32;
  /** "external" where x was not made by a solve of this model: then there is no `convergence`. */
  readonly status: Status | "external";
  /** One for each proximable term in the model's order, then `convergence`, then `optimality` where a proof was tried. */
  readonly certificates: readonly Certificate[];
  /** Every certificate passes. */
  readonly trustworthy: boolean;
  /** All properties at once, at a level that holds for them together; independent of `trustworthy`. */
  readonly joint: Joint;
  /** "none" where a proximable term has no value or no conjugate, or there are no terms. */
  readonly objective: "explicit" | "none";
  readonly optimality: Optimality;
}

interface Certified {
  readonly model: Model;
  readonly weights: Weights;
  /** By name, each [N, …]. */
  readonly data: Readonly<Record<string, Float32>>;
  readonly calibration: Calibration;
  /** Default conformalLabel at its default levels. */
  readonly label?: Labeller;
  /** Of the joint test; default 0.05 and 0.1. */
  readonly levels?: Levels;
  /** Properties measured elsewhere, one record a sample, such as held-out rays: labelled and tested like those of terms. */
  readonly also?: readonly Readonly<Record<string, Measured>>[];
  /** Largest proven gap that passes, a share of the objective. Default 0.05. */
  readonly gap?: number;
}

/** Inferences of this model, or inferences from elsewhere. */
export type CertifyOptions =
  | (Certified & { readonly solution: Solution /** That made it; default picard(). */; readonly solver?: Solver })
  | (Certified & { readonly x: Float32 });

const CONVERGENCE = "convergence";
const OPTIMALITY = "optimality";
const DEFAULT_GAP = 0.05;

const trusted: Readonly<Record<Calibration["reference"], string>> = {
  truth: "held-out ground truths",
  inferences: "held-out inferences",
};

/**
 * Certify a batch, sample by sample, from the float32 bytes in float64.
 *
 * @throws certificate if a term has no calibration, x was not read from the solution's z, or the labeller refuses; shape, data
 */
export function certify(options: CertifyOptions): Result[] {
  const { model, weights, data, calibration, label = conformalLabel, levels, also, gap = DEFAULT_GAP } = options;
  const solution = "solution" in options ? options.solution : undefined;
  const x = "solution" in options ? options.solution.x : options.x;
  const solver = "solution" in options && options.solver ? { solver: options.solver } : {};
  const { problem } = model.trace();
  requireCalibrated(problem, calibration, also);
  const objective = objectiveOf(problem);
  // A repaired x is no longer the one of z.
  const z = solution?.proofs.some((proof) => (proof?.moved ?? 0) > 0) ? undefined : solution?.z;
  const size = x.data.length / x.shape[0]!;
  return measureProperties(model, weights, data, x, z, solver).map((ofTerms, n) => {
    const measured = { ...ofTerms, ...also?.[n] };
    const values = Object.fromEntries(Object.entries(measured).map(([name, { value }]) => [name, value]));
    const terms = Object.entries(measured).map(([term, m]) => certifyTerm(term, m, calibration, label));
    const proof = solution?.proofs[n];
    const certificates = [
      ...terms,
      ...(solution ? [certifyConvergence(solution, n)] : []),
      ...(proof ? [certifyOptimality(proof, gap)] : []),
    ];
    return {
      x: { shape: x.shape.slice(1), data: x.data.slice(n * size, (n + 1) * size) },
      status: solution?.status[n] ?? "external",
      certificates,
      trustworthy: certificates.length > 0 && certificates.every((certificate) => certificate.label === "pass"),
      joint: jointTest(calibration.values, values, levels),
      objective,
      optimality: proof?.verdict ?? unproven(objective),
    };
  });
}

export interface InferOptions extends Omit<SolveOptions, "strict"> {
  readonly calibration: Calibration;
  /** Default conformalLabel at its default levels. */
  readonly label?: Labeller;
  /** The solver `compiled` was made with; default picard(). */
  readonly solver?: Solver;
}

/**
 * Solve, prove and certify. A sample that does not converge is returned with a failed `convergence`.
 *
 * Where the model has a dual bound every sample is proven, feasibility repaired where needed; with `gap` the solve stops as
 * soon as that much is proven.
 */
export async function infer(
  compiled: CompiledModel,
  model: Model,
  weights: Weights,
  data: Readonly<Record<string, Float32>>,
  { calibration, label = conformalLabel, solver, ...solve }: InferOptions,
): Promise<Result[]> {
  requireCalibrated(model.trace().problem, calibration);
  const solved = await compiled.solve(data, { ...solve, strict: false });
  const solution = prove(compiled, data, solved);
  const gap = solve.gap === undefined ? {} : { gap: solve.gap };
  return certify({ model, weights, data, solution, calibration, label, ...gap, ...(solver ? { solver } : {}) });
}

/**
 * The solution with what can be proven of its samples, and with the answers the proofs are of: float64, without the engine.
 *
 * Unchanged where the model has no dual bound; samples that have a proof keep it.
 */
export function prove(
  compiled: Pick<CompiledModel, "provable" | "prove">,
  data: Readonly<Record<string, Float32>>,
  solution: Solution,
): Solution {
  if (!compiled.provable.provable || solution.proofs.every((proof) => proof !== undefined)) return solution;
  return withProofs(
    solution,
    compiled.prove(data, solution).map((proof, n) => solution.proofs[n] ?? proof),
  );
}

/** The answers that the proofs are of, one a sample, with them. */
export function withProofs<S extends Pick<Solution, "x" | "proofs">>(solution: S, proofs: readonly Proof[]): S {
  const x = { shape: solution.x.shape, data: Float32Array.from(solution.x.data) };
  const size = x.data.length / proofs.length;
  proofs.forEach((proof, n) => {
    x.data.set(proof.x.data, n * size);
  });
  return { ...solution, x, proofs };
}

/**
 * The result, if every certificate passes: the post-condition of an inference.
 *
 * @throws certificate naming each term that does not pass, a warning included, its value, and what to try
 * @source Heaton & Wu Fung 2023, Supplementary Figure A1
 */
export function requirePass<R extends Pick<Result, "certificates" | "trustworthy">>(result: R): R {
  if (result.trustworthy) return result;
  const bad = result.certificates.filter(({ label }) => label !== "pass");
  const terms = bad
    .filter(({ property }) => property !== CONVERGENCE && property !== OPTIMALITY)
    .map(({ term }) => term);
  const remedies = [
    ...(terms.length < bad.length ? ["Raise maxSteps and check the step conditions before judging the terms."] : []),
    ...(terms.length > 0
      ? [`Check the data and operator of ${terms.join(", ")}, and that the calibration covers such inputs.`]
      : []),
  ];
  throw new VouchError("certificate", {
    name: "requirePass",
    expected: "every certificate to pass",
    got: bad.map(({ property, label, because }) => `${property}: ${label} (${because})`).join("; ") || "no certificate",
    remedy: remedies.join(" ") || "Certify at least one term.",
  });
}

/** "explicit" where every proximable term has a value and a conjugate, so that a dual bound can exist. */
export function objectiveOf(problem: Problem): "explicit" | "none" {
  const terms = Object.values(problem);
  const explicit = terms.every((term) => isSmooth(term) || (term.prox.value && term.prox.conjugate));
  return explicit && terms.length > 0 ? "explicit" : "none";
}

function certifyTerm(term: string, measured: Measured, calibration: Calibration, label: Labeller): Certificate {
  const { kind, value } = measured;
  const values = calibration.values[term]!;
  const labelled = label(values, value);
  const count = countAtLeast(values, value);
  const p = labelled.p === undefined ? "" : ` (p = ${show(labelled.p)})`;
  const whom = `${values.length} ${trusted[calibration.reference]}`;
  const rank =
    count === 0 ? `more than all ${whom}` : `of ${whom}, ${count} ${count === 1 ? "was" : "were"} at least this bad`;
  const because = Number.isNaN(value) ? `${kind} is not a number` : `${told(measured)}: ${rank}${p}`;
  return { property: term, kind, value, ...labelled, term, because };
}

function certifyConvergence({ status, steps, residual, violated }: Solution, n: number): Certificate {
  const [name, value] = Object.entries(residual[n]!).reduce((worst, next) => (next[1] <= worst[1] ? worst : next), [
    "",
    0,
  ] as [string, number]);
  const where = name === "" ? "" : ` (${name})`;
  const caveat = violated.length > 0 ? `; without guarantee, as a step condition fails: ${violated.join("; ")}` : "";
  return {
    property: CONVERGENCE,
    kind: "KKT residual",
    value,
    label: status[n] === "converged" ? "pass" : "fail",
    term: CONVERGENCE,
    because: `${status[n]} after ${steps[n]} steps at relative KKT residual ${show(value)}${where}${caveat}`,
  };
}

function unproven(objective: "explicit" | "none"): Optimality {
  if (objective === "explicit") return { verdict: "unchecked" };
  const detail = "a term has no value or no conjugate";
  return { verdict: "UNVERIFIABLE", reason: "no-objective", detail, constraints: [] };
}

function certifyOptimality({ verdict, moved }: Proof, gap: number): Certificate {
  const about = { property: OPTIMALITY, kind: "proven gap", term: OPTIMALITY };
  if (verdict.verdict === "UNVERIFIABLE") {
    const because = `UNVERIFIABLE(${verdict.reason}): ${verdict.detail}`;
    return { ...about, value: Number.POSITIVE_INFINITY, label: "fail", because };
  }
  const { relativeGap, constraints, given } = verdict;
  const met = constraints.map(({ name }) => name).join(" and ") || "nothing";
  const where = given.length > 0 ? ` (${given.join(", ")})` : "";
  const pulled = moved > 0 ? `; x was moved ${show(100 * moved)} % toward an inner point to be feasible` : "";
  const because = `no x that meets ${met}${where} has an objective more than ${show(100 * relativeGap)} % lower${pulled}; that is not to say x is right`;
  return { ...about, value: relativeGap, label: relativeGap <= gap ? "pass" : "fail", because };
}

function requireCalibrated(
  problem: Problem,
  { values }: Calibration,
  also: readonly Readonly<Record<string, Measured>>[] = [],
): void {
  const terms = Object.entries(problem).flatMap(([name, term]) => (isSmooth(term) ? [] : [name]));
  for (const name of [...terms, ...Object.keys(also[0] ?? {})]) {
    if (name === CONVERGENCE || name === OPTIMALITY) {
      throw new VouchError("problem", {
        name: "certify",
        expected: "terms with names of their own",
        got: `a term "${name}"`,
        remedy: "Rename the term: the certificate of the whole inference has this name.",
      });
    }
    if (!Object.hasOwn(values, name)) {
      throw new VouchError("certificate", {
        name: "certify",
        expected: `calibration values of "${name}"`,
        got: Object.keys(values).join(", ") || "none",
        remedy: "Calibrate with this model's terms.",
      });
    }
  }
}

/** "distance to ball 0.0123 (0.30 % of ‖Sx‖)". */
function told({ kind, value, size }: Measured): string {
  const share = size !== undefined && size > 0 && value > 0 ? ` (${show((100 * value) / size)} % of ‖Sx‖)` : "";
  return `${kind} ${show(value)}${share}`;
}

function show(value: number): string {
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(3))}`;
}
