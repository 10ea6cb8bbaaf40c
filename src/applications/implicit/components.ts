/** @file The block-triangular form of A: strongly connected components of its states, in the order of substitution. */

import type { Placed } from "./activations/phi.js";
import { denseA, type Sparse, type StateMatrix, sparseA } from "./state-matrix.js";

/** States from … to − 1 that one map takes; a single state where the map is componentwise. */
export type Unit = Placed;

/** A diagonal block of A after a permutation: units that depend on each other. */
export interface Component {
  readonly units: readonly Unit[];
  /** Their states, in order. */
  readonly states: Int32Array;
  /** A single state that does not depend on itself, or a block of its map's own: no equation to solve. */
  readonly explicit: boolean;
}

export interface Triangular {
  /** A by rows. */
  readonly rows: Sparse;
  /** Each depends on itself and earlier ones alone. */
  readonly components: readonly Component[];
}

/** @source Tarjan 1972, Depth-first search and linear graph algorithms */
export function blockTriangular(A: StateMatrix, phi: readonly Placed[]): Triangular {
  const rows = A.kind === "sparse" ? A : sparseA(denseA(A));
  const units = phi.flatMap((part) =>
    part.activation.componentwise
      ? Array.from({ length: part.to - part.from }, (_, i) => ({ ...part, from: part.from + i, to: part.from + i + 1 }))
      : [part],
  );
  const unitOf = new Int32Array(rows.n);
  units.forEach(({ from, to }, k) => {
    unitOf.fill(k, from, to);
  });
  const needs = units.map(({ from, to }) => {
    const found = new Set<number>();
    for (let e = rows.indptr[from]!; e < rows.indptr[to]!; e++) found.add(unitOf[rows.indices[e]!]!);
    return [...found];
  });
  const components = strong(needs).map((members) => {
    const sorted = members.sort((a, b) => a - b);
    const own = sorted.map((k) => units[k]!);
    return {
      units: own,
      states: Int32Array.from(own.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))),
      explicit: sorted.length === 1 && !needs[sorted[0]!]!.includes(sorted[0]!),
    };
  });
  return { rows, components };
}

/** Strongly connected components of a graph given by successors; successors come first. */
function strong(next: readonly (readonly number[])[]): number[][] {
  const index = new Int32Array(next.length).fill(-1);
  const low = new Int32Array(next.length);
  const open = new Uint8Array(next.length);
  const stack: number[] = [];
  const found: number[][] = [];
  let count = 0;
  for (let root = 0; root < next.length; root++) {
    if (index[root]! >= 0) continue;
    const path: { readonly at: number; edge: number }[] = [];
    const enter = (at: number) => {
      index[at] = count;
      low[at] = count++;
      open[at] = 1;
      stack.push(at);
      path.push({ at, edge: 0 });
    };
    enter(root);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const to = next[top.at]![top.edge++];
      if (to !== undefined) {
        if (index[to]! < 0) enter(to);
        else if (open[to]) low[top.at] = Math.min(low[top.at]!, index[to]!);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above) low[above.at] = Math.min(low[above.at]!, low[top.at]!);
      if (low[top.at] !== index[top.at]) continue;
      const start = stack.lastIndexOf(top.at);
      const members = stack.splice(start);
      for (const member of members) open[member] = 0;
      found.push(members);
    }
  }
  return found;
}
