/** @file A whole solve as one graph: chunks in a loop, with all that `runChunks` does between them. */

import type { Operator } from "../operator.js";
import { perSample } from "../sets/set.js";
import { graphInputs, substitute } from "../tensor/graph.js";
import { broadcastTo, reshape, sum, zeros } from "../tensor/primitives/broadcast.js";
import { add, less, lessEqual, max, min, mul, select, sub } from "../tensor/primitives/elementwise.js";
import { iterate } from "../tensor/primitives/fixed-point.js";
import { slice } from "../tensor/primitives/layout.js";
import { constant } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Tree, tensorLeaves, unflatten } from "../tensor/tree.js";
import { rebalance } from "./balance.js";
import { type Chunk, type ChunkShape, chunk } from "./chunk.js";
import { BLOW_UP, type Status } from "./solve.js";
import type { Solver } from "./solver.js";

/** A status is its place in this list where a graph says it. */
export const statuses: readonly Status[] = ["converged", "max-steps", "diverged", "non-finite"];

export interface Limits {
  /** Worst relative KKT residual at which a sample has converged; > 0. */
  readonly tolerance: number;
  /** Most steps of a sample; rounded up to whole tests. */
  readonly maxSteps: number;
}

/** What came of a solve, sample by sample. */
export interface Whole {
  readonly x: Tensor;
  /** The final state of the solver. */
  readonly state: Tree;
  /** Places in `statuses`: [N]. */
  readonly status: Tensor;
  readonly steps: Tensor;
  /** Relative KKT residuals at the last test, [N] each. */
  readonly residual: Readonly<Record<string, Tensor>>;
}

/** From here on a residual is not finite. */
const HUGE = 1e30;

/**
 * A solve from zeros: what `runChunks` does in many calls, in one loop over chunks.
 *
 * A sample that has stopped keeps its state, as there, though the batch is not compacted. No duals, proofs or histories.
 */
export function wholeSolve(T: Operator, solver: Solver, shape: ChunkShape, { tolerance, maxSteps }: Limits): Whole {
  const start = solver.init(T.init());
  const leaves = tensorLeaves(start).map(([, leaf]) => leaf);
  const body = chunk(T, solver, shape);
  const tests = Math.ceil(maxSteps / shape.every);
  const ones = broadcastTo(constant(1), ["N"]);
  const none = zeros(["N"]);
  const initial = {
    state: leaves,
    x: zeros(body.x.shape),
    residuals: body.names.map(() => none),
    samples: { running: ones, steps: none, first: none, blown: none, factor: ones, fade: ones },
    left: constant(tests),
  };
  const ended = restore(
    initial,
    iterate(
      flat(initial),
      (now) => {
        const next = afterChunk(restore(initial, now), body, T, shape, tolerance, maxSteps);
        return { next: flat(next), again: less(0.5, maximum(next.samples.running)) };
      },
      Math.ceil(tests / shape.checks),
    ),
  );
  const { steps, blown } = ended.samples;
  const worst = ended.residuals.reduce((a, b) => max(a, b));
  const unfinished = select(less(0.5, blown), 2, select(less(worst, HUGE), 1, 3));
  return {
    x: ended.x,
    state: unflatten(start, ended.state),
    status: select(lessEqual(worst, tolerance), 0, unfinished),
    steps,
    residual: Object.fromEntries(body.names.map((name, i) => [name, ended.residuals[i]!])),
  };
}

/** What the loop carries from chunk to chunk. */
interface Carried {
  readonly state: readonly Tensor[];
  readonly x: Tensor;
  readonly residuals: readonly Tensor[];
  readonly samples: {
    readonly running: Tensor;
    readonly steps: Tensor;
    /** Motion at the first test, and whether it ever grew to BLOW_UP times that. */
    readonly first: Tensor;
    readonly blown: Tensor;
    /** Of the step ratio, see `rebalance`. */
    readonly factor: Tensor;
    readonly fade: Tensor;
  };
  /** Tests that are left: a scalar. */
  readonly left: Tensor;
}

