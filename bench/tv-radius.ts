/** @file The radius of TV: mean squared error on training slices for each ρ of a grid; what TV_RHO rests on. */

import { readCollection } from "../cli/images.js";
import { dataFile } from "../cli/paths.js";
import { ctExamples } from "../src/applications/ct/examples.js";
import { CT_SOLVE } from "../src/applications/ct/methods.js";
import { totalVariation } from "../src/applications/ct/models.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { compileModel } from "../src/model.js";
import type { Bench } from "./main.js";

const GRID = [0.65, 0.7, 0.75, 0.8, 0.85, 0.9];
/** Every 41st slice of the training file: 24 of 993. */
const STRIDE = 41;

export const tvRadius: Bench = async (log) => {
  const ct = tomography();
  const { slices } = await readCollection("bench tv-radius", dataFile("ct", "chest_iqothnccd.npy"), { size: ct.size });
  const images = slices.filter((_, i) => i % STRIDE === 0).map(({ image }) => image);
  const { data, target } = ctExamples(ct, images, { seed: 3 }).examples(
    images.map((_, i) => i),
    0,
  );
  const figures: Record<string, number> = { slices: images.length };
  let best = { rho: Number.NaN, mse: Number.POSITIVE_INFINITY };
  for (const rho of GRID) {
    await using model = await compileModel(totalVariation(ct, rho), {});
    const { x } = await model.solve(data, CT_SOLVE);
    const mse = x.data.reduce((sum, value, k) => sum + (value - target.data[k]!) ** 2, 0) / x.data.length;
    figures[`mse_${rho}`] = mse;
    log(`ρ = ${rho}: mean squared error ${mse.toExponential(4)}`);
    if (mse < best.mse) best = { rho, mse };
  }
  return { figures: { ...figures, best_rho: best.rho }, env: {} };
};
