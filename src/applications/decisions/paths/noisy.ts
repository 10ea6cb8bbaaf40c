/** @file Grids whose edges cost a polynomial of the context, times noise: PyEPO's shortest paths. */

import { random } from "../../../random.js";
import { type PolynomialOptions, PYEPO_SEED, polynomialCosts } from "../polynomial.js";
import { randomState } from "../random-state.js";
import type { PathData, PathSamples } from "./data.js";
import { shortestPaths } from "./exact.js";
import { grid } from "./grid.js";

export interface NoisyPathOptions extends PolynomialOptions {
  /** Samples to train on. Default 1000. */
  readonly train?: number;
  /** Samples to choose among models by. Default 200. */
  readonly validation?: number;
  /** Default 200. */
  readonly test?: number;
  /** Seed of the samples. Default 135, PyEPO's. */
  readonly seed?: number;
  /** Seed of the split: repetitions share their samples. Default 1. */
  readonly split?: number;
}

export interface NoisyPathData extends PathData {
  readonly validation: PathSamples;
  /** E(c | d) of the test contexts, [count, edges]: the regret of these costs is what noise makes. */
  readonly testMeans: Float32Array;
}

/**
 * Samples of `polynomialCosts` on the k×k grid, each edge with a cost of its own, split at random.
 *
 * @throws parameter as `polynomialCosts`
 * @source Tang & Khalil 2024, PyEPO, `data.shortestpath.genData`, edges there row by row: right ones, then those down
 */
export function noisyPathData(
  k: number,
  { train = 1000, validation = 200, test = 200, split = 1, seed = PYEPO_SEED, ...options }: NoisyPathOptions = {},
): NoisyPathData {
  const graph = grid(k);
  const { nodes, edges } = graph;
  const total = train + validation + test;
  const { contexts, means, costs } = polynomialCosts(randomState(seed), total, edges.length, options);
  const width = contexts.length / total;
  const places = edges.map(([tail, head]) => {
    const [i, j] = [Math.floor(tail / k), tail % k];
    return i * (2 * k - 1) + (head === tail + 1 ? j : k - 1 + j);
  });
  const order = random(split).fork("split").permutation(total);
  const ofEdges = (all: Float64Array, chosen: Int32Array) => {
    const own = new Float32Array(chosen.length * places.length);
    chosen.forEach((n, row) => {
      places.forEach((place, e) => {
        own[row * places.length + e] = all[n * places.length + place]!;
      });
    });
    return own;
  };
  const solve = shortestPaths(graph);
  const samples = (from: number, count: number): PathSamples => {
    const chosen = order.subarray(from, from + count);
    const own = ofEdges(costs, chosen);
    return {
      count,
      contexts: Float32Array.from(Array.from(chosen, (n) => [...contexts.subarray(n * width, (n + 1) * width)]).flat()),
      costs: own,
      routes: Array.from(chosen, (_, n) => solve(own.subarray(n * edges.length, (n + 1) * edges.length), 0, nodes - 1)),
    };
  };
  return {
    ...{ size: k, context: width, train: samples(0, train), validation: samples(train, validation) },
    test: samples(train + validation, test),
    testMeans: ofEdges(means, order.subarray(train + validation, total)),
  };
}
