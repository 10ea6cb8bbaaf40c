/** @file Newton's method with Krylov steps. */

import { VouchError } from "../errors.js";
import { dot, plus, zip } from "../points.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { div, max, neg, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves, unflatten } from "../tensor/tree.js";
import { jvp } from "../tensor/vjp.js";
import { picard } from "./picard.js";
import { safeguarded } from "./safeguarded.js";
import type { Solver } from "./solver.js";

export interface NewtonGmresOptions {
  /** Krylov steps of a Newton step, an integer ≥ 1: as many products with ∂T/∂z, written out in the graph. Default 20. */
  readonly krylov?: number;
  /** Steps between Newton steps. Default `picard()`. */
  readonly inner?: Solver;
}

/** Lengths below this count as 0. */
const TINY = 1e-18;

/**
 * Semismooth Newton on T(z) − z = 0, a step at every look, safeguarded:
 *
 *     (I − J) s = T(z) − z,  z⁺ = z + s,    J = ∂T/∂z
 *
 * s by GMRES in the form of GCR, whose residuals are those of GMRES as long as it does not break down; I − J is accretive where T is
 * nonexpansive, so that it does not. For small states: 2 × krylov points are held. Superlinear once the pieces of T that
 * hold at the fixed point are reached, useless before.
 *
 * @throws parameter if krylov is not an integer ≥ 1
 * @source Eisenstat, Elman & Schultz 1983, Variational Iterative Methods, Algorithm GCR; Qi & Sun 1993 (semismooth Newton)
 */
export function newtonGmres({ krylov = 20, inner = picard() }: NewtonGmresOptions = {}): Solver {
  if (!(Number.isInteger(krylov) && krylov >= 1)) {
    throw new VouchError("parameter", {
      name: "newtonGmres: krylov",
      expected: "an integer ≥ 1",
      got: `${krylov}`,
      remedy: "Leave it out for the default.",
    });
  }
  return safeguarded(
    {
      name: `newtonGmres ${krylov}`,
      products: krylov,
      memory: () => ({}),
      propose: (_, { z, Tz }) => ({ point: plus(z, 1, gcr(z, Tz, krylov)), memory: {} }),
    },
    inner,
  );
}

/** s with (I − ∂T/∂z) s ≈ T(z) − z. */
function gcr(z: Tree, Tz: Tree, steps: number): Tree {
  const [at, values] = [leavesOf(z), leavesOf(Tz)];
  const M = (v: Tree) => plus(v, -1, unflatten<Tensor>(z, jvp(values, at, leavesOf(v))));
  let r = zip(Tz, z, sub);
  let s: Tree = mapTensors(z, (leaf) => zeros(leaf.shape));
  const directions: { readonly p: Tree; readonly Mp: Tree }[] = [];
  for (let k = 0; k < steps; k++) {
    let [p, Mp] = [r, M(r)];
    for (const before of directions) {
      const along = neg(dot(before.Mp, Mp));
      [p, Mp] = [plus(p, along, before.p), plus(Mp, along, before.Mp)];
    }
    const unit = div(1, max(sqrt(dot(Mp, Mp)), TINY));
    const scaled = (tree: Tree) =>
      plus(
        mapTensors(tree, (leaf) => zeros(leaf.shape)),
        unit,
        tree,
      );
    const direction = { p: scaled(p), Mp: scaled(Mp) };
    const step = dot(r, direction.Mp);
    s = plus(s, step, direction.p);
    r = plus(r, neg(step), direction.Mp);
    directions.push(direction);
  }
  return s;
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
