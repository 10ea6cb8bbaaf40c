/** @file Trees of named leaves: parameters, points and data are records whose paths are their names. */

import type { Tensor } from "./tensor.js";

export type TreeOf<L> = L | { readonly [name: string]: TreeOf<L> };
export type Tree = TreeOf<Tensor>;

/** A leaf is whatever `isLeaf` says; everything else is a record of subtrees. */
export function leaves<L>(
  tree: TreeOf<L>,
  isLeaf: (node: TreeOf<L>) => node is L,
  prefix = "",
): [path: string, leaf: L][] {
  if (isLeaf(tree)) return [[prefix, tree]];
  return Object.entries(tree as Record<string, TreeOf<L>>).flatMap(([name, child]) =>
    leaves(child, isLeaf, prefix === "" ? name : `${prefix}.${name}`),
  );
}

/** Same structure, each leaf replaced by `f(leaf, path)`. */
export function mapTree<L, M>(
  tree: TreeOf<L>,
  isLeaf: (node: TreeOf<L>) => node is L,
  f: (leaf: L, path: string) => M,
  prefix = "",
): TreeOf<M> {
  if (isLeaf(tree)) return f(tree, prefix);
  return Object.fromEntries(
    Object.entries(tree as Record<string, TreeOf<L>>).map(([name, child]) => [
      name,
      mapTree(child, isLeaf, f, prefix === "" ? name : `${prefix}.${name}`),
    ]),
  );
}

export function isTensor(node: TreeOf<Tensor>): node is Tensor {
  return "node" in node && "index" in node;
}

export function tensorLeaves(tree: Tree): [path: string, tensor: Tensor][] {
  return leaves<Tensor>(tree, isTensor);
}

export function mapTensors(tree: Tree, f: (tensor: Tensor, path: string) => Tensor): Tree {
  return mapTree<Tensor, Tensor>(tree, isTensor, f);
}

/** Rebuild `like` from its leaves in order. */
export function unflatten<M>(like: Tree, values: readonly M[]): TreeOf<M> {
  let i = 0;
  return mapTree<Tensor, M>(like, isTensor, () => values[i++]!);
}
