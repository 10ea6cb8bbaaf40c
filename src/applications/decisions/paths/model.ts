/** @file The shortest-path layer of a grid: edge costs from a context, and the flow of least cost. */

import type { Model } from "../../../model.js";
import { gridFlow } from "../../../sets/grid-flow.js";
import { reshape } from "../../../tensor/primitives/broadcast.js";
import { concat, slice, transpose } from "../../../tensor/primitives/layout.js";
import { type DecisionOptions, decisionModel } from "../layer.js";
import { type CostNetwork, twoLayers } from "../network.js";
import { cornerSupply } from "./data.js";

export interface PathModelOptions extends DecisionOptions {
  /** Numbers of a context. Default 5. */
  readonly context?: number;
  /** Neurons of the cost network. Default 10. */
  readonly hidden?: number;
  /** Seed of the network's start. Default 1. */
  readonly seed?: number;
}

/** A network of node costs; an edge costs what its head does, so that k² numbers are learned in the place of 2k(k−1). */
export function gridCosts(k: number, { context = 5, hidden = 10, seed = 1 }: PathModelOptions = {}): CostNetwork {
  const nodes = twoLayers([context, hidden, k * k], seed);
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

/** A network of edge costs: 2k(k−1) numbers are learned, none shared. */
export function edgeCosts(k: number, { context = 5, hidden = 10, seed = 1 }: PathModelOptions = {}): CostNetwork {
  return twoLayers([context, hidden, 2 * k * (k - 1)], seed);
}

/** Shortest paths from corner to corner of the k×k grid, edges in the order of `grid`. @throws as `decisionModel` */
export function gridModel(k: number, options: PathModelOptions = {}): Model {
  return decisionModel("paths", gridCosts(k, options), gridFlow(k, cornerSupply(k)), options);
}
