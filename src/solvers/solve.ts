/** @file Running a solve: chunks until every sample has stopped, the batch compacted in between. */

import type { Float32, Session } from "../engine/session.js";
import { VouchError } from "../errors.js";
import type { Balance } from "../operator.js";
import type { Proof } from "../witness.js";
import { balanceFeed, rebalanced } from "./balance.js";
import type { Chunk, ChunkShape } from "./chunk.js";
import { gather, scatter } from "./rows.js";

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
  /**
   * Stop a sample once no feasible x is proven to be better by more than this share of its objective; in (0, 1). Checked
   * between chunks; after a proof that failed, not again before a tenth more steps. A sample that converges first is proven then, whatever
   * its gap. Default: nothing is proven.
   */
  readonly gap?: number;
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
  /** Dual vectors by term name, the last or their mean over the last chunk, whichever bounds better. Empty without a dual bound. */
  readonly duals: Readonly<Record<string, Float32>>;
  /** What is proven of each sample where `gap` was asked for; then x is the answer it is proven of. */
  readonly proofs: readonly (Proof | undefined)[];
  readonly status: readonly Status[];
  /** Steps taken, whole tests; of a sample that turned not finite, up to the test that saw it: its x is that of the test before. */
  readonly steps: readonly number[];
  /** Relative KKT residuals by name at the last test. */
  readonly residual: readonly Readonly<Record<string, number>>[];
  /** Worst residual at each test. */
  readonly history: readonly (readonly number[])[];
  /** Conditions of the splitting that do not hold, in words; empty when its guarantees apply. */
  readonly violated: readonly string[];
  /** Events of the solver by name, sample by sample: `rejected` proposals, `restarts`. */
  readonly counts: Readonly<Record<string, readonly number[]>>;
}

/** Defaults of `SolveOptions`. */
export const STOP = { tolerance: 1e-4, maxSteps: 5000 } as const;

/** Motion this many times that of the first test means divergence: where T is nonexpansive it never grows. */
export const BLOW_UP = 10;

export interface ChunkRun {
  readonly session: Session;
  readonly chunk: Chunk;
  readonly shape: ChunkShape;
  /** Shape of each state leaf, sample axis first. */
  readonly leafShapes: readonly (readonly (number | "N")[])[];
  readonly violated: readonly string[];
  /** Paths of the state that count events, by name. */
  readonly counts: Readonly<Record<string, string>>;
  readonly balance?: Balance;
  /** Names of the averaged dual vectors, at the end of the outputs before P and D; absent where there is no bound. */
  readonly dual?: { readonly names: readonly string[]; readonly prove: ProveSample };
}

/** Prove what can be proven of row `n` of a batch. */
export type ProveSample = (
  data: Readonly<Record<string, Float32>>,
  x: Float32,
  duals: Readonly<Record<string, Float32>>,
  n: number,
) => Proof;

/** Solve for a batch of data by name. @throws convergence, cancelled, data */
export async function runChunks(
  run: ChunkRun,
  data: Readonly<Record<string, Float32>>,
  options: SolveOptions,
): Promise<Solution> {
  const { chunk, shape } = run;
  const tolerance = options.tolerance ?? STOP.tolerance;
  const maxSteps = options.maxSteps ?? STOP.maxSteps;
  requirePositive("solve: tolerance", tolerance);
  requirePositive("solve: maxSteps", maxSteps);
  const batch = Object.values(data)[0]?.shape[0] ?? 0;
  requirePositive("solve: samples", batch);
  const { gap } = options;
  if (gap !== undefined) requireGap(gap, run);
  const state = chunk.paths.map((path, i) => startLeaf(run.leafShapes[i]!, batch, path, options.start));
  const steps = new Array<number>(batch).fill(0);
  const status = new Array<Status>(batch).fill("max-steps");
  const residual = Array.from({ length: batch }, () => ({}) as Record<string, number>);
  const history = Array.from({ length: batch }, () => [] as number[]);
  const motion = Array.from({ length: batch }, () => [] as number[]);
  const factors = new Float32Array(batch).fill(1);
  const changes = new Array<number>(batch).fill(0);
  const proofs = new Array<Proof | undefined>(batch).fill(undefined);
  const failed = new Array<number>(batch).fill(0);
  const duals: Record<string, Float32> = {};
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
    Object.assign(
      feeds,
      balanceFeed(
        run.balance,
        Float32Array.from(active, (sample) => factors[sample]!),
      ),
    );
    chunk.paths.forEach((path, i) => {
      feeds[`state.${path}`] = rows(state[i]!);
    });
    const all = await run.session.run(feeds);
    const own = run.dual ? all.length - run.dual.names.length - 2 : all.length;
    const out = all.slice(0, own);
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
    run.dual?.names.forEach((name, i) => {
      if (whole) duals[name] = all[own + i]!;
      else scatter(all[own + i]!, active, duals[name]!);
    });
    const [primal, bound] = all.slice(-2).map(({ data: values }) => values);
    active = active.filter((sample, row) => {
      const going = running.data[row] === 1 && steps[sample]! < maxSteps;
      const likely = gap !== undefined && bound![row]! >= primal![row]! - gap * Math.abs(primal![row]!);
      if (gap !== undefined && (!going || (likely && steps[sample]! >= PATIENCE * failed[sample]!))) {
        const proof = run.dual!.prove(data, x!, duals, sample);
        proofs[sample] = proof;
        if (proof.verdict.verdict === "VERIFIED" && proof.verdict.relativeGap <= gap) {
          status[sample] = "converged";
          return false;
        }
        failed[sample] = steps[sample]!;
      }
      if (going) return true;
      status[sample] = judge(residual[sample]!, motion[sample]!, tolerance);
      return false;
    });
    if (run.balance) {
      for (const sample of active) {
        const [primal, dual] = sides(residual[sample]!, run.balance);
        const next = rebalanced(factors[sample]!, changes[sample]!, primal, dual);
        if (next !== factors[sample]) changes[sample]!++;
        factors[sample] = next;
      }
    }
    report(options.onProgress, batch, active, steps, maxSteps, residual);
  }
  const z = Object.fromEntries(chunk.paths.map((path, i) => [path, state[i]!]));
  proofs.forEach((proof, sample) => {
    if (proof) scatter(proof.x, [sample], x!);
  });
  const counts = Object.fromEntries(Object.entries(run.counts).map(([name, path]) => [name, [...z[path]!.data]]));
  const solution: Solution = {
    x: x!,
    z,
    duals,
    proofs,
    status,
    steps,
    residual,
    history,
    violated: run.violated,
    counts,
  };
  if (options.strict ?? true) requireConverged(solution, tolerance);
  return solution;
}

