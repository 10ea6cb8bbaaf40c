/** @file PyEPO's losses on the same splits, network and recipe; and its data beside ours. */

import type { PathSamples } from "../src/applications/decisions/paths/data.js";
import { grid } from "../src/applications/decisions/paths/grid.js";
import type { NoisyPathData } from "../src/applications/decisions/paths/noisy.js";
import { relativeRegret } from "../src/applications/decisions/paths/regret.js";
import { PYEPO_SEED, polynomialCosts } from "../src/applications/decisions/polynomial.js";
import { randomState } from "../src/applications/decisions/random-state.js";
import { FPO_RECIPE, type Learned } from "./fpo-train.js";
import type { Peer } from "./peer.js";

export const PEER_LOSSES = ["spo+", "fenchel-young", "blackbox"] as const;

/** PyEPO by each of its losses. */
export async function learnByPeer(
  peer: Peer,
  data: NoisyPathData,
  seed: number,
): Promise<Readonly<Record<string, Learned>>> {
  const { size, context, train, validation, test } = data;
  const rows = ({ contexts, costs }: PathSamples) => ({ contexts: [...contexts], costs: [...costs] });
  const asked = { grid: size, edges: grid(size).edges, context, train: rows(train), validation: rows(validation) };
  await peer.ask("prepare", asked);
  const learned: Record<string, Learned> = {};
  for (const loss of PEER_LOSSES) {
    const answer = await peer.ask<{ costs: number[]; seconds: number; validation: number }>("train", {
      ...{ ...FPO_RECIPE, loss, seed, test: [...test.contexts] },
    });
    learned[loss] = { ...answer, test: relativeRegret(size, test, answer.costs) };
  }
  return learned;
}

/** Largest |ours − PyEPO's| of contexts and costs. */
export async function dataDifference(peer: Peer, k: number, count: number): Promise<number> {
  const theirs = await peer.ask<{ contexts: number[]; costs: number[] }>("data", { grid: k, count, seed: PYEPO_SEED });
  const ours = polynomialCosts(randomState(PYEPO_SEED), count, 2 * k * (k - 1));
  const apart = (a: ArrayLike<number>, b: readonly number[]) =>
    b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), a.length === b.length ? 0 : Number.NaN);
  return Math.max(apart(ours.contexts, theirs.contexts), apart(ours.costs, theirs.costs));
}
