/** @file The synthetic data of §7.1: a sparse network of tanh layers on normal inputs of a singular covariance. */

import { EigenvalueDecomposition } from "ml-matrix";
import { type Dense, denseOf, times, toMatrix, transposed } from "../src/applications/implicit/dense.js";
import { tanhDivergence } from "../src/applications/implicit/fenchel/divergence.js";
import { type NetworkWeights, networkOutputs } from "../src/applications/implicit/fenchel/lifted-network.js";
import type { Samples } from "../src/applications/implicit/train/train-projected.js";
import type { Random } from "../src/random.js";

/** u, hidden, hidden, y. */
export const SIZES = [20, 12, 6, 5] as const;
/** Share of weights that are zero: "approximately 70 %". */
const ZEROS = 0.7;

/** Weights Bernoulli(0.3) × U[−½, ½]. */
export function sparseWeights(stream: Random): NetworkWeights {
  return SIZES.slice(1).map((rows, l) =>
    denseOf(rows, SIZES[l]!, () => (stream.uniform() < ZEROS ? 0 : stream.uniform() - 0.5)),
  );
}

/** u ~ N(0, MMᵀ − λ_min I) with M ~ U[−½, ½]^{p×p}, y the network's, m of them. */
export function samplesOf(stream: Random, weights: NetworkWeights, m: number): Samples {
  const p = SIZES[0];
  const M = denseOf(p, p, () => stream.uniform() - 0.5);
  const { eigenvectorMatrix: Q, realEigenvalues } = new EigenvalueDecomposition(toMatrix(times(M, transposed(M))), {
    assumeSymmetric: true,
  });
  const least = Math.min(...realEigenvalues);
  const root = realEigenvalues.map((value) => Math.sqrt(Math.max(value - least, 0)));
  const factor: Dense = denseOf(p, p, (i, j) => Q.get(i, j) * root[j]!);
  const normal = denseOf(m, p, () => stream.normal());
  const U = times(normal, transposed(factor));
  return { U, Y: networkOutputs(weights, U, tanhDivergence) };
}

/** ‖Y − Ŷ‖_F/√m. */
export function rootMeanSquare(weights: NetworkWeights, { U, Y }: Samples): number {
  const made = networkOutputs(weights, U, tanhDivergence);
  const total = made.data.reduce((sum, value, e) => sum + (value - Y.data[e]!) ** 2, 0);
  return Math.sqrt(total / U.rows);
}
