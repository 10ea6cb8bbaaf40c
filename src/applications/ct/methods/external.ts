/** @file Networks as methods: what they answer is not a solve's. */

import { compile } from "../../../engine/session.js";
import { feedParams, requireWeights, type Weights } from "../../../model.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type Network, networkInputs } from "../../../training/network.js";
import type { Measurement } from "../examples.js";
import { fbp, hann } from "../fbp.js";
import { external, type Method, solverData } from "../methods.js";
import { totalVariation } from "../models.js";
import type { Tomography } from "../tomography.js";

/** Filtered backprojections, Hann, of the rows of d: [N, 1, size, size]. */
export function starts(ct: Tomography, d: Float32Array) {
  const [rows, pixels] = [ct.matrix.rows, ct.size ** 2];
  const count = d.length / rows;
  const data = new Float32Array(count * pixels);
  for (let n = 0; n < count; n++) data.set(fbp(ct, d.subarray(n * rows, (n + 1) * rows), hann), n * pixels);
  return { shape: [count, 1, ct.size, ct.size], data };
}

/** Examples with their filtered backprojections as `start`. */
export function withStart(ct: Tomography, set: TrainingSet): TrainingSet {
  return {
    count: set.count,
    examples(indices, phase) {
      const { data, target } = set.examples(indices, phase);
      return { data: { ...data, start: starts(ct, data["d"]!.data) }, target };
    },
  };
}

/** What a network of d, delta and start is fed. */
export function networkData(ct: Tomography, measurements: readonly Measurement[]) {
  const data = solverData(measurements);
  return { ...data, start: starts(ct, data.d.data) };
}

/** A network's x, measured by the terms of TV: bound to nothing. */
export function networkMethod(
  ct: Tomography,
  network: Network,
  weights: Weights,
  what: Pick<Method, "name" | "parameters">,
): Method {
  requireWeights(what.name, network, weights);
  const method: Method = {
    ...what,
    ...{ model: totalVariation(ct, 1), weights, rho: 1 },
    open: async (engine = {}) => {
      const { read, fed } = networkInputs(network);
      const session = await compile([network.apply(read, fed).x], engine);
      return {
        method,
        reconstruct: async (measurements) => {
          const data = networkData(ct, measurements);
          const feeds = Object.fromEntries(Object.entries(data).map(([name, array]) => [`data.${name}`, array]));
          const [x] = await session.run({ ...feeds, ...feedParams(weights) });
          return external(x!);
        },
        prove: (_, made) => made,
        dispose: session.dispose,
        [Symbol.asyncDispose]: session.dispose,
      };
    },
  };
  return method;
}
