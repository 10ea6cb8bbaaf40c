/** @file One application of T at a fixed point, and products with its Jacobian. */

import type { Operator } from "../operator.js";
import { customVjp } from "../tensor/primitives/custom-vjp.js";
import { stopGradient } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves, unflatten } from "../tensor/tree.js";
import { jvp, vjp } from "../tensor/vjp.js";

/** Products with J = ∂T/∂z, sample by sample, of trees with the leaves of z. */
export interface Jacobian {
  /** Ju */
  apply(u: Tree): Tree;
  /** Jᵀv */
  transpose(v: Tree): Tree;
}

export interface Linearisation {
  /** At z*; the values of T there are computed once, whatever the number of products. */
  readonly jacobian: Jacobian;
  /** T(z*), attached to weights and data but not to z*, whose cotangent g goes on as pull(g). */
  attached(pull: (g: Tree) => Tree): Tree;
}

/** T at z*. */
export function linearise(T: Operator, zStar: Tree): Linearisation {
  const at = mapTensors(zStar, stopGradient);
  const next = T.apply(at);
  const [z, Tz] = [leavesOf(at), leavesOf(next)];
  return {
    jacobian: {
      apply: (u) => unflatten(at, jvp(Tz, z, leavesOf(u))),
      transpose: (v) => unflatten(at, vjp(Tz, leavesOf(v), z)),
    },
    attached: (pull) =>
      unflatten(
        next,
        customVjp(Tz, (g) => leavesOf(pull(unflatten(at, g)))),
      ),
  };
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
