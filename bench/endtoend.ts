/** @file Iterations, a training step and a solve to a tolerance against PyTorch on the same numbers, in one run. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tomography } from "../src/applications/ct/tomography.js";
import { compile, type Float32 } from "../src/engine/session.js";
import { specialiser } from "../src/engine/specialise.js";
import { formatNpy, type NpyArray } from "../src/files/npy.js";
import { chunkOutputs, feedParams, type Model, variableInputs } from "../src/model.js";
import { chunk } from "../src/solvers/chunk.js";
import { picard } from "../src/solvers/picard.js";
import { concrete } from "../src/tensor/tensor.js";
import { adam } from "../src/training/adam.js";
import { prepareTrainer } from "../src/training/trainer.js";
import { realSlices, toTolerance } from "./endtoend-tolerance.js";
import { interleaveTimed } from "./interleave.js";
import type { Bench } from "./main.js";
import { newestTorch, type Peer, startPeer } from "./peer.js";
import { fill, residualBlock, SIDE } from "./residual-block.js";

const KEYS = [
  "iteration_speedup_b1",
  "iteration_speedup_b16",
  "iteration_speedup_released_b1",
  "jfb_step_speedup",
  "speedup_to_tolerance",
] as const;

/** αβ‖S‖² ≤ 1 with room; both sides take the same. */
const STEPS = { alpha: 0.05, beta: 0.1 };
const BATCH = 16;
const TRAINING_ITERATIONS = 50;
/** Largest relative difference of state norms after the timed iterations: float32 in another order. */
const SAME = 1e-3;

interface Timed {
  once(): Promise<number>;
  dispose(): Promise<void>;
}

interface Iterated {
  readonly ms: number;
  readonly norms: readonly number[];
}

export const endtoend: Bench = async (log) => {
  const python = await newestTorch();
  if (python === undefined) {
    const figures = Object.fromEntries(KEYS.map((key) => [key, null]));
    return { figures, env: { torch: "no Python with PyTorch and SciPy found: every ratio is null" } };
  }
  const folder = await mkdtemp(join(tmpdir(), "vouch-endtoend-"));
  const slices = await realSlices();
  await writeInputs(folder, slices.feeds);
  const peer = startPeer(python, "endtoend.py", [folder]);
  try {
    const env: Record<string, string> = { ...(await peer.ask<Record<string, string>>("versions")) };
    const figures: Record<string, number> = {};
    for (const [batch, count] of [
      [1, 40],
      [BATCH, 10],
    ] as const) {
      Object.assign(figures, await iterations(peer, batch, count, env, log));
    }
    Object.assign(figures, await trainingStep(peer, log));
    Object.assign(figures, await toTolerance(peer, slices, env, log));
    return { figures, env };
  } finally {
    await peer.close();
    await rm(folder, { recursive: true });
  }
};

function model(): Model {
  const { alpha, beta } = STEPS;
  return residualBlock(true, { alpha: { fidelity: alpha, regularization: alpha }, beta });
}

/** One measurement for all rounds: d and its radius, for the c = 16 model. */
function measurement(batch: number): Record<string, Float32> {
  return {
    d: fill(["N", tomography().matrix.rows], batch),
    delta: { shape: [batch], data: new Float32Array(batch).fill(0.1) },
  };
}

/** What the peer reads: operator, steps, weights, data. */
async function writeInputs(folder: string, slices: Readonly<Record<string, Float32>>): Promise<void> {
  const { matrix } = tomography();
  const one = (data: Float32Array | Int32Array): NpyArray => ({ shape: [data.length], data });
  const arrays: Record<string, NpyArray> = {
    indptr: one(matrix.indptr),
    indices: one(matrix.indices),
    values: one(matrix.values),
    steps: one(Float32Array.of(STEPS.alpha, STEPS.beta)),
    ...model().initialWeights(),
    ...measurement(BATCH),
    slices_d: slices["d"]!,
    slices_radius: slices["radius"]!,
  };
  for (const [name, array] of Object.entries(arrays)) await writeFile(join(folder, `${name}.npy`), formatNpy(array));
}

