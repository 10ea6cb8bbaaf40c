/** @file The linear operators of a problem: the dot test of the adjoint, and the norm against its bound. */

import type { LinearOperator } from "../linear/linear.js";
import type { Problem } from "../problem.js";
import type { Random } from "../random.js";
import { type Feeds, interpret, prepare } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import { concrete } from "../tensor/tensor.js";
import { type Check, compared } from "./check.js";
import { dot, gaussian, length } from "./vectors.js";

const PAIRS = 3;
const POWER_STEPS = 20;
/** float64 sums of a million terms stay far below; an adjoint that is not one is of order 1. */
const DOT_TOLERANCE = 1e-10;
/** Rounding of a bound that is attained. */
const ROUNDING = 1 + 1e-9;

/** Two checks for each term of Sx. */
export function operatorChecks(problem: Problem, feeds: Feeds, draws: Random): Check[] {
  return Object.entries(problem).flatMap(([name, { of: S }]) => {
    if (S === undefined) return [];
    const run = running(S, feeds);
    return [adjointCheck(name, S, run, draws.fork(name)), normCheck(name, S, run, feeds, draws.fork(name))];
  });
}

/** S and S* of one sample in float64. */
interface Running {
  apply(x: Float64Array): Float64Array;
  adjoint(y: Float64Array): Float64Array;
}

function running(S: LinearOperator, feeds: Feeds): Running {
  const [x, y] = [input("check.x", S.domain), input("check.y", S.range)];
  const [forward, backward] = [prepare([S.apply(x)], [x], feeds), prepare([S.adjoint(y)], [y], feeds)];
  return {
    apply: (data) => forward({ "check.x": { shape: concrete(S.domain, 1), data } })[0]!.data,
    adjoint: (data) => backward({ "check.y": { shape: concrete(S.range, 1), data } })[0]!.data,
  };
}

/** |⟨Sx, y⟩ − ⟨x, S*y⟩| over ‖Sx‖‖y‖ + ‖x‖‖S*y‖, the largest of a few random pairs. */
function adjointCheck(name: string, S: LinearOperator, run: Running, draws: Random): Check {
  let worst = 0;
  for (let k = 0; k < PAIRS; k++) {
    const x = gaussian(concrete(S.domain, 1), draws).data;
    const y = gaussian(concrete(S.range, 1), draws).data;
    const [Sx, Sy] = [run.apply(x), run.adjoint(y)];
    const scale = length(Sx) * length(y) + length(x) * length(Sy);
    worst = Math.max(worst, scale === 0 ? 0 : Math.abs(dot(Sx, y) - dot(x, Sy)) / scale);
  }
  return compared("adjoint", name, `|⟨Sx, y⟩ − ⟨x, S*y⟩|, relative, ${S.name}`, worst, DOT_TOLERANCE);
}

/** A lower estimate of ‖S‖ by power iteration against the bound that steps are made of. */
function normCheck(name: string, S: LinearOperator, run: Running, feeds: Feeds, draws: Random): Check {
  const { value, how } = S.norm();
  const bound = interpret([value], feeds)[0]!.data[0]!;
  let x: Float64Array = gaussian(concrete(S.domain, 1), draws).data;
  let estimate = 0;
  for (let k = 0; k < POWER_STEPS; k++) {
    const size = length(x);
    if (size === 0) break;
    const Sx = run.apply(x.map((value) => value / size));
    estimate = length(Sx);
    x = run.adjoint(Sx);
  }
  return compared("norm", name, `‖S‖, estimated, against its bound: ${how}`, estimate, bound * ROUNDING);
}
