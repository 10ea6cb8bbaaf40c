/** @file Does a p-value, or a proven gap, say which reconstructions are worse? */

import { loadCalibrations, pickCalibration, simulateAll } from "../cli/ct.js";
import { readFileOrExplain } from "../cli/files.js";
import { readCollection } from "../cli/images.js";
import { dataFile, shippedModel } from "../cli/paths.js";
import { NOISE_LEVEL } from "../src/applications/ct/examples.js";
import { l2oMethod, type Method, solverData, tvMethod } from "../src/applications/ct/methods.js";
import { score } from "../src/applications/ct/score.js";
import { type Slice, stratify } from "../src/applications/ct/select.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { certify } from "../src/certificates/certify.js";
import { parseBundle } from "../src/files/bundle.js";
import { random } from "../src/random.js";
import type { Solution } from "../src/solvers/solve.js";
import type { Bench } from "./main.js";
import { RISK } from "./thresholds.js";

const BATCH = 8;

export const riskCoverage: Bench = async (log) => {
  const ct = tomography();
  const { slices, split } = await readCollection("bench riskcoverage", dataFile("ct", "chest_tcia.npy"), {
    size: ct.size,
  });
  const test = stratify(
    slices.filter(({ patient }) => split?.test.includes(patient)),
    RISK.slices,
    RISK.seed,
  );
  const bundle = parseBundle(await readFileOrExplain(shippedModel("ct-chest"), "weights (.safetensors)"));
  const figures: Record<string, number> = {
    slices: test.length,
    patients: new Set(test.map(({ patient }) => patient)).size,
  };
  for (const [prefix, method] of [
    ["", l2oMethod(ct, bundle)],
    ["tv_", tvMethod(ct)],
  ] as const) {
    const answers = await ranked(ct, method, test, log);
    for (const [key, value] of Object.entries(areas(answers))) figures[`${prefix}${key}`] = value;
    log(`${method.name}: ${JSON.stringify(areas(answers))}`);
  }
  return { figures, env: {} };
};

export interface Ranked {
  readonly patient: string;
  /** Root mean squared error as a share of the truth's maximum: 10^(−PSNR/20). */
  readonly error: number;
  /** Joint p-value: larger is more usual. */
  readonly p: number;
  /** Proven gap, a share of the objective; Infinity where nothing is proven. */
  readonly gap: number;
}

export async function ranked(
  ct: Tomography,
  method: Method<Solution>,
  slices: readonly Slice[],
  log: (line: string) => void,
): Promise<Ranked[]> {
  const run = {
    name: "bench riskcoverage",
    progress: () => ({ update: () => {}, stop: () => {} }),
    signal: new AbortController().signal,
  };
  const calibrations = await loadCalibrations(run, { model: shippedModel("ct-chest"), calibration: undefined });
  const calibration = await pickCalibration(run, calibrations, method, ct, NOISE_LEVEL);
  const measurements = simulateAll(
    ct,
    slices.map(({ image }) => image),
    RISK.seed,
    "riskcoverage",
  );
  const solver = await method.open();
  const found: Ranked[] = [];
  try {
    for (let first = 0; first < slices.length; first += BATCH) {
      const batch = measurements.slice(first, first + BATCH);
      const solution = solver.prove(batch, await solver.reconstruct(batch));
      const { model, weights } = method;
      certify({ model, weights, data: solverData(batch), solution, calibration }).forEach(
        ({ x, joint, optimality }, row) => {
          const { image, patient } = slices[first + row]!;
          if (joint.verdict === "REFUSED") throw new Error(joint.because);
          found.push({
            patient,
            error: 10 ** (-score(ct, x.data, image).psnr / 20),
            p: joint.p,
            gap: optimality.verdict === "VERIFIED" ? optimality.relativeGap : Number.POSITIVE_INFINITY,
          });
        },
      );
      log(`${method.name}: ${found.length} of ${slices.length}`);
    }
  } finally {
    await solver.dispose();
  }
  return found;
}

/**
 * Areas under risk–coverage curves, each with a 95 % interval by bootstrap over patients.
 *
 *     AURC = mean over k of the mean error of the k answers that are trusted most
 *
 * Ties share a place: their errors enter with their mean. A ranking at random has the mean error; `best` ranks by the error itself.
 *
 * @source Geifman & El-Yaniv 2017, Selective Classification for Deep Neural Networks
 */
export function areas(answers: readonly Ranked[]): Record<string, number> {
  const rankings: Record<string, (one: Ranked) => number> = {
    p: ({ p }) => -p,
    gap: ({ gap }) => gap,
    random: () => 0,
    best: ({ error }) => error,
  };
  const patients = [...new Set(answers.map(({ patient }) => patient))];
  const stream = random(RISK.seed).fork("bootstrap");
  const draws = Array.from({ length: RISK.bootstraps }, () =>
    patients.flatMap(() => {
      const drawn = patients[stream.integer(patients.length)]!;
      return answers.filter(({ patient }) => patient === drawn);
    }),
  );
  return Object.fromEntries(
    Object.entries(rankings).flatMap(([name, rank]) => {
      const sorted = draws.map((draw) => area(draw, rank)).sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
      const key = `aurc_${name}`;
      return [
        [key, area(answers, rank)],
        [`${key}_low`, at(0.025)],
        [`${key}_high`, at(0.975)],
      ];
    }),
  );
}

export function area(answers: readonly Ranked[], rank: (one: Ranked) => number): number {
  const sorted = [...answers].sort((a, b) => rank(a) - rank(b));
  const errors: number[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && rank(sorted[end]!) === rank(sorted[start]!)) end++;
    const tied = sorted.slice(start, end);
    const mean = tied.reduce((sum, { error }) => sum + error, 0) / tied.length;
    errors.push(...tied.map(() => mean));
    start = end;
  }
  let [sum, total] = [0, 0];
  errors.forEach((error, k) => {
    sum += error;
    total += sum / (k + 1);
  });
  return total / errors.length;
}
