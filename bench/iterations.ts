/** @file npm run -s bench -- iterations: PSNR of learned models after 200, 500 and 2,000 iterations. */

import { simulate } from "../src/applications/ct/examples.js";
import { LEARNED } from "../src/applications/ct/methods/index.js";
import { score } from "../src/applications/ct/score.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { parseBundle } from "../src/files/bundle.js";
import { hasModel, readModel, readNpy } from "./chest.js";
import type { Bench } from "./main.js";

const ITERATIONS = [200, 500, 2000];
const SLICES = 8;
/** Below any residual a slice comes to: the number of iterations ends it. */
const NEVER = 1e-9;

/**
 * `NAME_psnr_spread_db`: the largest less the least mean PSNR over the numbers of iterations; null where there are no weights. `l2o` is what
 * `evaluate ct` calls so, the best feasible method with a certificate.
 */
export const iterations: Bench = async (log) => {
  const ct = tomography();
  const slices = await readNpy("chest_tcia.npy");
  const images = Array.from({ length: SLICES }, (_, i) => slices[Math.floor(((i + 0.5) * slices.length) / SLICES)]!);
  const measurements = images.map((image, i) => simulate(ct, image, 3, `iterations ${i}`));
  const figures: Record<string, number | null> = {};
  for (const [key, name, file] of [
    ["l2o", "l2o_adaptive", "ct-chest-adaptive"],
    ["l2o_convex", "l2o_convex", "ct-chest"],
    ["released", "released", "ct-chest-released"],
    ["l2o_prox", "l2o_prox", "ct-chest-prox"],
  ] as const) {
    if (!hasModel(file)) {
      log(`${name}: no models/${file}.safetensors; train it with vouch train ct --method ${name}`);
      figures[`${key}_psnr_spread_db`] = null;
      continue;
    }
    const method = LEARNED.find((one) => one.name === name)!.method(ct, parseBundle(await readModel(file)));
    await using open = await method.open();
    const means: number[] = [];
    for (const maxSteps of ITERATIONS) {
      const { x } = await open.reconstruct(measurements, { maxSteps, tolerance: NEVER });
      const size = ct.size ** 2;
      const values = images.map((image, i) => score(ct, x.data.slice(i * size, (i + 1) * size), image).psnr);
      means.push(values.reduce((a, b) => a + b, 0) / SLICES);
      figures[`${key}_psnr_${maxSteps}`] = means.at(-1)!;
      log(`${name} ${maxSteps} iterations: ${means.at(-1)!.toFixed(2)} dB`);
    }
    figures[`${key}_psnr_spread_db`] = Math.max(...means) - Math.min(...means);
  }
  return { figures, env: {} };
};
