/** @file Iterations of images that are stopped after a number of steps: no guarantee is known of them. */

import { compileModel } from "../../../model.js";
import type { Operator } from "../../../operator.js";
import { inner, norm } from "../../../sets/set.js";
import { picard } from "../../../solvers/picard.js";
import { zeros } from "../../../tensor/primitives/broadcast.js";
import { div, max, sub } from "../../../tensor/primitives/elementwise.js";
import type { Tensor } from "../../../tensor/tensor.js";
import type { Tree } from "../../../tensor/tree.js";
import type { Steps } from "../../../training/trainer.js";
import { type Method, solverData } from "../methods.js";
import type { Tomography } from "../tomography.js";

/** Denominators of relative changes never vanish. */
const TINY = 1e-12;

/**
 * An iteration of images of which no guarantee is known: z = {x}, its residual ‖T(x) − x‖/‖T(x)‖.
 *
 * `averagedness` 1 claims nothing: with θ = 1, T would be nonexpansive alone.
 */
export function imageIteration(name: string, ct: Tomography, step: (x: Tensor) => Tensor): Operator {
  const only = (z: Tree) => (z as { x: Tensor }).x;
  return {
    name,
    averagedness: 1,
    init: () => ({ x: zeros(ct.operator.domain) }),
    apply: (z) => ({ x: step(only(z)) }),
    read: only,
    residuals: (z, z1) => ({ image: div(norm(sub(only(z1), only(z))), max(norm(only(z1)), TINY)) }),
    conditions: () => [],
    metric: (z) => inner(only(z), only(z)),
  };
}

/** Steps between residual tests: a divisor of the steps of every iteration here. */
const EVERY = 10;
/** Below any change of a float32 image: an iteration ends by its number of steps. */
const NEVER = 1e-9;

/** Training as inference is: that many steps from zeros, also on held-out images. */
export function iterationSteps(steps: number): Steps {
  return { warm: EVERY, every: EVERY, cold: steps, settled: steps };
}

/** The method of an iteration: `steps` applications from zeros, whatever `maxSteps` says not. Its status is "max-steps": it ends, it does not converge. */
export function iterated(what: Omit<Method, "open">, steps: number): Method {
  const method: Method = {
    ...what,
    open: async (engine = {}) => {
      const compiled = await compileModel(what.model, what.weights, {
        ...engine,
        solver: picard(),
        chunk: { every: EVERY, checks: EVERY },
      });
      return {
        method,
        reconstruct: (measurements, { maxSteps = steps, onProgress, signal } = {}) =>
          compiled.solve(solverData(measurements), {
            tolerance: NEVER,
            maxSteps,
            strict: false,
            ...(onProgress ? { onProgress } : {}),
            ...(signal ? { signal } : {}),
          }),
        prove: (_, made) => made,
        dispose: compiled.dispose,
        [Symbol.asyncDispose]: compiled.dispose,
      };
    },
  };
  return method;
}
