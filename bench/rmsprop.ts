/** @file Backpropagation with RMSProp through a tanh network, the baseline of §7.1. */

import { addScaled, applyRows, type Dense, times, transposed } from "../src/applications/implicit/dense.js";
import type { NetworkWeights } from "../src/applications/implicit/fenchel/lifted-network.js";
import { rowsOf, type Samples } from "../src/applications/implicit/train/train-projected.js";
import type { Random } from "../src/random.js";

export interface RmsPropOptions {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** Minimise the mean of ½‖y − ŷ‖²; decay 0.9, ε 1e-8. @source Tieleman & Hinton 2012, Lecture 6.5 */
export function rmsprop(
  stream: Random,
  initial: NetworkWeights,
  samples: Samples,
  { epochs, batch, learningRate }: RmsPropOptions,
): NetworkWeights {
  let weights = [...initial];
  const squares = weights.map(({ data }) => new Float64Array(data.length));
  const m = samples.U.rows;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = stream.permutation(m);
    for (let at = 0; at < m; at += batch) {
      const g = backpropagate(weights, rowsOf(samples, order.subarray(at, Math.min(at + batch, m))));
      weights = weights.map((W, l) => ({
        ...W,
        data: W.data.map((value, e) => {
          const kept = squares[l]!;
          kept[e] = 0.9 * kept[e]! + 0.1 * g[l]!.data[e]! ** 2;
          return value - (learningRate * g[l]!.data[e]!) / (Math.sqrt(kept[e]!) + 1e-8);
        }),
      }));
    }
  }
  return weights;
}

function backpropagate(weights: NetworkWeights, { U, Y }: Samples): Dense[] {
  const X = [U];
  weights.forEach((W, l) => {
    const Z = applyRows(X[l]!, W);
    X.push(l === weights.length - 1 ? Z : { ...Z, data: Z.data.map(Math.tanh) });
  });
  let delta = addScaled(-1, Y, X.at(-1)!);
  delta = { ...delta, data: delta.data.map((value) => value / U.rows) };
  const found: Dense[] = [];
  for (let l = weights.length - 1; l >= 0; l--) {
    found[l] = times(transposed(delta), X[l]!);
    const back = times(delta, weights[l]!);
    delta = { ...back, data: back.data.map((value, e) => value * (1 - X[l]!.data[e]! ** 2)) };
  }
  return found;
}
