/** @file The figure of what no certificate sees: two images that fit the data alike, both pass, one is wrong. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { loadCalibrations, phantom, pickCalibration } from "../cli/ct.js";
import { ctFigure } from "../cli/figures/ct.js";
import { readFileOrExplain, writeFileAtomic } from "../cli/files.js";
import { shippedModel } from "../cli/paths.js";
import { NOISE_LEVEL, simulate } from "../src/applications/ct/examples.js";
import { l2oMethod, solverData } from "../src/applications/ct/methods.js";
import { feasibility, score } from "../src/applications/ct/score.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { certify } from "../src/certificates/certify.js";
import { parseBundle } from "../src/files/bundle.js";
import { csrAdjoint, csrApply } from "../src/linear/csr.js";
import type { Bench } from "./main.js";

const SEED = 5;
/** The lesion that is not there: a disc, in pixels, and its contrast before what the rays see of it is taken away. */
const LESION = { row: 58, column: 76, radius: 2.5, contrast: 0.25 };
const FOLDER = "docs";

export const nullSpace: Bench = async (log) => {
  const ct = tomography();
  const truth = phantom(ct, SEED, "null space", 0);
  const measurement = simulate(ct, truth, SEED, "null space");
  const weights = shippedModel("ct-ellipses");
  const method = l2oMethod(ct, parseBundle(await readFileOrExplain(weights, "weights (.safetensors)")));
  const run = {
    name: "bench null-space",
    progress: () => ({ update: () => {}, stop: () => {} }),
    signal: new AbortController().signal,
  };
  const calibrations = await loadCalibrations(run, { model: weights, calibration: undefined });
  const calibration = await pickCalibration(run, calibrations, method, ct, NOISE_LEVEL);
  const solver = await method.open();
  const solution = await solver.reconstruct([measurement]);
  await solver.dispose();

  const honest = Float32Array.from(solution.x.data);
  const unseen = withoutSeen(ct, lesion(ct.size));
  const wrong = honest.map((v, i) => Math.min(1, Math.max(0, v + unseen[i]!)));
  const data = solverData([measurement]);
  const answers = [honest, wrong].map((x, i) => {
    const shape = solution.x.shape;
    const [result] = certify({
      model: method.model,
      weights: method.weights,
      data,
      x: { shape, data: x },
      calibration,
    });
    return {
      name: i === 0 ? "the answer" : "with a lesion no ray sees",
      x,
      result: result!,
      score: score(ct, x, truth),
      fidelity: feasibility(ct, x, measurement).fidelity,
    };
  });
  const rows = [
    {
      title: "phantom",
      truth,
      methods: answers.map((a) => ({ ...a, notes: [`‖Ax − d‖/δ = ${a.fidelity.toFixed(4)}`] })),
    },
  ];
  const footnote = "Both images fit the measurement alike and pass; one shows a lesion that is not there.";
  const figure = ctFigure(rows, { size: ct.size, title: "What no certificate sees", footnote });
  await mkdir(FOLDER, { recursive: true });
  await writeFileAtomic(join(FOLDER, "null-space.png"), figure);
  log(`Written to ${join(FOLDER, "null-space.png")}.`);
  const passes = ({ result: { certificates } }: (typeof answers)[number]) =>
    Number(certificates.every(({ label }) => label === "pass"));
  return {
    figures: {
      answer_fidelity: answers[0]!.fidelity,
      wrong_fidelity: answers[1]!.fidelity,
      answer_passes: passes(answers[0]!),
      wrong_passes: passes(answers[1]!),
      lesion_contrast: unseen.reduce((a, b) => Math.max(a, b), 0),
    },
    env: {},
  };
};

export function lesion(size: number): Float64Array {
  const { row, column, radius, contrast } = LESION;
  return Float64Array.from({ length: size * size }, (_, i) => {
    const distance = Math.hypot(Math.floor(i / size) - row, (i % size) - column);
    return contrast * Math.max(0, Math.min(1, radius + 0.5 - distance));
  });
}

/** w − A⁺Aw, what the rays do not see of w, by CGLS on A e = A w. */
export function withoutSeen({ matrix }: Tomography, w: Float64Array): Float64Array {
  let r = csrApply(matrix, w);
  let s = csrAdjoint(matrix, r);
  let p = s.slice();
  const e = new Float64Array(w.length);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  let square = dot(s, s);
  for (let k = 0; k < 300; k++) {
    const q = csrApply(matrix, p);
    const step = square / dot(q, q);
    for (let i = 0; i < e.length; i++) e[i]! += step * p[i]!;
    r = r.map((v, i) => v - step * q[i]!);
    s = csrAdjoint(matrix, r);
    const next = dot(s, s);
    p = s.map((v, i) => v + (next / square) * p[i]!);
    square = next;
  }
  return w.map((v, i) => v - e[i]!);
}
