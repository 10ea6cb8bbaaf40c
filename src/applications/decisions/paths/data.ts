/** @file Contexts with the true costs of a grid's edges and the shortest paths for them: read or drawn. */

import { z } from "zod";
import { VouchError } from "../../../errors.js";
import type { Graph } from "../../../linear/incidence.js";
import { random } from "../../../random.js";
import { type Route, shortestPaths } from "./exact.js";
import { grid, gridOf, type Neighbours, unitSupply } from "./grid.js";

/** One context a row. */
export interface PathSamples {
  readonly count: number;
  /** d, [count, 5]. */
  readonly contexts: Float32Array;
  /** True costs, [count, edges], in the order of `gridOf`. */
  readonly costs: Float32Array;
  /** Shortest paths for the true costs. */
  readonly routes: readonly Route[];
}

/** A k×k grid from corner to corner, with samples. */
export interface PathData {
  readonly size: number;
  /** Default 4. */
  readonly neighbours?: Neighbours;
  /** Numbers of a context. */
  readonly context: number;
  readonly train: PathSamples;
  readonly test: PathSamples;
}

/** b of a path from the first node to the last. */
export function cornerSupply(k: number): Float64Array {
  return unitSupply(k * k, 0, k * k - 1);
}

const part = z.object({ context: z.array(z.array(z.number())), pathEdges: z.array(z.array(z.number().int())) });
const schema = z.object({
  grid: z.number().int().min(2),
  edges: z.array(z.tuple([z.number().int(), z.number().int()])),
  W_vertex: z.array(z.array(z.number())),
  train: part,
  test: part,
});

/**
 * Read a grid file: contexts, the matrix of vertex costs W and labels; an edge costs what its head does, c_e = (Wd)_head.
 *
 * @throws format if the JSON is another; data naming the edge or context where the file contradicts itself
 * @source mines-opt-ml/fpo-dys, `old/` data of shortest paths (MIT)
 */
export function readPathData(json: unknown): PathData {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new VouchError("format", {
      name: "readPathData",
      expected: "grid, edges, W_vertex, train and test with context and pathEdges",
      got: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0] ?? "another file",
      remedy: "Pass a grid file of shared/data/paths.",
    });
  }
  const { grid: k, edges, W_vertex: W, train, test } = parsed.data;
  const order = edgeOrder(k, edges);
  if (W.length !== k * k) throw bad(`${k * k} rows of W_vertex, one a node`, `${W.length}`);
  const samples = (given: z.infer<typeof part>, name: string): PathSamples => {
    const contexts = given.context.map((d, n) => {
      const row = `${name} context ${n}`;
      if (d.length !== W[0]!.length) throw bad(`${W[0]!.length} numbers in ${row}`, `${d.length}`);
      return d;
    });
    const made = fromContexts(grid(k), W, contexts);
    given.pathEdges.forEach((path, n) => {
      const label = path.reduce((sum, e) => sum + made.costs[n * edges.length + (order[e] ?? Number.NaN)]!, 0);
      if (!(Math.abs(label - made.routes[n]!.cost) <= 1e-4 * Math.abs(label))) {
        throw bad(`a shortest path of cost ${made.routes[n]!.cost} in ${name} context ${n}`, `one of cost ${label}`);
      }
    });
    return made;
  };
  return { size: k, context: W[0]!.length, train: samples(train, "train"), test: samples(test, "test") };
}

export interface DrawPathOptions {
  /** Contexts to train on, and to test on. Default 1000 and 200. */
  readonly train?: number;
  readonly test?: number;
  readonly seed?: number;
  readonly neighbours?: Neighbours;
}

/** Numbers of a drawn context. */
const CONTEXT = 5;

/**
 * Draw a grid: d ~ U[0, 1]⁵, node costs Wd with W ~ U[0, 10], an edge costs what its head does; 1000 to train, 200 to test.
 *
 * @source McKenzie, Heaton & Wu Fung 2024, preprint: the recipe of its shortest paths
 */
export function drawPathData(
  k: number,
  { train = 1000, test = 200, seed = 2024, neighbours = 4 }: DrawPathOptions = {},
): PathData {
  const rng = random(seed).fork(`grid ${k}`);
  const rows = (count: number, stream: string, scale: number) => {
    const draws = rng.fork(stream);
    return Array.from({ length: count }, () => Array.from({ length: CONTEXT }, () => scale * draws.uniform()));
  };
  const W = rows(k * k, "W", 10);
  return {
    ...{ size: k, neighbours, context: CONTEXT },
    train: fromContexts(gridOf(k, neighbours), W, rows(train, "train", 1)),
    test: fromContexts(gridOf(k, neighbours), W, rows(test, "test", 1)),
  };
}

/** Rows `from` … `to` − 1. */
export function someOf({ contexts, costs, routes, count }: PathSamples, from: number, to: number): PathSamples {
  const [width, edges] = [contexts.length / count, costs.length / count];
  return {
    count: to - from,
    contexts: contexts.subarray(from * width, to * width),
    costs: costs.subarray(from * edges, to * edges),
    routes: routes.slice(from, to),
  };
}

function fromContexts(
  { edges, nodes }: Graph,
  W: readonly (readonly number[])[],
  contexts: readonly (readonly number[])[],
): PathSamples {
  const costs = new Float32Array(contexts.length * edges.length);
  const solve = shortestPaths({ nodes, edges });
  const routes = contexts.map((d, n) => {
    const ofNode = W.map((row) => row.reduce((sum, w, i) => sum + w * d[i]!, 0));
    edges.forEach(([, head], e) => {
      costs[n * edges.length + e] = ofNode[head]!;
    });
    return solve(costs.subarray(n * edges.length, (n + 1) * edges.length), 0, nodes - 1);
  });
  return { count: contexts.length, contexts: Float32Array.from(contexts.flat()), costs, routes };
}

/** Place in `grid` of each edge of the file. */
function edgeOrder(k: number, edges: readonly (readonly [number, number])[]): number[] {
  const places = new Map(grid(k).edges.map(([tail, head], e) => [tail * k * k + head, e]));
  if (edges.length !== places.size) throw bad(`${places.size} edges of a ${k}×${k} grid`, `${edges.length}`);
  return edges.map(([tail, head], e) => {
    const place = places.get(tail * k * k + head);
    if (place === undefined) throw bad("edges that lead right or down", `edge ${e} from ${tail} to ${head}`);
    return place;
  });
}

function bad(expected: string, got: string): VouchError {
  return new VouchError("data", { name: "readPathData", expected, got, remedy: "Repair the file." });
}
