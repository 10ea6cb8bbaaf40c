/** @file One chunk of a solve as a graph: steps, residuals, and a mask that freezes converged samples. */

import type { Operator } from "../operator.js";
import { perSample } from "../sets/set.js";
import { broadcastTo, reshape, zeros } from "../tensor/primitives/broadcast.js";
import {
  abs,
  add,
  div,
  less,
  lessEqual,
  max,
  mul,
  select,
  sqrt,
  sub,
  type TensorLike,
} from "../tensor/primitives/elementwise.js";
import { iterate } from "../tensor/primitives/fixed-point.js";
import { constant, input } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves, unflatten } from "../tensor/tree.js";
import type { Solver, Step } from "./solver.js";

export interface ChunkShape {
  /** Steps between two residual tests. */
  readonly every: number;
  /** Tests in a chunk. */
  readonly checks: number;
}

export interface Chunk {
  /** Paths of the state's leaves; each is fed as `state.PATH`. */
  readonly paths: readonly string[];
  /** Names of the residuals, in the order of `residuals`. */
  readonly names: readonly string[];
  readonly state: readonly Tensor[];
  /** The inference read from the state. */
  readonly x: Tensor;
  /** [N], 1 while a sample still runs. */
  readonly running: Tensor;
  /** [N], steps taken in this chunk. */
  readonly steps: Tensor;
  /** [N, checks], worst residual at each test, of trials that were taken back too; 0 where none was made. */
  readonly history: Tensor;
  /** [N] each. */
  readonly residuals: readonly Tensor[];
  /** [N, checks], ‖T(z) − z‖ in the metric of T at each test: never grows where T is nonexpansive. 0 at a trial taken back. */
  readonly motion: Tensor;
  /** Dual vectors by name, those asked for: the mean over the tests of this chunk, and the last. */
  readonly duals: { readonly mean: Readonly<Record<string, Tensor>>; readonly last: Readonly<Record<string, Tensor>> };
}

/** Loop-carried values between the state and the residuals: running, steps, test, history, motion. */
const FIXED = 5;
/** Beyond this a residual counts as not finite. */
const HUGE = 1e30;

/**
 * At most `checks` times, and at most `tests` (a fed scalar): `every` steps, then the residual of the last, per sample; samples at or below `tolerance` (a fed
 * scalar), and samples whose residual is not finite, keep their state from then on. A sample that turns not finite keeps
 * the state of the test before.
 */
export function chunk(
  T: Operator,
  solver: Solver,
  { every, checks }: ChunkShape,
  averaged: readonly string[] = [],
): Chunk {
  const start = solver.init(T.init());
  const paths = tensorLeaves(start).map(([path]) => path);
  const fed = mapTensors(start, (leaf, path) => input(`state.${path}`, leaf.shape));
  const leaves = tensorLeaves(fed).map(([, leaf]) => leaf);
  const tolerance = input("tolerance", []);
  const tests = input("tests", []);
  const names = Object.keys(T.residuals(T.init(), T.init()));
  const count = leaves.length;
  const loop = iterate(
    [
      ...leaves,
      broadcastTo(constant(1), ["N"]),
      zeros(["N"]),
      constant(0),
      zeros(["N", checks]),
      zeros(["N", checks]),
      ...names.map(() => zeros(["N"])),
      ...averaged.map((name) => zeros(dualsOf(T, T.init())[name]!.shape)),
    ],
    (now) => {
      const state = unflatten<Tensor>(fed, now.slice(0, count));
      const [running, steps, test, history, motions] = now.slice(count, count + FIXED) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const moved = advance(T, solver, state, every);
      const residuals = T.residuals(moved.z, moved.Tz);
      const worst = names.map((name) => residuals[name]!).reduce((a, b) => max(a, b));
      const runs = less(0.5, running);
      // Each by itself: of max(NaN, r) a GPU may return r.
      const finite = names.map((name) => select(less(abs(residuals[name]!), HUGE), 1, 0)).reduce((a, b) => mul(a, b));
      const above = select(lessEqual(worst, tolerance), 0, 1);
      // Of a trial that was taken back nothing is known but that the sample goes on.
      const known = (value: Tensor, other: TensorLike) => (moved.kept ? select(moved.kept, value, other) : value);
      const sound = known(finite, 1);
      const keeps = less(0.5, mul(running, sound));
      const next = tensorLeaves(moved.next).map(([, leaf], i) => select(perSample(keeps, leaf), leaf, now[i]!));
      const here = less(abs(sub(constant(Float32Array.from({ length: checks }, (_, i) => i)), test)), 0.5);
      const on = mul(running, mul(sound, known(above, 1)));
      const ends = tensorLeaves(moved.Tz).map(([, leaf]) => leaf);
      const difference = unflatten<Tensor>(
        moved.z,
        tensorLeaves(moved.z).map(([, leaf], i) => sub(ends[i]!, leaf)),
      );
      const motion = known(sqrt(abs(T.metric(difference))), 0);
      const duals = dualsOf(T, moved.Tz);
      const kept = count + FIXED + names.length;
      return {
        next: [
          ...next,
          on,
          add(steps, mul(every, running)),
          add(test, 1),
          select(here, reshape(worst, ["N", 1]), history),
          select(here, reshape(motion, ["N", 1]), motions),
          ...names.map((name, i) => {
            const before = now[count + FIXED + i]!;
            return select(runs, known(residuals[name]!, before), before);
          }),
          ...averaged.map((name, i) => {
            const total = now[kept + i]!;
            return select(perSample(keeps, total), add(total, duals[name]!), total);
          }),
        ],
        again: less(0.5, mul(maximum(on), select(less(add(test, 1.5), tests), 1, 0))),
      };
    },
    checks,
  );
  const tested = max(div(loop[count + 1]!, every), 1);
  const ended = dualsOf(T, solver.point(unflatten<Tensor>(fed, loop.slice(0, count))));
  const totals = loop.slice(count + FIXED + names.length);
  return {
    paths,
    names,
    state: loop.slice(0, count),
    x: T.read(solver.point(unflatten<Tensor>(fed, loop.slice(0, count)))),
    running: loop[count]!,
    steps: loop[count + 1]!,
    history: loop[count + 3]!,
    residuals: loop.slice(count + FIXED, count + FIXED + names.length),
    motion: loop[count + 4]!,
    duals: {
      mean: Object.fromEntries(averaged.map((name, i) => [name, div(totals[i]!, perSample(tested, totals[i]!))])),
      last: Object.fromEntries(averaged.map((name) => [name, ended[name]!])),
    },
  };
}

function dualsOf(T: Operator, z: Tree): Record<string, Tensor> {
  return T.duals?.(z) ?? {};
}

function advance(T: Operator, solver: Solver, start: Tree, every: number): Step {
  let state = start;
  for (let k = 1; k < every; k++) state = solver.step(T, state).next;
  return (solver.last ?? solver.step)(T, state);
}