/** Steps over those at a proof that failed before the next is tried: one that must repair x takes as long as hundreds of steps. */
const PATIENCE = 1.1;

/** By the residuals of the state that is returned: the last of the history may be of a trial that was taken back. */
function judge(residual: Readonly<Record<string, number>>, motion: readonly number[], tolerance: number): Status {
  const last = Math.max(...Object.values(residual));
  if (last <= tolerance) return "converged";
  if (motion.some((length) => length > BLOW_UP * motion[0]!)) return "diverged";
  return last < 1e30 ? "max-steps" : "non-finite";
}

const REMEDIES: Readonly<Record<Exclude<Status, "converged">, string>> = {
  "max-steps": "Raise maxSteps, loosen tolerance",
  diverged: "Take smaller steps",
  "non-finite": "Look at this sample's data, take smaller steps",
};

function requireConverged({ status, steps, residual, violated }: Solution, tolerance: number): void {
  const bad = status.findIndex((s) => s !== "converged");
  if (bad < 0) return;
  const size = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value);
  const [name, worst] = Object.entries(residual[bad]!).sort((a, b) => size(b[1]) - size(a[1]))[0] ?? ["", Number.NaN];
  const because = violated.length > 0 ? ` The step condition fails: ${violated.join("; ")}.` : "";
  throw new VouchError("convergence", {
    name: "solve",
    expected: `a fixed point to ${tolerance.toExponential(1)}`,
    got: `${status[bad]} for sample ${bad} after ${steps[bad]} steps (residual of ${name} ${worst.toExponential(2)})`,
    remedy: `${REMEDIES[status[bad] as keyof typeof REMEDIES]}, or pass strict: false to see the status.${because}`,
  });
}

/** Worst residuals that larger dual steps reduce, and that larger primal steps reduce. */
function sides(residual: Readonly<Record<string, number>>, { primal }: Balance): [primal: number, dual: number] {
  const worst = (chosen: boolean) =>
    Math.max(
      0,
      ...Object.entries(residual).flatMap(([name, value]) => (primal.includes(name) === chosen ? [value] : [])),
    );
  return [worst(true), worst(false)];
}

function requireGap(gap: number, { dual }: ChunkRun): void {
  if (!(gap > 0 && gap < 1)) {
    throw new VouchError("parameter", {
      name: "solve: gap",
      expected: "a number in (0, 1), a share of the objective",
      got: `${gap}`,
      remedy: "Ask for 0.01, or leave it out.",
    });
  }
  if (dual === undefined) {
    throw new VouchError("problem", {
      name: "solve: gap",
      expected: "a model with a dual bound: every term with a value and a conjugate, and x in a bounded set",
      got: "a model without one",
      remedy: "Leave out gap, or see `compiled.provable` for the term that is missing it.",
    });
  }
}

/** @throws parameter named `name` unless value > 0 */
export function requirePositive(name: string, value: number): void {
  if (!(value > 0)) {
    throw new VouchError("parameter", {
      name,
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
