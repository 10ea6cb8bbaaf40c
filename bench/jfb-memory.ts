/** @file One JFB training step of the convex CT model in a fresh process: peak memory. Argument: solver iterations. */

import { ctExamples } from "../src/applications/ct/examples.js";
import { learnedConvex } from "../src/applications/ct/models.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { random } from "../src/random.js";
import { fit } from "../src/training/fit.js";

const iterations = Number(process.argv[2]);
const ct = tomography();
const images = Array.from({ length: 8 }, (_, i) => ellipses({ size: 128, random: random(3).fork(i) }));
const model = learnedConvex(ct, { count: 32, size: 7, rho: 0.8 });
await fit(model, model.initialWeights(), ctExamples(ct, images, { seed: 1 }), {
  batch: 8,
  passes: 1,
  phases: 1,
  steps: { warm: 20, cold: iterations, every: 4 },
});
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ rssMb: maxRSS / 1024 }));
