/** @file One loss on one split: trained in phases, the phase with the least validation regret kept, as published. */

import type { PathLossName } from "../src/applications/decisions/paths/losses.js";
import { edgeCosts } from "../src/applications/decisions/paths/model.js";
import type { NoisyPathData } from "../src/applications/decisions/paths/noisy.js";
import { relativeRegret } from "../src/applications/decisions/paths/regret.js";
import { learnPaths } from "../src/applications/decisions/paths/train.js";
import { compile } from "../src/engine/session.js";
import { feedParams, type Weights } from "../src/model.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { adam } from "../src/training/adam.js";
import { cosineDecay } from "../src/training/schedule.js";

/** The published network (5 → 50 → edges) and step; batch and epochs are ours. */
export const FPO_RECIPE = { hidden: 50, rate: 1e-2, batch: 50, phases: 5, passes: 4 } as const;
const GAMMA = 0.5;

export interface Learned {
  /** On the validation samples, and on the test samples: of the phase that the former chose. */
  readonly validation: number;
  readonly test: number;
  /** Of training alone. */
  readonly seconds: number;
}

export async function learnFpo(loss: PathLossName, data: NoisyPathData, seed: number): Promise<Learned> {
  const { size: k, context } = data;
  const { hidden, rate, batch, phases, passes } = FPO_RECIPE;
  const network = edgeCosts(k, { context, hidden, seed });
  const params = Object.fromEntries(
    Object.entries(network.params).map(([name, { shape }]) => [name, input(`params.${name}`, shape)]),
  );
  await using session = await compile([network.cost(params, input("data.d", ["N", context]))]);
  const regretOf = async (weights: Weights, part: NoisyPathData["test"]) => {
    const d = { shape: [part.count, context], data: part.contexts };
    const [costs] = await session.run({ ...feedParams(weights), "data.d": d });
    return relativeRegret(k, part, costs!.data);
  };
  let [best, judging] = [{ validation: Number.POSITIVE_INFINITY, test: Number.NaN }, 0];
  const started = performance.now();
  await learnPaths({ size: k, network, gamma: GAMMA }, loss, [data.train, data.validation], {
    ...{ batch, phases, passes, seed, optimizer: adam(), learningRate: cosineDecay(rate) },
    async onPhase({ weights }) {
      const paused = performance.now();
      const validation = await regretOf(weights, data.validation);
      if (validation < best.validation) best = { validation, test: await regretOf(weights, data.test) };
      judging += performance.now() - paused;
    },
  });
  return { ...best, seconds: (performance.now() - started - judging) / 1000 };
}
