/** @file Exact shortest paths with the potentials that prove them. */

import { VouchError } from "../../../errors.js";
import type { Graph } from "../../../linear/incidence.js";

export interface Route {
  /** Edges from source to target, in order. */
  readonly edges: readonly number[];
  /** Sum of their costs. */
  readonly cost: number;
  /** Distance of each node from the source, Infinity where there is no way: the dual vector of the path's linear program. */
  readonly potentials: Float64Array;
}

/**
 * Prepare a graph: shortest paths for costs, source and target.
 *
 * On a graph without cycles by one pass in topological order, costs of any sign; on others by Dijkstra's method for costs ≥ 0, and by
 * Bellman and Ford's where some are negative. Sums are float64.
 *
 * @throws data naming the edge of a NaN cost, the target that cannot be reached, or a node of a negative cycle; parameter if an
 * end of an edge, the source or the target is no node
 * @source Ahuja, Magnanti & Orlin 1993, Network Flows, §4.4 (acyclic), §4.5 (Dijkstra), §5.4 (FIFO label correcting)
 */
export function shortestPaths(graph: Graph): (costs: ArrayLike<number>, source: number, target: number) => Route {
  const { nodes, edges } = graph;
  requireNodes(graph);
  const out: number[][] = Array.from({ length: nodes }, () => []);
  for (const [e, [tail]] of edges.entries()) out[tail]!.push(e);
  const order = topologicalOrder(graph, out);
  return (costs, source, target) => {
    requireCosts(graph, costs);
    for (const [role, node] of Object.entries({ source, target })) {
      if (!(Number.isInteger(node) && node >= 0 && node < nodes)) {
        throw refuse("parameter", `a ${role} among nodes 0 … ${nodes - 1}`, `node ${node}`, "Number nodes from 0.");
      }
    }
    const labels = { potentials: new Float64Array(nodes).fill(Infinity), into: new Int32Array(nodes).fill(-1) };
    labels.potentials[source] = 0;
    const prepared = { edges, out, costs, labels };
    if (order) inOrder(prepared, order);
    else if (Array.prototype.every.call(costs, (cost: number) => cost >= 0)) dijkstra(prepared, source);
    else bellmanFord(prepared, source);
    return routeTo(target, source, prepared);
  };
}

interface Labels {
  readonly potentials: Float64Array;
  /** The edge a node is reached by, −1 for none. */
  readonly into: Int32Array;
}

interface Prepared {
  readonly edges: Graph["edges"];
  readonly out: readonly (readonly number[])[];
  readonly costs: ArrayLike<number>;
  readonly labels: Labels;
}

/** Lower the labels of the heads of a node's edges; calls `lowered` for each that fell. */
function relax({ edges, out, costs, labels }: Prepared, node: number, lowered: (head: number) => void): void {
  const here = labels.potentials[node]!;
  if (here === Infinity) return;
  for (const e of out[node]!) {
    const head = edges[e]![1];
    const reached = here + costs[e]!;
    if (!(reached < labels.potentials[head]!)) continue;
    labels.potentials[head] = reached;
    labels.into[head] = e;
    lowered(head);
  }
}

function inOrder(prepared: Prepared, order: Int32Array): void {
  for (const node of order) relax(prepared, node, () => {});
}

/** With a binary heap of (node, label) pairs, stale ones skipped. */
function dijkstra(prepared: Prepared, source: number): void {
  const { potentials } = prepared.labels;
  const heap: [label: number, node: number][] = [[0, source]];
  const swap = (a: number, b: number) => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  const push = (head: number) => {
    let at = heap.push([potentials[head]!, head]) - 1;
    for (let up = (at - 1) >> 1; at > 0 && heap[up]![0] > heap[at]![0]; up = (at - 1) >> 1) {
      swap(at, up);
      at = up;
    }
  };
  while (heap.length > 0) {
    const [label, node] = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = right < heap.length && heap[right]![0] < heap[left]![0] ? right : left;
      if (least >= heap.length || heap[least]![0] >= heap[at]![0]) break;
      swap(at, least);
      at = least;
    }
    if (label <= potentials[node]!) relax(prepared, node, push);
  }
}

function bellmanFord(prepared: Prepared, source: number): void {
  const nodes = prepared.out.length;
  let open = new Set([source]);
  for (let round = 0; open.size > 0; round++) {
    if (round >= nodes) {
      const node = onCycle(prepared, [...open][0]!);
      const remedy = "Costs around a cycle must not sum to less than 0: shift or clip them.";
      throw refuse("data", "costs without a negative cycle", `one through node ${node}`, remedy);
    }
    const next = new Set<number>();
    for (const node of open) relax(prepared, node, (head) => next.add(head));
    open = next;
  }
}

/** A node of the cycle that leads to `node` backwards. */
function onCycle({ edges, labels }: Prepared, node: number): number {
  let at = node;
  for (let k = 0; k < labels.into.length; k++) at = edges[labels.into[at]!]![0];
  return at;
}

function routeTo(target: number, source: number, { edges, costs, labels }: Prepared): Route {
  if (labels.potentials[target] === Infinity) {
    const remedy = "Join the parts of the graph, or choose another target.";
    throw refuse("data", `a way from node ${source} to node ${target}`, `none: node ${target} is cut off`, remedy);
  }
  const path: number[] = [];
  for (let node = target; node !== source; node = edges[path.at(-1)!]![0]) path.push(labels.into[node]!);
  path.reverse();
  return { edges: path, cost: path.reduce((sum, e) => sum + costs[e]!, 0), potentials: labels.potentials };
}

/** Kahn's order; undefined where there is a cycle. */
function topologicalOrder({ nodes, edges }: Graph, out: readonly (readonly number[])[]): Int32Array | undefined {
  const waiting = new Int32Array(nodes);
  for (const [, head] of edges) waiting[head]!++;
  const order = new Int32Array(nodes);
  let [done, found] = [0, 0];
  for (let node = 0; node < nodes; node++) if (waiting[node] === 0) order[found++] = node;
  while (done < found) {
    for (const e of out[order[done++]!]!) if (--waiting[edges[e]![1]]! === 0) order[found++] = edges[e]![1];
  }
  return found === nodes ? order : undefined;
}

function requireNodes({ nodes, edges }: Graph): void {
  for (const [e, ends] of edges.entries()) {
    const stray = ends.find((node) => !(Number.isInteger(node) && node >= 0 && node < nodes));
    if (stray === undefined) continue;
    throw refuse("parameter", `nodes 0 … ${nodes - 1}`, `node ${stray} in edge ${e}`, "Number nodes from 0.");
  }
}

/** @throws data naming the edge, shape */
function requireCosts({ edges }: Graph, costs: ArrayLike<number>): void {
  if (costs.length !== edges.length) {
    throw refuse("shape", `${edges.length} costs, one an edge`, `${costs.length}`, "Give every edge a cost.");
  }
  for (const [e, [tail, head]] of edges.entries()) {
    if (Number.isFinite(costs[e])) continue;
    const got = `${costs[e]} for edge ${e} from ${tail} to ${head}`;
    throw refuse("data", "finite costs", got, "Leave out edges that may not be used.");
  }
}

function refuse(code: "data" | "parameter" | "shape", expected: string, got: string, remedy: string): VouchError {
  return new VouchError(code, { name: "shortestPaths", expected, got, remedy });
}
