/** @file Arithmetic of points: trees of tensors, samples first. */

import { inner, perSample } from "./sets/set.js";
import { zeros } from "./tensor/primitives/broadcast.js";
import { add, mul, select } from "./tensor/primitives/elementwise.js";
import type { Tensor } from "./tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves, unflatten } from "./tensor/tree.js";

/** f of the leaves of two trees alike. */
export function zip(a: Tree, b: Tree, f: (a: Tensor, b: Tensor) => Tensor): Tree {
  const others = tensorLeaves(b).map(([, leaf]) => leaf);
  return unflatten<Tensor>(
    a,
    tensorLeaves(a).map(([, leaf], i) => f(leaf, others[i]!)),
  );
}

/** a + s b, s a number, a scalar or one a sample [N]. */
export function plus(a: Tree, s: number | Tensor, b: Tree): Tree {
  return zip(a, b, (u, v) => add(u, mul(typeof s === "number" ? s : perSample(s, v), v)));
}

/** s a, s a number, a scalar or one a sample [N]. */
export function scale(s: number | Tensor, a: Tree): Tree {
  return mapTensors(a, (leaf) => mul(typeof s === "number" ? s : perSample(s, leaf), leaf));
}

export function zerosLike(a: Tree): Tree {
  return mapTensors(a, ({ shape }) => zeros(shape));
}

/** ⟨a, b⟩ of each sample, Euclidean: [N]. */
export function dot(a: Tree, b: Tree): Tensor {
  const others = tensorLeaves(b).map(([, leaf]) => leaf);
  return tensorLeaves(a)
    .map(([, leaf], i) => inner(leaf, others[i]!))
    .reduce((u, v) => add(u, v));
}

/** a in the samples where `condition`, a bool [N], holds, b in the others. */
export function choose(condition: Tensor, a: Tree, b: Tree): Tree {
  return zip(a, b, (u, v) => select(perSample(condition, u), u, v));
}