/** One iteration: ours, the fastest of PyTorch, and the released code's at batch 1. */
async function iterations(
  peer: Peer,
  batch: number,
  count: number,
  env: Record<string, string>,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  const key = `b${batch}`;
  const { variant, compile: compiled } = await peer.ask<{ variant: string; compile: string }>("prepare", {
    batch,
    count,
  });
  env[`torch_variant_${key}`] = variant;
  env["torch_compile"] = compiled;
  const norms: Record<"ours" | "theirs", readonly number[]> = { ours: [], theirs: [] };
  const ours = await loop(model(), batch, count, (found) => {
    norms.ours = found;
  });
  const tasks = [
    ours.once,
    async () => {
      const { ms, norms: found } = await peer.ask<Iterated>("iterate", { batch, count });
      norms.theirs = found;
      return ms;
    },
    ...(batch === 1 ? [async () => (await peer.ask<Iterated>("iterate_released", { batch, count })).ms] : []),
  ];
  const [mine, torch, released] = await interleaveTimed(tasks, 9);
  await ours.dispose();
  requireSame(norms.ours, norms.theirs);
  log(
    `batch ${batch}: ${(mine! / count).toFixed(2)} ms an iteration, PyTorch (${variant}) ${(torch! / count).toFixed(2)} ms`,
  );
  return {
    [`ms_per_iteration_${key}`]: mine! / count,
    [`torch_ms_per_iteration_${key}`]: torch! / count,
    [`iteration_speedup_${key}`]: torch! / mine!,
    ...(released === undefined
      ? {}
      : {
          [`released_ms_per_iteration_${key}`]: released / count,
          [`iteration_speedup_released_${key}`]: released / mine!,
        }),
  };
}

/** So many steps from zero in one run of the engine, with a residual test every tenth; norms of the state to `look`. */
async function loop(
  traced: Model,
  batch: number,
  count: number,
  look: (norms: readonly number[]) => void,
): Promise<Timed> {
  const trace = traced.trace();
  const built = chunk(trace.operator, picard(), { every: 10, checks: count / 10 });
  const outputs = chunkOutputs(built);
  const special = await specialiser(outputs, variableInputs(outputs, trace), {});
  const session = await compile(await special.with(feedParams(traced.initialWeights())), {});
  await special.dispose();
  const feeds: Record<string, Float32> = {
    tolerance: { shape: [], data: Float32Array.of(0) },
    tests: { shape: [], data: Float32Array.of(count / 10) },
  };
  for (const [name, array] of Object.entries(measurement(batch))) feeds[`data.${name}`] = array;
  built.state.forEach((leaf, i) => {
    const shape = concrete(leaf.shape, batch);
    feeds[`state.${built.paths[i]}`] = { shape, data: new Float32Array(shape.reduce((p, n) => p * n, 1)) };
  });
  return {
    async once() {
      const start = performance.now();
      const out = await session.run(feeds);
      const ms = performance.now() - start;
      const state = new Map(built.paths.map((path, i) => [path, length(out[i]!)]));
      look(["nu.regularization", "nu.fidelity", "x"].map((path) => state.get(path) ?? Number.NaN));
      return ms;
    },
    dispose: session.dispose,
  };
}

function length({ data }: Float32): number {
  return Math.sqrt(data.reduce((total, value) => total + value * value, 0));
}

/** The two sides are timed on the same iteration only if it leads to the same state. */
function requireSame(ours: readonly number[], theirs: readonly number[]): void {
  const far = ours.some((norm, i) => !(Math.abs(norm - theirs[i]!) <= SAME * norm));
  if (far || ours.length !== theirs.length)
    throw new Error(`endtoend: state norms ${ours.join(", ")} and PyTorch's ${theirs.join(", ")} differ.`);
}

/** 50 iterations with new weights, one attached step, gradient and Adam's update; ours includes making the session. */
async function trainingStep(peer: Peer, log: (line: string) => void): Promise<Record<string, number>> {
  const learned = model();
  const count = TRAINING_ITERATIONS;
  const optimizer = adam();
  await using trainer = await prepareTrainer(learned, optimizer, { steps: { warm: count, cold: count, every: 10 } });
  const weights = learned.initialWeights();
  const zero = ({ shape, data }: Float32): Float32 => ({ shape, data: new Float32Array(data.length) });
  const slots = Object.fromEntries(
    Object.entries(weights).flatMap(([name, array]) => optimizer.slots.map((slot) => [`${slot}.${name}`, zero(array)])),
  );
  const target = { shape: [BATCH, 1, SIDE, SIDE], data: new Float32Array(BATCH * SIDE * SIDE) };
  const indices = Array.from({ length: BATCH }, (_, i) => i);
  const step = async () => {
    const start = performance.now();
    const solved = await trainer.solve(weights, { data: measurement(BATCH), target }, indices, new Map());
    await trainer.update(weights, slots, solved, 1, 1e-6);
    return performance.now() - start;
  };
  const theirs = async () => (await peer.ask<Iterated>("jfb_step", { batch: BATCH, count })).ms;
  const [mine, torch] = await interleaveTimed([step, theirs], 3);
  log(`training step of ${count} iterations: ${mine!.toFixed(0)} ms, PyTorch ${torch!.toFixed(0)} ms`);
  return { ms_jfb_step: mine!, torch_ms_jfb_step: torch!, jfb_step_speedup: torch! / mine! };
}
