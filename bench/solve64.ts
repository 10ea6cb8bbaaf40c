/** @file A solve in float64 by the interpreter, for tolerances that float32 does not reach. */

import { feedParams, type Model, type Weights } from "../src/model.js";
import { chunk } from "../src/solvers/chunk.js";
import type { Solver } from "../src/solvers/solver.js";
import { interpret } from "../src/tensor/interpret.js";
import { concrete, type Value } from "../src/tensor/tensor.js";

interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** What a solve took. */
export interface Cost {
  /** Samples that came to the tolerance. */
  readonly converged: number;
  readonly steps: number;
  readonly seconds: number;
}

/** Steps between looks, and looks between returns. */
const SHAPE = { every: 10, checks: 100 };

/**
 * Steps of one sample to a worst relative KKT residual, products with the Jacobian counted as steps.
 *
 * @param data  by name, one sample each: [1, …]
 */
export function solve64(
  model: Model,
  weights: Weights,
  data: Readonly<Record<string, Array64>>,
  solver: Solver,
  { tolerance, most }: { readonly tolerance: number; readonly most: number },
): Cost {
  const built = chunk(model.trace().operator, solver, SHAPE);
  const count = built.state.length;
  const outputs = [...built.state, built.running, built.steps];
  const fixed = {
    ...Object.fromEntries(Object.entries(data).map(([name, array]) => [`data.${name}`, array])),
    ...feedParams(weights),
    tolerance: scalar(tolerance),
    tests: scalar(SHAPE.checks),
  };
  let state: readonly Value[] = built.state.map(({ shape }) => {
    const at = concrete(shape, 1);
    return { shape: at, data: new Float64Array(at.reduce((p, n) => p * n, 1)) };
  });
  const work = 1 + (solver.products ?? 0) / SHAPE.every;
  let steps = 0;
  let running = true;
  const start = performance.now();
  while (running && steps * work < most) {
    const named = Object.fromEntries(built.paths.map((path, i) => [`state.${path}`, state[i]!]));
    const values = interpret(outputs, { ...fixed, ...named });
    state = values.slice(0, count);
    running = values[count]!.data[0] === 1;
    steps += values[count + 1]!.data[0]!;
  }
  return { converged: running ? 0 : 1, steps: Math.round(steps * work), seconds: (performance.now() - start) / 1000 };
}

function scalar(value: number): Array64 {
  return { shape: [], data: Float64Array.of(value) };
}
