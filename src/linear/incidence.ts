/** @file The incidence of a directed graph: flows on its edges to what arrives in its nodes. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { VouchError } from "../errors.js";
import type { SparseRows } from "../tensor/primitives/sparse.js";
import { type LinearOperator, numberBound } from "./linear.js";
import { sparse } from "./sparse.js";

export interface Graph {
  /** Number of nodes, named 0 … nodes − 1. */
  readonly nodes: number;
  /** [tail, head] of each edge: it leads from tail to head. Parallel and opposite edges are edges of their own. */
  readonly edges: readonly (readonly [tail: number, head: number])[];
}

/** Nodes up to which the Laplacian's eigenvalues are computed: some seconds at most. */
const DENSE = 600;

/**
 * x ↦ Ex with E = −1 at the tail and +1 at the head of each edge: flows [N, edges] → what flows in less what flows out of each
 * node [N, nodes].
 *
 * ‖E‖² is the largest eigenvalue of the Laplacian EEᵀ.
 *
 * @throws parameter, naming the edge or node, if an end of an edge is no node, an edge is a loop, or a node is not connected
 * @source Godsil & Royle 2001, Algebraic Graph Theory, §8.3 (oriented incidence) and §13.1 (Laplacian)
 */
export function incidence(graph: Graph): LinearOperator {
  requireConnected(graph);
  const { nodes, edges } = graph;
  const width = divisor(edges.length);
  const groups = Array.from({ length: edges.length / width }, (_, b) =>
    Int32Array.from({ length: width }, (_, i) => b * width + i),
  );
  const operator = sparse(`incidence of ${nodes} nodes and ${edges.length} edges`, rowsOf(graph), { groups });
  let bound: number | undefined;
  return {
    ...operator,
    norm: () => {
      if (nodes > DENSE) return operator.norm();
      bound ??= Math.sqrt(largestEigenvalue(graph)) * (1 + 1e-6);
      return numberBound(bound, "largest eigenvalue of the graph's Laplacian");
    },
  };
}

/** E as a dense matrix [nodes, edges], for `affine`. @throws as `incidence` */
export function incidenceMatrix(graph: Graph): {
  readonly shape: readonly [number, number];
  readonly data: Float32Array;
} {
  requireConnected(graph);
  const { nodes, edges } = graph;
  const data = new Float32Array(nodes * edges.length);
  edges.forEach(([tail, head], e) => {
    data[tail * edges.length + e] = -1;
    data[head * edges.length + e] = 1;
  });
  return { shape: [nodes, edges.length], data };
}

function rowsOf({ nodes, edges }: Graph): SparseRows {
  const entries: [edge: number, sign: number][][] = Array.from({ length: nodes }, () => []);
  edges.forEach(([tail, head], e) => {
    entries[tail]!.push([e, -1]);
    entries[head]!.push([e, 1]);
  });
  let end = 0;
  const ends = entries.map((row) => {
    end += row.length;
    return end;
  });
  const flat = entries.flat();
  return {
    rows: nodes,
    columns: edges.length,
    indptr: Int32Array.of(0, ...ends),
    indices: Int32Array.from(flat, ([e]) => e),
    values: Float32Array.from(flat, ([, sign]) => sign),
  };
}

/** Largest divisor of n up to 64: a width of tiles that leaves none over. */
function divisor(n: number): number {
  for (let width = 64; width > 1; width--) if (n % width === 0) return width;
  return 1;
}

function largestEigenvalue({ nodes, edges }: Graph): number {
  const laplacian = Matrix.zeros(nodes, nodes);
  for (const [tail, head] of edges) {
    laplacian.set(tail, tail, laplacian.get(tail, tail) + 1);
    laplacian.set(head, head, laplacian.get(head, head) + 1);
    laplacian.set(tail, head, laplacian.get(tail, head) - 1);
    laplacian.set(head, tail, laplacian.get(head, tail) - 1);
  }
  const { realEigenvalues } = new EigenvalueDecomposition(laplacian, { assumeSymmetric: true });
  return realEigenvalues.reduce((a, b) => Math.max(a, b));
}

function requireConnected({ nodes, edges }: Graph): void {
  const refuse = (expected: string, got: string, remedy: string) =>
    new VouchError("parameter", { name: "incidence", expected, got, remedy });
  if (!(Number.isInteger(nodes) && nodes > 1)) {
    throw refuse("two nodes or more", `${nodes}`, "Count the nodes, the first is 0.");
  }
  const neighbours: number[][] = Array.from({ length: nodes }, () => []);
  for (const [e, [tail, head]] of edges.entries()) {
    const stray = [tail, head].find((node) => !(Number.isInteger(node) && node >= 0 && node < nodes));
    const where = `edge ${e} from ${tail} to ${head}`;
    if (stray !== undefined)
      throw refuse(`nodes 0 … ${nodes - 1}`, `node ${stray} in ${where}`, "Number nodes from 0.");
    if (tail === head) throw refuse("edges between two nodes", where, "Leave loops out: nothing flows along them.");
    neighbours[tail]!.push(head);
    neighbours[head]!.push(tail);
  }
  const reached = new Uint8Array(nodes);
  const open = [0];
  reached[0] = 1;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of neighbours[node]!) {
      if (reached[next] === 1) continue;
      reached[next] = 1;
      open.push(next);
    }
  }
  const apart = reached.indexOf(0);
  if (apart < 0) return;
  throw refuse(
    "a connected graph",
    `no way from node 0 to node ${apart}`,
    "Give each connected part a graph of its own.",
  );
}
