/** @file The published protocol of shortest paths on PyEPO's noisy data: our losses, PyEPO's, and the published regrets. */

import type { PathLossName } from "../src/applications/decisions/paths/losses.js";
import { noisyPathData } from "../src/applications/decisions/paths/noisy.js";
import { relativeRegret } from "../src/applications/decisions/paths/regret.js";
import { knapsackFigures } from "./fpo-knapsack.js";
import { dataDifference, learnByPeer, PEER_LOSSES } from "./fpo-peer.js";
import { type Learned, learnFpo } from "./fpo-train.js";
import type { Bench } from "./main.js";
import { startPeer } from "./peer.js";
import { pythonWith } from "./python.js";

/** Test regret of DYS with JFB and of the CVX layer by size of the grid, mean of three. @source mines-opt-ml/fpo-dys, `src/shortest_path/results` */
const PUBLISHED: Readonly<Record<number, readonly [dys: number, cvx: number]>> = {
  5: [0.088, 0.08],
  10: [0.116, 0.1083],
  15: [0.1061, 0.1126],
  20: [0.112, 0.1212],
  25: [0.1241, 0.1366],
  30: [0.1159, 0.1676],
};
const SPLITS = [1, 2, 3];
/** Student's t of 95 % at 2 degrees of freedom: three splits. They share samples, so that the interval is somewhat narrow. */
const T = 4.303;
/** Up to this size all losses are compared, PyEPO's among them; beyond it those that take seconds. */
const ALL = 10;
const everywhere: readonly PathLossName[] = ["mse", "two-stage", "spo+"];
const losses = (k: number) => (k <= ALL ? ([...everywhere, "fenchel-young", "blackbox"] as const) : everywhere);

/** Splits that PyEPO learns from, by size: its solves are in Python. */
const PEER_SPLITS: Readonly<Record<number, number>> = { 5: 3, 10: 1 };

/** VOUCH_GRIDS=5,10 runs those alone, without knapsacks. */
const grids = () => (process.env["VOUCH_GRIDS"] ?? Object.keys(PUBLISHED).join(",")).split(",").map(Number);

export const fpo: Bench = async (log) => {
  const python = pythonWith("pyepo, torch");
  const figures: Record<string, number | null> = {};
  if (python === undefined) log("PyEPO skipped: no Python with pyepo and torch; set VOUCH_PYTHON.");
  for (const k of grids()) {
    const published = PUBLISHED[k];
    if (!published) throw new Error(`bench fpo: VOUCH_GRIDS: expected some of ${Object.keys(PUBLISHED)}, got ${k}`);
    const peer = python !== undefined && PEER_SPLITS[k] ? startPeer(python, "pyepo_paths.py", []) : undefined;
    const [chosen, floors] = [[] as number[], [] as number[]];
    const table: Record<string, Learned[]> = {};
    const add = (name: string, learned: Learned) => {
      table[name] ??= [];
      table[name].push(learned);
    };
    if (peer) figures[`data_difference_${k}`] = await dataDifference(peer, k, 1400);
    for (const split of SPLITS) {
      const data = noisyPathData(k, { split });
      const mine: Learned[] = [];
      for (const loss of losses(k)) {
        const learned = await learnFpo(loss, data, split);
        log(`${k}×${k}, split ${split}, ${loss}: ${percent(learned.test)}, ${learned.seconds.toFixed(1)} s`);
        mine.push(learned);
        add(loss, learned);
      }
      chosen.push(mine.reduce((a, b) => (b.validation < a.validation ? b : a)).test);
      floors.push(relativeRegret(k, data.test, data.testMeans));
      if (!peer || split > PEER_SPLITS[k]!) continue;
      const theirs = await learnByPeer(peer, data, split);
      for (const loss of PEER_LOSSES) add(`pyepo_${loss}`, theirs[loss]!);
    }
    await peer?.close();
    Object.assign(figures, figuresOf(k, chosen, floors, published));
    for (const [name, learned] of Object.entries(table)) {
      figures[`regret_${name}_${k}`] = mean(learned.map(({ test }) => test));
      figures[`s_${name}_${k}`] = mean(learned.map(({ seconds }) => seconds));
      log(`${k}×${k}, ${name}: ${percent(figures[`regret_${name}_${k}`]!)} in the mean`);
    }
    figures[`mse_over_published_${k}`] = figures[`regret_mse_${k}`]! / published[0];
  }
  if (process.env["VOUCH_GRIDS"] === undefined) Object.assign(figures, await knapsackFigures(log));
  return { figures, env: { pyepo: python === undefined ? "skipped" : "run", splits: SPLITS.join(" ") } };
};

function figuresOf(
  k: number,
  chosen: readonly number[],
  floors: readonly number[],
  [dys, cvx]: readonly [number, number],
): Record<string, number> {
  const regret = mean(chosen);
  const half =
    T * Math.sqrt(chosen.reduce((sum, r) => sum + (r - regret) ** 2, 0) / (chosen.length - 1) / chosen.length);
  return {
    [`regret_${k}`]: regret,
    [`regret_low_${k}`]: regret - half,
    [`regret_high_${k}`]: regret + half,
    [`floor_${k}`]: mean(floors),
    [`published_${k}`]: dys,
    [`published_cvx_${k}`]: cvx,
    [`regret_over_published_${k}`]: regret / dys,
  };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const percent = (value: number) => `regret ${(100 * value).toFixed(2)} %`;
