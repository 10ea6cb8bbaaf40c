/** @file Running a solve: chunks until every sample has stopped, the batch compacted in between. */

import type { Float32, Session } from "../engine/session.js";
import { VouchError } from "../errors.js";
import type { Chunk, ChunkShape } from "./chunk.js";

export type Status = "converged" | "max-steps" | "diverged" | "non-finite";

export interface Progress {
  readonly samples: number;
  readonly running: number;
  readonly steps: number;
  readonly maxSteps: number;
  /** Worst residual among running samples. */
  readonly residual: number;
}

export interface SolveOptions {
  /** Worst relative KKT residual at which a sample has converged; > 0. Default 1e-4. */
  readonly tolerance?: number;
  /** Most steps a sample may take; rounded up to whole tests. Default 5000. */
  readonly maxSteps?: number;
  /** Throw unless every sample converged. Default true; false returns the status. */
  readonly strict?: boolean;
  /** Starting point by path, samples in the order of the data; default zeros. */
  readonly start?: Readonly<Record<string, Float32>>;
  readonly onProgress?: (progress: Progress) => void;
  /** Cancels between chunks. */
  readonly signal?: AbortSignal;
}

/** What came of a solve, sample by sample; nothing is averaged over the batch. */
export interface Solution {
  readonly x: Float32;
  /** The final point by path: serialisable, and a warm start for the next solve. */
  readonly z: Readonly<Record<string, Float32>>;
  readonly status: readonly Status[];
  readonly steps: readonly number[];
  /** Relative KKT residuals by name at the last test. */
  readonly residual: readonly Readonly<Record<string, number>>[];
  /** Worst residual at each test. */
  readonly history: readonly (readonly number[])[];
  /** Conditions of the splitting that do not hold, in words; empty when its guarantees apply. */
  readonly violated: readonly string[];
}

/** Motion this many times that of the first test means divergence: where T is nonexpansive it never grows. */
const BLOW_UP = 10;

export interface ChunkRun {
  readonly session: Session;
  readonly chunk: Chunk;
  readonly shape: ChunkShape;
  /** Shape of each state leaf, sample axis first. */
  readonly leafShapes: readonly (readonly (number | "N")[])[];
  readonly violated: readonly string[];
}

/** Solve for a batch of data by name. @throws convergence, cancelled, data */
export async function runChunks(
  run: ChunkRun,
  data: Readonly<Record<string, Float32>>,
  options: SolveOptions,
): Promise<Solution> {
  const { chunk, shape } = run;
  const tolerance = options.tolerance ?? 1e-4;
  const maxSteps = options.maxSteps ?? 5000;
  requirePositive("tolerance", tolerance);
  requirePositive("maxSteps", maxSteps);
  const batch = Object.values(data)[0]?.shape[0] ?? 0;
  requirePositive("samples", batch);
  const state = chunk.paths.map((path, i) => startLeaf(run.leafShapes[i]!, batch, path, options.start));
  const steps = new Array<number>(batch).fill(0);
  const status = new Array<Status>(batch).fill("max-steps");
  const residual = Array.from({ length: batch }, () => ({}) as Record<string, number>);
  const history = Array.from({ length: batch }, () => [] as number[]);
  const motion = Array.from({ length: batch }, () => [] as number[]);
  let x: Float32 | undefined;
  let active = Array.from({ length: batch }, (_, i) => i);
  while (active.length > 0) {
    if (options.signal?.aborted) {
      throw new VouchError("cancelled", {
        name: "solve",
        expected: "to run to the end",
        got: `a cancel after ${Math.max(...steps)} steps`,
        remedy: "Start again, from `start` if a state was kept.",
      });
    }
    const whole = active.length === batch;
    const rows = (array: Float32) => (whole ? array : gather(array, active));
    // Samples still running have all taken the same number of steps.
    const left = Math.ceil((maxSteps - steps[active[0]!]!) / shape.every);
    const feeds: Record<string, Float32> = {
      tolerance: { shape: [], data: Float32Array.of(tolerance) },
      tests: { shape: [], data: Float32Array.of(left) },
    };
    for (const [name, array] of Object.entries(data)) feeds[name] = rows(array);
    chunk.paths.forEach((path, i) => {
      feeds[`state.${path}`] = rows(state[i]!);
    });
    const out = await run.session.run(feeds);
    const count = chunk.paths.length;
    const [xRows, running, taken, tests, ...named] = out.slice(count) as [
      Float32,
      Float32,
      Float32,
      Float32,
      ...Float32[],
    ];
    const motions = named.pop()!;
    active.forEach((sample, row) => {
      const made = taken.data[row]! / shape.every;
      steps[sample]! += taken.data[row]!;
      for (let k = 0; k < made; k++) {
        history[sample]!.push(tests.data[row * shape.checks + k]!);
        motion[sample]!.push(motions.data[row * shape.checks + k]!);
      }
      chunk.names.forEach((name, i) => {
        residual[sample]![name] = named[i]!.data[row]!;
      });
    });
    out.slice(0, count).forEach((array, i) => {
      if (whole) state[i] = array;
      else scatter(array, active, state[i]!);
    });
    if (whole) x = xRows;
    else scatter(xRows, active, x!);
    active = active.filter((sample, row) => {
      if (running.data[row] === 1 && steps[sample]! < maxSteps) return true;
      status[sample] = judge(history[sample]!, motion[sample]!, tolerance);
      return false;
    });
    report(options.onProgress, batch, active, steps, maxSteps, residual);
  }
  const z = Object.fromEntries(chunk.paths.map((path, i) => [path, state[i]!]));
  const solution: Solution = { x: x!, z, status, steps, residual, history, violated: run.violated };
  if (options.strict ?? true) requireConverged(solution, tolerance);
  return solution;
}

