/** @file One long run in a process of its own, started with --expose-gc: memory as it goes. Argument: inference or training. */

import { ctExamples, simulate } from "../src/applications/ct/examples.js";
import { solverData } from "../src/applications/ct/methods.js";
import { learnedConvex } from "../src/applications/ct/models.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { compileModel } from "../src/model.js";
import { random } from "../src/random.js";
import { fit } from "../src/training/fit.js";

const SIDE = 32;
const STEPS = 20;
const INFERENCES = 10_000;
/** Inferences of one session, which is then disposed of and made again. */
const PER_SESSION = 250;
const TRAINING = 500;
const IMAGES = 16;
const BATCH = 4;

const ct = tomography({ size: SIDE });
const images = Array.from({ length: IMAGES }, (_, i) => ellipses({ size: SIDE, random: random(11).fork(i) }));
const model = learnedConvex(ct, { count: 8, size: 5, rho: 0.8 });
const samples: { readonly heap: number; readonly rss: number }[] = [];

/** Bytes after a full collection: V8's heap, and all that is resident, the runtime's memory and array buffers included. */
function sample(): void {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, rss } = process.memoryUsage();
  samples.push({ heap: heapUsed, rss });
}

async function inference(): Promise<void> {
  const measured = images.map((image, i) => solverData([simulate(ct, image, 5, `soak ${i}`)]));
  const weights = model.initialWeights();
  for (let done = 0; done < INFERENCES; ) {
    await using compiled = await compileModel(model, weights, { threads: 1, chunk: { every: 10, checks: 2 } });
    for (const end = done + PER_SESSION; done < end; done++) {
      await compiled.solve(measured[done % IMAGES]!, { maxSteps: STEPS, tolerance: 1e-12, strict: false });
      if (done % 50 === 49) sample();
    }
  }
}

async function training(): Promise<void> {
  await fit(model, model.initialWeights(), ctExamples(ct, images, { seed: 5 }), {
    threads: 1,
    batch: BATCH,
    passes: (TRAINING * BATCH) / IMAGES,
    steps: { warm: STEPS, cold: STEPS, every: 10 },
    onStep: ({ t }) => {
      if (t % 5 === 0) sample();
    },
  });
}

await (process.argv[2] === "training" ? training() : inference());
console.log(JSON.stringify(samples));
