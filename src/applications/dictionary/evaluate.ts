/** @file How good a learned dictionary is, and whether its certificates tell right answers from wrong ones. */

import { type Calibration, calibrate, digest, type Reference } from "../../certificates/calibration.js";
import { certify, type Result } from "../../certificates/certify.js";
import { conformalLabel, type Labeller } from "../../certificates/labels.js";
import { measureProperties, valuesByTerm } from "../../certificates/measure.js";
import type { EngineOptions, Float32 } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { type CompiledModel, compileModel, type Model, type Weights } from "../../model.js";
import { picard } from "../../solvers/picard.js";
import type { Solution, SolveOptions } from "../../solvers/solve.js";
import { type DictionaryProblem, type DictionarySignals, dictionaryProblem, signals } from "./data.js";
import { leastSquares } from "./least-squares.js";
import { implicitDictionary } from "./model.js";

/** Where the KKT residuals of dictionary solves stop, and when they give up. */
export const DICTIONARY_SOLVE = { tolerance: 1e-4, maxSteps: 50_000 } as const;

/** Fail at a false-alarm rate of 5 % a property, without warnings: the paper's threshold at 95 %. */
export const dictionaryLabel: Labeller = (values, alpha) =>
  conformalLabel(values, alpha, { fail: 0.05, warning: 0.05 });

export interface DictionaryOptions extends EngineOptions, Pick<SolveOptions, "tolerance" | "maxSteps" | "signal"> {
  /** Signals of the stream "calibration", on which neither weights nor their choice depend. Default 500. */
  readonly calibration?: number;
  /** What trusted values are of: the model's answers on those signals, or the signals themselves. Default "inferences". */
  readonly reference?: Reference;
  /** Called after each batch of solves. */
  readonly onProgress?: (progress: { readonly solved: number; readonly total: number }) => void;
}

export interface EvaluateDictionaryOptions extends DictionaryOptions {
  /** Signals of the stream "test". Default 1000. */
  readonly test?: number;
}

/** Figures over the test signals with d ≠ 0; rates are shares of them. */
export interface DictionaryFigures {
  /** √(Σ‖x − x*‖² / Σ‖x*‖²). */
  readonly test_relative_error: number;
  /** True signals that pass in sparsity and fidelity. */
  readonly true_pass: number;
  /** Inferences that pass in both. */
  readonly inference_pass: number;
  /** Another test signal offered as the answer: fails in fidelity. */
  readonly wrong_fidelity_fail: number;
  /** The minimum-norm least squares answer: fails in sparsity. */
  readonly least_squares_sparsity_fail: number;
  /** Inferences that did not converge: a count. */
  readonly unconverged: number;
  readonly steps_median: number;
  /** Learned numbers. */
  readonly size: number;
}

/**
 * Solve the test signals to convergence and label four answers to each: true, inferred, wrong and least squares.
 *
 * @throws format if the bundle holds another model; cancelled
 * @source Heaton & Wu Fung 2023, Figure 3, over a whole test set
 */
export async function evaluateDictionary(
  bundle: Bundle,
  options: EvaluateDictionaryOptions = {},
): Promise<DictionaryFigures> {
  const { test = 1000, calibration: trusted = 500, reference = "inferences" } = options;
  const problem = bundleProblem(bundle);
  const held = measured(problem, trusted, "calibration");
  const given = measured(problem, test, "test");
  const total = given.count + (reference === "inferences" ? held.count : 0);
  await using solver = await dictionarySolver(bundle, options, total);
  const calibration = await calibrateOn(solver, held, reference);
  const solution = await solver.solve(given.d);
  const label = (x: Float32Array) => certifyAnswer(solver, given, x, calibration);
  const steps = [...solution.steps].sort((a, b) => a - b);
  return {
    test_relative_error: relativeDistance(solution.x.data, given.x),
    true_pass: share(label(given.x), bothPass),
    inference_pass: share(label(solution.x.data), bothPass),
    wrong_fidelity_fail: share(label(rotate(given.x, problem.n)), fails("fidelity")),
    least_squares_sparsity_fail: share(label(leastSquares(problem, given.d)), fails("sparsity")),
    unconverged: solution.status.filter((status) => status !== "converged").length,
    steps_median: steps[steps.length >> 1]!,
    size: solver.model.size,
  };
}

/** Property values of held-out inferences or truths. @throws format if the bundle holds another model; cancelled */
export async function calibrateDictionary(bundle: Bundle, options: DictionaryOptions = {}): Promise<Calibration> {
  const { calibration = 500, reference = "inferences" } = options;
  const held = measured(bundleProblem(bundle), calibration, "calibration");
  await using solver = await dictionarySolver(bundle, options, reference === "inferences" ? held.count : 0);
  return await calibrateOn(solver, held, reference);
}

/** A bundle's problem, model and weights, compiled, solving in batches with progress. */
export interface DictionarySolver {
  readonly problem: DictionaryProblem;
  readonly model: Model;
  readonly weights: Weights;
  /** x of d [N, m] row-major, to the tolerance or maxSteps; a status a sample. */
  solve(d: Float32Array): Promise<Pick<Solution, "x" | "status" | "steps" | "residual">>;
  [Symbol.asyncDispose](): Promise<void>;
}

const BATCH = 100;