function judge(history: readonly number[], motion: readonly number[], tolerance: number): Status {
  const last = history.at(-1)!;
  if (last <= tolerance) return "converged";
  if (motion.some((length) => length > BLOW_UP * motion[0]!)) return "diverged";
  return last < 1e30 ? "max-steps" : "non-finite";
}

function requireConverged({ status, steps, residual, violated }: Solution, tolerance: number): void {
  const bad = status.findIndex((s) => s !== "converged");
  if (bad < 0) return;
  const [name, worst] = Object.entries(residual[bad]!).sort((a, b) => b[1] - a[1])[0] ?? ["", Number.NaN];
  const because = violated.length > 0 ? ` The step condition fails: ${violated.join("; ")}.` : "";
  throw new VouchError("convergence", {
    name: "solve",
    expected: `a fixed point to ${tolerance.toExponential(1)}`,
    got: `${status[bad]} for sample ${bad} after ${steps[bad]} steps (residual of ${name} ${worst.toExponential(2)})`,
    remedy: `Raise maxSteps, loosen tolerance, or pass strict: false to see the status.${because}`,
  });
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0)) {
    throw new VouchError("parameter", {
      name: `solve: ${name}`,
      expected: "a number > 0",
      got: `${value}`,
      remedy: "Leave it out for the default.",
    });
  }
}

function startLeaf(
  shape: readonly (number | "N")[],
  batch: number,
  path: string,
  start: SolveOptions["start"],
): Float32 {
  const concrete = shape.map((dim) => (dim === "N" ? batch : dim));
  const length = concrete.reduce((p, n) => p * n, 1);
  const given = start?.[path];
  if (given === undefined) return { shape: concrete, data: new Float32Array(length) };
  if (given.data.length !== length) {
    throw new VouchError("shape", {
      name: `solve: start "${path}"`,
      expected: `[${concrete}]`,
      got: `[${given.shape}]`,
      remedy: "Pass the z of a solve with this model and batch.",
    });
  }
  return { shape: concrete, data: given.data };
}

/** Rows of an array along the sample axis. */
export function gather(array: Float32, rows: readonly number[]): Float32 {
  const size = array.data.length / array.shape[0]!;
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    data.set(array.data.subarray(row * size, (row + 1) * size), i * size);
  });
  return { shape: [rows.length, ...array.shape.slice(1)], data };
}

/** Write rows back where `gather` took them. */
export function scatter(from: Float32, rows: readonly number[], into: Float32): void {
  const size = from.data.length / Math.max(1, rows.length);
  rows.forEach((row, i) => {
    into.data.set(from.data.subarray(i * size, (i + 1) * size), row * size);
  });
}

function report(
  onProgress: SolveOptions["onProgress"],
  samples: number,
  active: readonly number[],
  steps: readonly number[],
  maxSteps: number,
  residual: readonly Readonly<Record<string, number>>[],
): void {
  onProgress?.({
    samples,
    running: active.length,
    steps: Math.max(...steps),
    maxSteps,
    residual: Math.max(0, ...active.flatMap((sample) => Object.values(residual[sample]!))),
  });
}
