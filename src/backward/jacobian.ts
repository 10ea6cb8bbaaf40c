/** @file One application of T at a fixed point, and products with its Jacobian. */

import type { Operator } from "../operator.js";
import { perSample } from "../sets/set.js";
import { broadcastTo, zeros } from "../tensor/primitives/broadcast.js";
import { customVjp } from "../tensor/primitives/custom-vjp.js";
import { div, less, mul, select, sqrt } from "../tensor/primitives/elementwise.js";
import { constant, stopGradient } from "../tensor/primitives/leaf.js";
import { elements, type Tensor } from "../tensor/tensor.js";
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

/**
 * The same for z/s, s > 0 a number for each leaf and sample with which T's metric has unit weight on the leaf: there T hardly
 * expands, and a linear system that mixes leaves of different units is far better conditioned.
 */
export function inMetric(T: Operator, zStar: Tree, { jacobian, attached }: Linearisation): Linearisation {
  const weights = tensorLeaves(zStar).map(([path, leaf]) => {
    const one = mapTensors(zStar, ({ shape }, at) => (at === path ? broadcastTo(constant(1), shape) : zeros(shape)));
    const weight = div(T.metric(one), elements(leaf.shape));
    return sqrt(select(less(0, weight), weight, 1));
  });
  const each = (tree: Tree, f: (leaf: Tensor, weight: Tensor) => Tensor) =>
    unflatten(
      tree,
      leavesOf(tree).map((leaf, i) => f(leaf, perSample(weights[i]!, leaf))),
    );
  const [up, down] = [(tree: Tree) => each(tree, mul), (tree: Tree) => each(tree, div)];
  return {
    jacobian: { apply: (u) => up(jacobian.apply(down(u))), transpose: (v) => down(jacobian.transpose(up(v))) },
    attached: (pull) => attached((g) => up(pull(down(g)))),
  };
}

function leavesOf(tree: Tree): Tensor[] {
  return tensorLeaves(tree).map(([, leaf]) => leaf);
}
