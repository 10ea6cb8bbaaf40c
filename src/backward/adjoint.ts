/** @file What a solver of the adjoint system (I − J)ᵀv = g is, and the loop they share. */

import { choose, dot, scale } from "../points.js";
import { broadcastTo, zeros } from "../tensor/primitives/broadcast.js";
import { add, div, less, max, mul, select, sqrt } from "../tensor/primitives/elementwise.js";
import { iterate } from "../tensor/primitives/fixed-point.js";
import { constant } from "../tensor/primitives/leaf.js";
import { maximum } from "../tensor/primitives/maximum.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Tree, tensorLeaves, unflatten } from "../tensor/tree.js";
import type { Jacobian } from "./jacobian.js";
import type { AdjointSolve } from "./rule.js";

export interface AdjointLimits {
  /** ‖g − (I − J)ᵀv‖/‖g‖ at which a sample stops. */
  readonly tolerance: number;
  /** Most steps of a sample. */
  readonly limit: number;
}

/** v with (I − J)ᵀv = g as far as the limits allow, sample by sample. */
export type AdjointSolver = (
  J: Jacobian,
  g: Tree,
  limits: AdjointLimits,
) => { readonly v: Tree; readonly solve: AdjointSolve };

/** State of a method: v, its residual r = g − (I − J)ᵀv, and whatever else it carries, samples first. */
export type Iterate = { readonly v: Tree; readonly r: Tree } & { readonly [name: string]: Tree };

/** How a method moves, and when a sample has all that it can get of it (a bool [N]) though its residual is larger. */
export interface Method<S extends Iterate> {
  /** Products with J or Jᵀ at the start, and of a step. */
  readonly products: { readonly start: number; readonly step: number };
  readonly start: (g: Tree) => S;
  readonly step: (now: S) => S;
  readonly settled?: (now: S, tolerance: number) => Tensor;
}

/** Squares below this count as this in denominators; a float32 number. */
export const TINY = 1e-30;
/** A residual that has grown to this many times ‖g‖ has diverged. */
const HUGE = 1e9;

/** Run a method from v = 0 for g of unit norm in each sample, and scale back. Samples that stop keep their state. */
export function adjointSolver<S extends Iterate>(methodFor: (J: Jacobian) => Method<S>): AdjointSolver {
  return (J, g, { tolerance, limit }) => {
    const { start, step, settled, products } = methodFor(J);
    const size = lengthOf(g);
    const begin = start(scale(div(1, max(size, Math.sqrt(TINY))), g));
    const like: Tree = { state: begin, running: broadcastTo(constant(1), ["N"]), steps: zeros(["N"]) };
    const end = iterate(
      leavesOf(like),
      (now) => {
        const { state, running, steps } = unflatten<Tensor>(like, now) as unknown as Loop<S>;
        const runs = less(0.5, running);
        const next = choose(runs, step(state), state) as unknown as S;
        const residual = lengthOf(next.r);
        const unsolved = mul(select(less(tolerance, residual), 1, 0), select(less(residual, HUGE), 1, 0));
        const on = mul(running, settled ? mul(unsolved, select(settled(next, tolerance), 0, 1)) : unsolved);
        return {
          next: [...leavesOf(next), on, add(steps, running)],
          again: less(0.5, maximum(on)),
        };
      },
      limit,
    );
    const { state, steps } = unflatten<Tensor>(like, end) as unknown as Loop<S>;
    const cost = add(products.start, mul(products.step, steps));
    return { v: scale(size, state.v), solve: { residual: lengthOf(state.r), steps, products: cost } };
  };
}

interface Loop<S> {
  readonly state: S;
  readonly running: Tensor;
  readonly steps: Tensor;
}

function lengthOf(a: Tree): Tensor {
  return sqrt(dot(a, a));
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