function flat({ state, x, residuals, samples, left }: Carried): Tensor[] {
  return [...state, x, ...residuals, ...Object.values(samples), left];
}

function restore(like: Carried, values: readonly Tensor[]): Carried {
  const left = [...values];
  const take = (count: number) => left.splice(0, count);
  const state = take(like.state.length);
  const [x] = take(1);
  const residuals = take(like.residuals.length);
  const names = Object.keys(like.samples);
  const samples = Object.fromEntries(take(names.length).map((value, i) => [names[i]!, value]));
  return { state, x: x!, residuals, samples: samples as unknown as Carried["samples"], left: left[0]! };
}

function afterChunk(
  now: Carried,
  body: Chunk,
  T: Operator,
  { every, checks }: ChunkShape,
  tolerance: number,
  maxSteps: number,
): Carried {
  const { running, steps } = now.samples;
  const made = ranFrom(now, body, T, tolerance);
  const runs = less(0.5, running);
  const keep = (value: Tensor, old: Tensor) => select(perSample(runs, value), value, old);
  const total = add(steps, mul(running, made.steps));
  const going = mul(running, mul(made.running, select(less(total, maxSteps), 1, 0)));

  const first = select(less(0.5, steps), now.samples.first, reshape(slice(made.motion, 1, 0, 1), ["N"]));
  const places = constant(Float32Array.from({ length: checks }, (_, k) => every * k));
  const column = (value: Tensor) => reshape(value, ["N", 1]);
  const grew = less(mul(BLOW_UP, column(first)), made.motion);
  const seen = less(places, column(mul(running, made.steps)));
  const blown = min(1, sum(mul(select(grew, 1, 0), select(seen, 1, 0)), [1]));

  const residuals = made.residuals.map((value, i) => keep(value, now.residuals[i]!));
  const balanced = balance(now, residuals, body.names, T);
  const goes = less(0.5, going);
  return {
    state: made.state.map((value, i) => keep(value, now.state[i]!)),
    x: keep(made.x, now.x),
    residuals,
    samples: {
      running: going,
      steps: total,
      first,
      blown: max(now.samples.blown, blown),
      factor: select(goes, balanced.factor, now.samples.factor),
      fade: select(goes, balanced.fade, now.samples.fade),
    },
    left: sub(now.left, checks),
  };
}

/** The chunk, fed by tensors instead of by name. */
function ranFrom(now: Carried, body: Chunk, T: Operator, tolerance: number) {
  const { state, x, running, steps, motion, residuals } = body;
  const outputs = [...state, x, running, steps, motion, ...residuals];
  const feeds: Readonly<Record<string, Tensor>> = {
    tolerance: constant(tolerance),
    tests: now.left,
    ...Object.fromEntries(body.paths.map((path, i) => [`state.${path}`, now.state[i]!])),
  };
  const given = new Map<Tensor, Tensor>(T.balance ? [[T.balance.factor, now.samples.factor]] : []);
  for (const fed of graphInputs(outputs)) {
    const value = feeds[(fed.node.attributes as { name: string }).name];
    if (value) given.set(fed, value);
  }
  const values = substitute(outputs, given);
  const count = state.length;
  return {
    state: values.slice(0, count),
    x: values[count]!,
    running: values[count + 1]!,
    steps: values[count + 2]!,
    motion: values[count + 3]!,
    residuals: values.slice(count + 4),
  };
}

function balance({ samples }: Carried, residuals: readonly Tensor[], names: readonly string[], T: Operator) {
  const { factor, fade } = samples;
  if (!T.balance) return { factor, fade };
  const { primal } = T.balance;
  const worst = (chosen: boolean) =>
    residuals.filter((_, i) => primal.includes(names[i]!) === chosen).reduce((a, b) => max(a, b), constant(0));
  return rebalance(factor, fade, worst(true), worst(false));
}