/** @param total  signals that will be solved in all, for progress */
export async function dictionarySolver(
  bundle: Bundle,
  options: DictionaryOptions,
  total: number,
): Promise<DictionarySolver> {
  const problem = bundleProblem(bundle);
  const { weights } = bundle;
  const model = implicitDictionary(problem);
  const { threads, device, onProgress, signal } = options;
  const engine = { ...(threads !== undefined && { threads }), ...(device !== undefined && { device }) };
  // Over-relaxed, float32 leaves 1.2e-4 of the residual at the worst of 8 signals, plain 5.9e-5.
  const compiled = await compileModel(model, weights, { ...engine, solver: picard() });
  const stop = {
    tolerance: options.tolerance ?? DICTIONARY_SOLVE.tolerance,
    maxSteps: options.maxSteps ?? DICTIONARY_SOLVE.maxSteps,
    ...(signal && { signal }),
  };
  let solved = 0;
  return {
    ...{ problem, model, weights },
    solve: (d) =>
      solveBatches(compiled, d, problem.m, stop, (count) => {
        solved += count;
        onProgress?.({ solved, total });
      }),
    [Symbol.asyncDispose]: () => compiled.dispose(),
  };
}

/** A and M of a bundle. @throws format if it holds another model */
export function bundleProblem({ manifest }: Bundle): DictionaryProblem {
  const { seed, m, n, r } = manifest.options;
  if (manifest.model !== "dictionary" || [seed, m, n, r].includes(undefined)) {
    throw new VouchError("format", {
      name: "evaluateDictionary",
      expected: "a dictionary model with seed, m, n and r",
      got: `${manifest.model} with ${Object.keys(manifest.options).join(", ") || "no options"}`,
      remedy: "Pass a file made by `vouch train dictionary`.",
    });
  }
  return dictionaryProblem(seed!, { m: m!, n: n!, r: r! });
}

async function solveBatches(
  compiled: CompiledModel,
  d: Float32Array,
  m: number,
  stop: SolveOptions,
  onBatch: (count: number) => void,
) {
  const count = d.length / m;
  const parts: Solution[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const batch = Math.min(BATCH, count - start);
    const data = { d: { shape: [batch, m], data: d.slice(start * m, (start + batch) * m) } };
    parts.push(await compiled.solve(data, { ...stop, strict: false }));
    onBatch(batch);
  }
  return {
    x: joined(parts.map(({ x }) => x)),
    status: parts.flatMap(({ status }) => status),
    steps: parts.flatMap(({ steps }) => steps),
    residual: parts.flatMap(({ residual }) => residual),
  };
}

function joined(parts: readonly Float32[]): Float32 {
  const width = parts[0]!.shape[1]!;
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return { shape: [data.length / width, width], data };
}

interface Measured extends DictionarySignals {
  readonly count: number;
}

/** Signals of a stream. d = 0 has the answer 0 and no digest of its own: such signals (one in two hundred) are left out. */
function measured(problem: DictionaryProblem, count: number, stream: string): Measured {
  const { m, n } = problem;
  const { x, d } = signals(problem, count, stream);
  const kept = Array.from({ length: count }, (_, k) => k).filter((k) =>
    d.subarray(k * m, (k + 1) * m).some((value) => value !== 0),
  );
  const pick = (array: Float32Array, width: number) =>
    Float32Array.from(kept.flatMap((k) => Array.from(array.subarray(k * width, (k + 1) * width))));
  return { x: pick(x, n), d: pick(d, m), count: kept.length };
}

async function calibrateOn(solver: DictionarySolver, held: Measured, reference: Reference): Promise<Calibration> {
  const { problem, model, weights } = solver;
  const { m, n } = problem;
  const { count, d } = held;
  const x = reference === "truth" ? held.x : (await solver.solve(d)).x.data;
  const data = { d: { shape: [count, m], data: d } };
  const values = valuesByTerm(measureProperties(model, weights, data, { shape: [count, n], data: x }));
  const samples = Array.from({ length: count }, (_, k) => digest(d.subarray(k * m, (k + 1) * m)));
  return calibrate({ values, reference, samples: await Promise.all(samples) });
}

/** Certificates of answers x to the data d, wherever they come from. */
export function certifyAnswer(
  { problem: { m, n }, model, weights }: DictionarySolver,
  { d }: Pick<DictionarySignals, "d">,
  x: Float32Array,
  calibration: Calibration,
): Result[] {
  const rows = d.length / m;
  return certify({
    ...{ model, weights, calibration, label: dictionaryLabel },
    data: { d: { shape: [rows, m], data: d } },
    x: { shape: [rows, n], data: x },
  });
}

/** Each row moved up by one, the first to the end: another signal in every place. */
export function rotate(x: Float32Array, n: number): Float32Array {
  const moved = new Float32Array(x.length);
  moved.set(x.subarray(n));
  moved.set(x.subarray(0, n), x.length - n);
  return moved;
}

function relativeDistance(x: Float32Array, truth: Float32Array): number {
  let [error, square] = [0, 0];
  truth.forEach((value, i) => {
    error += (x[i]! - value) ** 2;
    square += value ** 2;
  });
  return Math.sqrt(error / square);
}

function share(results: readonly Result[], holds: (result: Result) => boolean): number {
  return results.filter(holds).length / results.length;
}

/** No solve is certified here, so that there are two certificates: sparsity and fidelity. */
const bothPass = ({ trustworthy }: Result) => trustworthy;

function fails(term: string): (result: Result) => boolean {
  return ({ certificates }) => certificates.some(({ property, label }) => property === term && label === "fail");
}
