/** @file The shortest-path layer of a grid: edge costs from a context, and the flow of least cost. */

import { sparse } from "../../../linear/sparse.js";
import type { Model } from "../../../model.js";
import { gridFlow } from "../../../sets/grid-flow.js";
import type { ConvexSet } from "../../../sets/set.js";
import { reshape } from "../../../tensor/primitives/broadcast.js";
import { abs, add, exp, log, max, neg } from "../../../tensor/primitives/elementwise.js";
import { concat, slice, transpose } from "../../../tensor/primitives/layout.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { flow } from "../flow.js";
import { type DecisionOptions, decisionModel } from "../layer.js";
import { type CostNetwork, twoLayers } from "../network.js";
import { cornerSupply } from "./data.js";
import { grid8, type Neighbours } from "./grid.js";

export interface PathModelOptions extends DecisionOptions {
  /** Default 4. */
  readonly neighbours?: Neighbours;
  /** Numbers of a context. Default 5. */
  readonly context?: number;
  /** Neurons of the cost network. Default 10. */
  readonly hidden?: number;
  /** Seed of the network's start. Default 1. */
  readonly seed?: number;
}

/** A network of node costs; an edge costs what its head does, so that k² numbers are learned in the place of 2k(k−1). */
export function gridCosts(
  k: number,
  { context = 5, hidden = 10, seed = 1, neighbours = 4 }: PathModelOptions = {},
): CostNetwork {
  const nodes = twoLayers([context, hidden, k * k], seed);
  if (neighbours === 8) return positiveHeads(k, nodes);
  return {
    ...nodes,
    costs: 2 * k * (k - 1),
    cost: (params, d) => {
      const square = reshape(nodes.cost(params, d), ["N", k, k]);
      const heads = [square, transpose(square, [0, 2, 1])].map((plane) => slice(plane, 2, 1, k));
      return concat(
        heads.map((plane) => reshape(plane, ["N", k * (k - 1)])),
        1,
      );
    },
  };
}

/** log(1 + eᶜ) of the nodes' c: with edges both ways, costs below 0 would make cycles without end. */
function positiveHeads(k: number, nodes: CostNetwork): CostNetwork {
  const { edges } = grid8(k);
  const heads = sparse("heads of edges", {
    ...{ rows: edges.length, columns: k * k },
    indptr: Int32Array.from({ length: edges.length + 1 }, (_, e) => e),
    indices: Int32Array.from(edges, ([, head]) => head),
    values: new Float32Array(edges.length).fill(1),
  });
  const softplus = (c: Tensor) => add(max(c, 0), log(add(1, exp(neg(abs(c))))));
  return {
    ...nodes,
    costs: edges.length,
    cost: (params, d) => heads.apply(softplus(nodes.cost(params, d))),
  };
}

/** Flows of one unit from corner to corner. */
export function pathEquations(k: number, neighbours: Neighbours = 4): ConvexSet {
  return neighbours === 8 ? flow(grid8(k), cornerSupply(k)) : gridFlow(k, cornerSupply(k));
}

/** A network of edge costs: 2k(k−1) numbers are learned, none shared. */
export function edgeCosts(k: number, { context = 5, hidden = 10, seed = 1 }: PathModelOptions = {}): CostNetwork {
  return twoLayers([context, hidden, 2 * k * (k - 1)], seed);
}

/** Shortest paths from corner to corner of the k×k grid, edges in the order of `gridOf`. @throws as `decisionModel`, `flow` */
export function gridModel(k: number, options: PathModelOptions = {}): Model {
  return decisionModel("paths", gridCosts(k, options), pathEquations(k, options.neighbours), options);
}
