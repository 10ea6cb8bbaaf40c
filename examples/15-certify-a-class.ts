/** An implicit model trained for its certificate: which predictions no perturbation of their input can change, and one that some can. */

import { implicit, random } from "../src/index.js";

const [inputs, classes, sigma] = [6, 3, 0.03];
// The class is the largest of three sums of two inputs.
const draw = (count: number, seed: number) => {
  const rng = random(seed);
  const rows = Float32Array.from({ length: count * inputs }, () => rng.uniform());
  const labels = Array.from({ length: count }, (_, s) => {
    const sums = [0, 2, 4].map((j) => rows[s * inputs + j]! + rows[s * inputs + j + 1]!);
    return sums.indexOf(Math.max(...sums));
  });
  return { rows, labels };
};

const recipe = { states: 8, classes, sigma, epochs: 6, batch: 20, learningRate: 1e-2 };
const model = await implicit.trainCertified({ ...recipe, training: draw(600, 1) });

const { rows, labels } = draw(100, 2);
const U = implicit.dense(100, inputs, Float64Array.from(rows));
const boxes = implicit.stateBoxes(model, implicit.inputBox(implicit.uniform(inputs, sigma)));
const bounds = implicit.intervalMargins(boxes);
const proven = labels.map((y, s) => bounds.of(boxes.of(U.data.slice(s * inputs, (s + 1) * inputs)), y));
const certified = proven.map(implicit.certified);
console.log(`${certified.filter(Boolean).length} of 100 inputs keep their class whatever moves by ${sigma}`);

const target = implicit.attacked(model);
const moved = implicit.projectedGradient(target, U, labels, sigma, { steps: 10, random: random(3) });
const Y = target.outputs(moved).data;
const turned = labels.map((y, s) => [0, 1, 2].some((k) => k !== y && Y[s * classes + k]! >= Y[s * classes + y]!));
console.log(
  `an attack turns ${turned.filter(Boolean).length}, and ${turned.filter((t, s) => t && certified[s]).length} of the certified`,
);
