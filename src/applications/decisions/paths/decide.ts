/** @file From contexts to paths: predicted costs, the regularised flow, the path of least predicted cost, and its proof. */

import { compile, type EngineOptions } from "../../../engine/session.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import type { Graph } from "../../../linear/incidence.js";
import { compileModel, feedData, feedParams, type Model, type Weights } from "../../../model.js";
import type { Status } from "../../../solvers/solve.js";
import { input } from "../../../tensor/primitives/leaf.js";
import type { PathProperty } from "./certify.js";
import { type Route, shortestPaths } from "./exact.js";
import { gridOf } from "./grid.js";
import { gridCosts, gridModel, type PathModelOptions } from "./model.js";
import { type PathVerdict, provePath } from "./proof.js";

export interface PathDecision {
  readonly context: Float32Array;
  /** ĉ, one an edge. */
  readonly costs: Float32Array;
  /** x of the layer: a flow, fractional where several paths cost about the same. */
  readonly flow: Float32Array;
  readonly status: Status;
  readonly steps: number;
  /** The path of least predicted cost. */
  readonly route: Route;
  readonly proof: PathVerdict;
  readonly values: Readonly<Record<PathProperty, number>>;
}

/** Where the layer's KKT residuals stop, relative. */
export const PATHS_SOLVE = { tolerance: 1e-4, maxSteps: 5000 } as const;

/** The options a path model was made with. @throws format if the bundle holds another model */
export function pathOptions({ manifest }: Bundle): Required<Omit<PathModelOptions, "alpha">> & { size: number } {
  const { size, context, hidden, gamma, seed, neighbours = 4 } = manifest.options;
  if (
    manifest.model === "paths" &&
    size &&
    context &&
    hidden &&
    gamma &&
    seed !== undefined &&
    (neighbours === 4 || neighbours === 8)
  ) {
    return { size, context, hidden, gamma, seed, neighbours };
  }
  throw new VouchError("format", {
    name: "pathOptions",
    expected: "a model of shortest paths",
    got: manifest.model,
    remedy: "Pass a file made by `vouch train paths`.",
  });
}

/** ĉ of each context: [count, edges]. @throws data naming the context that is not finite; shape */
export async function predictCosts(
  { manifest, weights }: Bundle,
  contexts: Float32Array,
  engine: EngineOptions = {},
): Promise<Float32Array> {
  const options = pathOptions({ manifest, weights });
  const model = gridModel(options.size, options);
  const network = gridCosts(options.size, options);
  const params = Object.fromEntries(
    Object.entries(network.params).map(([name, { shape }]) => [name, input(`params.${name}`, shape)]),
  );
  const d = { shape: [contexts.length / options.context, options.context], data: contexts };
  const fed = feedData(model, { d });
  await using session = await compile([network.cost(params, input("data.d", ["N", options.context]))], engine);
  const [costs] = await session.run({ ...feedParams(weights), ...fed });
  return costs!.data;
}

export interface DecideOptions extends EngineOptions {
  readonly signal?: AbortSignal;
  /** Contexts whose flow is solved so far, and in all. */
  readonly onProgress?: (event: { readonly solved: number; readonly total: number }) => void;
}

/**
 * Decide for each context, with what is known of each decision.
 *
 * @param contexts  [count, context]
 * @throws format, data, shape, cancelled
 */
export async function decidePaths(
  bundle: Bundle,
  contexts: Float32Array,
  decideOptions: DecideOptions = {},
): Promise<PathDecision[]> {
  const options = pathOptions(bundle);
  const costs = await predictCosts(bundle, contexts, decideOptions);
  const model = gridModel(options.size, options);
  const { x, status, steps } = await solveFlows(model, bundle.weights, contexts, decideOptions);
  const graph = gridOf(options.size, options.neighbours);
  const ends = [0, graph.nodes - 1] as const;
  const solve = shortestPaths(graph);
  const edges = graph.edges.length;
  return status.map((one, n) => {
    const own = costs.subarray(n * edges, (n + 1) * edges);
    const flow = x.subarray(n * edges, (n + 1) * edges);
    const route = solve(own, ...ends);
    const proof = provePath(graph, own, ends, route);
    return {
      context: contexts.subarray(n * options.context, (n + 1) * options.context),
      costs: own,
      flow,
      status: one,
      steps: steps[n]!,
      route,
      proof,
      values: {
        ...flowValues(graph, flow, ends),
        integrality: distanceToPath(flow, route.edges),
        gap: proof.verdict === "VERIFIED" ? proof.relativeGap : 1,
      },
    };
  });
}

async function solveFlows(model: Model, weights: Weights, contexts: Float32Array, options: DecideOptions) {
  const { signal, onProgress, ...engine } = options;
  const width = model.data["d"]![1] as number;
  await using compiled = await compileModel(model, weights, engine);
  const d = { shape: [contexts.length / width, width], data: contexts };
  const { x, status, steps } = await compiled.solve(
    { d },
    {
      ...{ ...PATHS_SOLVE, strict: false },
      ...(signal && { signal }),
      ...(onProgress && {
        onProgress: ({ samples, running }) => onProgress({ solved: samples - running, total: samples }),
      }),
    },
  );
  return { x: x.data, status, steps };
}

/** Largest |Ex − b| of a node and largest −x of an edge, in float64. */
export function flowValues(
  { nodes, edges }: Graph,
  flow: ArrayLike<number>,
  [source, target]: readonly [number, number],
): { conservation: number; nonnegativity: number } {
  const surplus = new Float64Array(nodes);
  surplus[source] = 1;
  surplus[target] = -1;
  let least = 0;
  for (const [e, [tail, head]] of edges.entries()) {
    surplus[tail]! -= flow[e]!;
    surplus[head]! += flow[e]!;
    least = Math.min(least, flow[e]!);
  }
  return { conservation: surplus.reduce((most, value) => Math.max(most, Math.abs(value)), 0), nonnegativity: -least };
}

/** ‖x − path‖₂, the path as 0 and 1. */
function distanceToPath(flow: ArrayLike<number>, path: readonly number[]): number {
  const taken = new Set(path);
  let sum = 0;
  for (let e = 0; e < flow.length; e++) sum += (flow[e]! - (taken.has(e) ? 1 : 0)) ** 2;
  return Math.sqrt(sum);
}
