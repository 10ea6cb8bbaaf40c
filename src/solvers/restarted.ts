/** @file Restarted Halpern iteration. */

import type { Operator } from "../operator.js";
import { choose, plus, zip } from "../points.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { abs, add, div, less, lessEqual, max, mul, select, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";
import type { Solver } from "./solver.js";

interface State {
  readonly [name: string]: Tree;
  readonly anchor: Tree;
  readonly now: Tree;
  /** T of the last point looked at. */
  readonly point: Tree;
  /** Steps since the restart, and in all. */
  readonly count: Tensor;
  readonly total: Tensor;
  /** ‖T(z) − z‖ at the first look after the restart, 0 before it, and at the last look. */
  readonly first: Tensor;
  readonly before: Tensor;
  /** The balance of steps that T had at the last look. */
  readonly balance: Tensor;
  readonly restarts: Tensor;
}

/** Shares of the first motion at which to restart at once, and once it grows again. */
const SUFFICIENT = 0.2;
const NECESSARY = 0.8;
/** A restart at the latest when this share of all steps came after the last one. */
const LONG = 0.36;

/**
 * Halpern iteration on the reflected operator, restarted sample by sample.
 *
 *     z⁺ = (k+1)/(k+2) (z + (T(z) − z)/θ) + 1/(k+2) z₀,    T θ-averaged
 *
 * At a look, with m = ‖T(z) − z‖ in the metric of T and m₀ the first since z₀: z₀ := z := T(z), k := 0 if m ≤ 0.2 m₀, or m ≤ 0.8 m₀
 * and m grew, or k is 0.36 of all steps, or the steps were rebalanced. The motion falls as 1/k from each restart and, where the
 * problem is sharp, linearly over restarts: for linear programs and their like to high accuracy. Looks every 10 steps or so.
 *
 * @source Lu & Yang 2024, Restarted Halpern PDHG for Linear Programming, with reflection; criteria of Applegate et al. 2021 (PDLP)
 */
export function restarted(): Solver {
  const halpern = (T: Operator, { now, anchor, count }: State) => {
    const Tz = T.apply(now);
    const reflected = plus(now, 1 / T.averagedness, zip(Tz, now, sub));
    return { Tz, next: plus(reflected, div(1, add(count, 2)), zip(anchor, reflected, sub)) };
  };
  return {
    name: "restarted",
    counts: { restarts: "restarts" },
    init: (z) => {
      const none = zeros(["N"]);
      const numbers = { count: none, total: none, first: none, before: none, balance: none, restarts: none };
      return { anchor: z, now: z, point: z, ...numbers };
    },
    step: (T, tree) => {
      const state = tree as State;
      const { Tz, next } = halpern(T, state);
      return {
        next: { ...state, now: next, count: add(state.count, 1), total: add(state.total, 1) },
        z: state.now,
        Tz,
      };
    },
    last: (T, tree) => {
      const state = tree as State;
      const { Tz, next } = halpern(T, state);
      const motion = sqrt(abs(T.metric(zip(Tz, state.now, sub))));
      const is = (condition: Tensor) => select(condition, 1, 0);
      const seen = is(less(0, state.first));
      const grew = mul(is(lessEqual(motion, mul(NECESSARY, state.first))), is(less(state.before, motion)));
      const near = is(lessEqual(motion, mul(SUFFICIENT, state.first)));
      const long = is(less(mul(LONG, state.total), state.count));
      const balance = add(T.balance?.factor ?? 0, zeros(["N"]));
      const other = is(less(0, abs(sub(balance, state.balance))));
      const again = less(0.5, max(other, mul(seen, max(max(near, grew), long))));
      return {
        next: {
          anchor: choose(again, Tz, state.anchor),
          now: choose(again, Tz, next),
          point: Tz,
          count: select(again, 0, add(state.count, 1)),
          total: add(state.total, 1),
          first: select(again, 0, select(less(0, state.first), state.first, motion)),
          before: motion,
          balance,
          restarts: add(state.restarts, is(again)),
        },
        z: state.now,
        Tz,
      };
    },
    point: (state) => (state as State).point,
  };
}
