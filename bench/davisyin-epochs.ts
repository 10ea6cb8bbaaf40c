/** @file An epoch of shortest paths here and in PyTorch: one network, one γ, one batch, the same contexts. */

import { decisionModel } from "../src/applications/decisions/layer.js";
import { twoLayers } from "../src/applications/decisions/network.js";
import { cornerSupply, drawPathData, type PathSamples } from "../src/applications/decisions/paths/data.js";
import { grid } from "../src/applications/decisions/paths/grid.js";
import { pathSet } from "../src/applications/decisions/paths/losses.js";
import { PATH_STEPS } from "../src/applications/decisions/paths/train.js";
import type { Float32 } from "../src/engine/session.js";
import { gridFlow } from "../src/sets/grid-flow.js";
import { adam } from "../src/training/adam.js";
import { batches } from "../src/training/dataset.js";
import { prepareTrainer } from "../src/training/trainer.js";
import { interleaveTimed } from "./interleave.js";
import { newestTorch, startPeer } from "./peer.js";

const BATCH = 200;
const HIDDEN = 10;
const ROUNDS = 2;
type Log = (line: string) => void;

/**
 * Median ms of an epoch, ours and the peer's, the rounds interleaved; the first epoch, from cold starts, is not counted.
 *
 * @param timed  batches of an epoch that are run and timed, in both; the time is scaled to all of them
 */
export async function epochTimes(
  k: number,
  gamma: number,
  log: Log,
  timed = Number.POSITIVE_INFINITY,
): Promise<Readonly<Record<"ours" | "peer", number>>> {
  const { train } = drawPathData(k, { test: 1 });
  const all = Math.ceil(train.count / BATCH);
  const most = Math.min(all, timed);
  const ours = await epochsHere(k, gamma, train, most);
  const python = await newestTorch();
  if (python === undefined) throw new Error("bench davisyin: no Python with torch: set VOUCH_PYTHON");
  const peer = startPeer(python, "fpo_dys.py", []);
  const edges = grid(k).edges;
  const contexts = Array.from({ length: train.count }, (_, n) => [...train.contexts.subarray(5 * n, 5 * n + 5)]);
  const paths = train.routes.map((route) => route.edges);
  const asked = { grid: k, gamma, edges, contexts, paths, batch: BATCH, hidden: HIDDEN };
  await peer.ask("prepare", asked);
  const theirs = async () => (await peer.ask<{ ms: number }>("epoch", { batches: most })).ms;
  const times = await interleaveTimed([ours.epoch, theirs], ROUNDS);
  const [here, there] = times.map((ms) => (ms * all) / most) as [number, number];
  await Promise.all([ours.dispose(), peer.close()]);
  log(`${k}×${k}, γ = ${gamma}: ${here.toFixed(0)} ms an epoch, PyTorch ${there.toFixed(0)} ms`);
  return { ours: here, peer: there };
}

async function epochsHere(k: number, gamma: number, train: PathSamples, most: number) {
  const network = twoLayers([5, HIDDEN, 2 * k * (k - 1)]);
  const model = decisionModel("edges", network, gridFlow(k, cornerSupply(k)), { gamma });
  const optimizer = adam();
  const trainer = await prepareTrainer(model, optimizer, { steps: PATH_STEPS });
  let weights = model.initialWeights();
  let slots: Readonly<Record<string, Float32>> = Object.fromEntries(
    Object.entries(weights).flatMap(([name, { shape, data }]) =>
      optimizer.slots.map((slot) => [`${slot}.${name}`, { shape, data: new Float32Array(data.length) }] as const),
    ),
  );
  const [set, memory] = [pathSet(train), new Map<number, Float32[]>()];
  let [pass, t] = [0, 0];
  return {
    async epoch() {
      const started = performance.now();
      for (const indices of batches(train.count, BATCH, 1, pass++).slice(0, most)) {
        const solved = await trainer.solve(weights, set.examples(indices, 0), indices, memory);
        ({ weights, slots } = await trainer.update(weights, slots, solved, ++t, 1e-2));
      }
      return performance.now() - started;
    },
    dispose: trainer.dispose,
  };
}
