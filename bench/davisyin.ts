/** @file Davis–Yin for shortest paths: epochs against PyTorch, iterations by γ and solver, gradients by rule, and what γ → 0 does. */

import { readFile } from "node:fs/promises";
import { dataFile, shippedModel } from "../cli/paths.js";
import { drawPathData, type PathData, readPathData } from "../src/applications/decisions/paths/data.js";
import { PATHS_SOLVE } from "../src/applications/decisions/paths/decide.js";
import { evaluatePaths } from "../src/applications/decisions/paths/evaluate.js";
import { pathSet } from "../src/applications/decisions/paths/losses.js";
import { gridModel } from "../src/applications/decisions/paths/model.js";
import { trainPaths } from "../src/applications/decisions/paths/train.js";
import { implicit } from "../src/backward/implicit.js";
import { jfb } from "../src/backward/jfb.js";
import { neumann } from "../src/backward/neumann.js";
import type { BackwardRule } from "../src/backward/rule.js";
import { parseBundle } from "../src/files/bundle.js";
import { compileModel } from "../src/model.js";
import { anderson } from "../src/solvers/anderson.js";
import { picard } from "../src/solvers/picard.js";
import { relaxed } from "../src/solvers/relaxed.js";
import { restarted } from "../src/solvers/restarted.js";
import type { Solver } from "../src/solvers/solver.js";
import { checkDescent } from "../src/training/check-descent.js";
import { epochTimes } from "./davisyin-epochs.js";
import { gradientError } from "./davisyin-gradient.js";
import type { Bench } from "./main.js";

type Log = (line: string) => void;
const GRIDS = [10, 30];
const GAMMAS = [5e-4, 0.05, 0.5];
/** The published step. */
const PUBLISHED = 0.05;
const rules: Readonly<Record<string, BackwardRule>> = { jfb, implicit: implicit(), neumann20: neumann(20) };

export const davisyin: Bench = async (log) => {
  const gradients = { implicit_gradient_error: gradientError(), ...cosines(log) };
  const iterations = await iterationsByGamma(log);
  const trained = await regretByRule(log);
  const epochs: Record<string, number> = {};
  let least = Number.POSITIVE_INFINITY;
  for (const gamma of [0.5, 5e-4]) {
    for (const k of GRIDS) {
      // PyTorch takes 10,000 iterations a batch where solutions are vertices: of 30×30 one batch of five is timed.
      const { ours, peer } = await epochTimes(k, gamma, log, k > 10 && gamma < 0.05 ? 1 : undefined);
      Object.assign(epochs, { [`ms_${k}_${gamma}`]: ours, [`peer_ms_${k}_${gamma}`]: peer });
      epochs[`epoch_speedup_${k}_${gamma}`] = peer / ours;
      least = Math.min(least, peer / ours);
    }
  }
  return { figures: { epoch_speedup_fpodys: least, ...epochs, ...iterations, ...gradients, ...trained }, env: {} };
};

/** Median steps to a KKT residual of 1e-4 on the test costs of the shipped 10×10 model. */
async function iterationsByGamma(log: Log): Promise<Record<string, number>> {
  const { weights } = parseBundle(await readFile(shippedModel("paths-10")));
  const { contexts } = drawPathData(10, { train: 1, test: 100 }).test;
  const d = { shape: [100, 5], data: contexts };
  const solvers: readonly (readonly [string, Solver, number | undefined])[] = [
    ["published", picard(), PUBLISHED],
    ["plain", picard(), undefined],
    ["relaxed", relaxed(1.4), undefined],
    ["anderson", anderson(), undefined],
    ["restarted", restarted(), undefined],
  ];
  const figures: Record<string, number> = {};
  for (const gamma of GAMMAS) {
    for (const [name, solver, alpha] of solvers) {
      const model = gridModel(10, { gamma, ...(alpha === undefined ? {} : { alpha }) });
      await using compiled = await compileModel(model, weights, { solver });
      const { steps, status } = await compiled.solve({ d }, { ...PATHS_SOLVE, strict: false });
      const sorted = [...steps].sort((a, b) => a - b);
      figures[`steps_${gamma}_${name}`] = sorted[sorted.length >> 1]!;
      figures[`unconverged_${gamma}_${name}`] = status.filter((one) => one !== "converged").length;
      log(`γ = ${gamma}, ${name}: ${sorted[sorted.length >> 1]} steps in the median, ${sorted.at(-1)} at most`);
    }
  }
  return figures;
}

/** Cosine of each rule with the exact gradient at γ = 0.5 on a 4×4 grid, least over examples. */
function cosines(log: Log): Record<string, number> {
  const model = gridModel(4, { hidden: 4 });
  const examples = pathSet(drawPathData(4, { train: 8, test: 1 }).train).examples([0, 1, 2, 3, 4, 5, 6, 7], 0);
  return Object.fromEntries(
    Object.entries(rules).map(([name, backward]) => {
      const all = checkDescent(model, model.initialWeights(), examples, { backward }).map(({ cosine }) => cosine);
      log(`${name}: cosine ${Math.min(...all).toFixed(6)} at least`);
      return [`cosine_${name}`, Math.min(...all)];
    }),
  );
}

const EPOCHS = 10;

/** Test regret on the 5×5 grid after ten epochs by each rule, where solutions are vertices and where they are not. */
async function regretByRule(log: Log): Promise<Record<string, number>> {
  const data = await fiveByFive();
  const figures: Record<string, number> = {};
  for (const gamma of [5e-4, 0.5]) {
    for (const [name, backward] of Object.entries(rules)) {
      const asked = {
        phases: 1,
        passes: EPOCHS,
        gamma,
        backward,
        steps: { warm: 400, cold: 2000, every: 20, tolerance: 1e-4 },
      };
      const { bundle } = await trainPaths(data, asked);
      const { regret } = await evaluatePaths(bundle, data, { calibration: 100 });
      figures[`regret_${gamma}_${name}`] = regret;
      log(`γ = ${gamma}, ${name}: regret ${regret.toExponential(2)} after ${EPOCHS} epochs`);
    }
  }
  return figures;
}

async function fiveByFive(): Promise<PathData> {
  return readPathData(JSON.parse(await readFile(dataFile("paths", "fpo_dys_grid5.json"), "utf8")));
}
