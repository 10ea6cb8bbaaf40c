/** @file One training of the image network in a fresh process: seconds, Jacobian products, peak memory, accuracy. Arguments: rule, γ, training images, epochs. */

import { readImageSet } from "../cli/labelled-images.js";
import { chosen, type LabelledImages } from "../src/applications/images/data.js";
import { imageClassifier, predictions } from "../src/applications/images/evaluate.js";
import { explicitNetwork, fixedPointNetwork } from "../src/applications/images/network.js";
import { trainImages } from "../src/applications/images/train.js";
import { adjointIteration } from "../src/backward/adjoint-iteration.js";
import { implicit } from "../src/backward/implicit.js";
import { jfb } from "../src/backward/jfb.js";
import { neumann } from "../src/backward/neumann.js";
import type { BackwardRule } from "../src/backward/rule.js";

/** As precise as the fixed points of the training. */
const ADJOINT = { tolerance: 1e-2, limit: 100 };
/** Images of the choice of weights, and as many left out. */
const APART = 1000;

const rules: Readonly<Record<string, BackwardRule>> = {
  explicit: jfb,
  jfb,
  neumann: neumann(5),
  implicit: implicit({ ...ADJOINT, solver: adjointIteration }),
  cg: implicit(ADJOINT),
};

const [rule, gamma, count, epochs] = process.argv.slice(2) as [string, string, string, string];
const { train, test } = await readImageSet("bench jfb", "fashion", undefined);
const images = first(train, Math.min(train.count, Number(count) + 2 * APART));
const batch = 100;
const held = process.memoryUsage.rss();
let [products, steps, solverSteps, seconds] = [0, 0, 0, 0];
/** Of the present epoch; compiling is before the first step ends, validation after the last. */
let started: number | undefined;
let last = 0;
const trained = await trainImages({
  ...{ images, batch, gamma: Number(gamma), epochs: Number(epochs), validation: APART, calibration: APART },
  network: rule === "explicit" ? explicitNetwork : fixedPointNetwork,
  backward: rules[rule]!,
  onStep(event) {
    last = performance.now();
    started ??= last;
    products += event.products ?? 0;
    solverSteps += event.solverSteps;
    steps++;
  },
  onPhase() {
    seconds += (last - started!) / 1e3;
    started = performance.now();
  },
});
const mb = (process.resourceUsage().maxRSS * 1024 - held) / 2 ** 20;
await using classifier = await imageClassifier(trained.bundle);
const { x } = await classifier.classify(test);
const right = predictions(x).filter((label, n) => label === test.labels[n]).length;
console.log(JSON.stringify({ seconds, products, mb, accuracy: right / test.count, solver_steps: solverSteps / steps }));

function first(all: LabelledImages, n: number): LabelledImages {
  return chosen(
    all,
    Array.from({ length: n }, (_, i) => i),
  );
}
