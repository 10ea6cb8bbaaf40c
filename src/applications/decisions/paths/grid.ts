/** @file Grids of nodes with edges to their neighbours, and shortest-path supplies on them. */

import { VouchError } from "../../../errors.js";
import type { Graph } from "../../../linear/incidence.js";

/**
 * The k×k grid whose edges lead right and down: 2k(k−1) of them, right (i, j) → (i, j+1) row by row, then down
 * (i, j) → (i+1, j) column by column. Node (i, j) is k·i + j. The order of `gridFlow`.
 */
export function grid(k: number): Graph {
  requireSize("grid", k);
  const right = across(k, k - 1).map(([i, j]) => [k * i + j, k * i + j + 1] as const);
  const down = across(k, k - 1).map(([j, i]) => [k * i + j, k * (i + 1) + j] as const);
  return { nodes: k * k, edges: [...right, ...down] };
}

/** The k×k grid with edges both ways between neighbours in the four directions and the diagonals: 4(k−1)(2k−1) of them. */
export function grid8(k: number): Graph {
  requireSize("grid8", k);
  const steps = [-1, 0, 1].flatMap((di) => [-1, 0, 1].map((dj) => [di, dj] as const)).filter(([a, b]) => a || b);
  const inside = (i: number) => i >= 0 && i < k;
  const edges = across(k, k).flatMap(([i, j]) =>
    steps.flatMap(([di, dj]) =>
      inside(i + di) && inside(j + dj) ? [[k * i + j, k * (i + di) + j + dj] as const] : [],
    ),
  );
  return { nodes: k * k, edges };
}

/** Of a node within a grid: 4 as `grid` has it, two in and two out; 8 as `grid8`, each both ways. */
export type Neighbours = 4 | 8;

/** `grid` or `grid8`. */
export function gridOf(k: number, neighbours: Neighbours = 4): Graph {
  return neighbours === 8 ? grid8(k) : grid(k);
}

/** One unit from `source` to `target`: −1 and +1. @throws parameter if either is no node, or both are one */
export function unitSupply(nodes: number, source: number, target: number): Float64Array {
  for (const [role, node] of Object.entries({ source, target })) {
    if (Number.isInteger(node) && node >= 0 && node < nodes) continue;
    throw refuse("unitSupply", `a ${role} among nodes 0 … ${nodes - 1}`, `node ${node}`, "Number nodes from 0.");
  }
  if (source === target) {
    throw refuse("unitSupply", "two nodes", `node ${source} twice`, "A path from a node to itself has no edges.");
  }
  const supply = new Float64Array(nodes);
  supply[source] = -1;
  supply[target] = 1;
  return supply;
}

function across(rows: number, columns: number): (readonly [number, number])[] {
  return Array.from({ length: rows * columns }, (_, at) => [Math.floor(at / columns), at % columns] as const);
}

function requireSize(name: string, k: number): void {
  if (!(Number.isInteger(k) && k >= 2)) throw refuse(name, "a size ≥ 2", `${k}`, "Count the nodes of one side.");
}

function refuse(name: string, expected: string, got: string, remedy: string): VouchError {
  return new VouchError("parameter", { name, expected, got, remedy });
}
