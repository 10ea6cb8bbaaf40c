/** @file Laws of solvers: the fixed point of Picard iteration, from true pairs z, T(z), within a stated cost. */

import { describe, expect, it } from "vitest";
import type { Solver } from "../../src/solvers/solver.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { concrete } from "../../src/tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves } from "../../src/tensor/tree.js";
import { type Array64, minus, norm } from "../arrays.js";
import { solverCases } from "../cases/solvers.js";
import { splittingCases } from "../cases/splittings.js";
import { running } from "../points.js";

/** Steps between looks. */
const LOOK = 5;
const problems = splittingCases.filter(({ steps }) => steps <= 500);

describe.each(solverCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  it.each(problems.map((problem) => [`${problem.factory} ${problem.title}`, problem] as const))("%s", (__, problem) => {
    const { operator: T } = problem.build();
    const solver = row.build();
    const leaves = (tree: Tree) => tensorLeaves(tree).map(([, leaf]) => leaf);
    const like = solver.init(T.init());
    const state = mapTensors(like, (leaf, path) => input(`state.${path}`, leaf.shape));
    const paths = tensorLeaves(like).map(([path]) => `state.${path}`);
    const graphOf = (step: Solver["step"]) => {
      const { next, z, Tz } = step(T, state);
      return [...leaves(next), ...leaves(Tz), ...leaves(T.apply(z)), T.read(solver.point(next))];
    };
    const [plain, look] = [graphOf(solver.step), graphOf(solver.last ?? solver.step)];
    let now: readonly Array64[] = leaves(like).map(({ shape }) => {
      const at = concrete(shape, problem.batch);
      return { shape: at, data: new Float64Array(at.reduce((p, n) => p * n, 1)) };
    });
    let x: Float64Array = new Float64Array();
    const pair = leaves(T.init()).length;
    for (let k = 1; k <= LOOK * Math.ceil((problem.steps * row.cost) / LOOK); k++) {
      const values = interpret(k % LOOK === 0 ? look : plain, {
        ...problem.feeds,
        ...Object.fromEntries(paths.map((path, i) => [path, now[i]!])),
      });
      now = values.slice(0, paths.length);
      for (let i = 0; i < pair; i++) {
        expect(values[paths.length + i]!.data).toEqual(values[paths.length + pair + i]!.data);
      }
      x = values.at(-1)!.data;
    }
    const run = running(T, problem.feeds, problem.batch);
    const reference = run.read(run.apply(run.zeros(), problem.steps)).data;
    expect(norm(minus(x, reference))).toBeLessThan(1e-8);
    expect(norm(reference)).toBeGreaterThan(0.1);
  });
});
