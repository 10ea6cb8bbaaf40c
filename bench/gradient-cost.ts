/** @file One training step with a backward rule in a fresh process: peak memory, then the time of its update. Arguments: problem, rule, iterations. */

import { adam } from "../src/training/adam.js";
import { prepareTrainer } from "../src/training/trainer.js";
import { atWork, costRules } from "./gradient-problems.js";

const [problem, rule, words] = process.argv.slice(2) as [keyof typeof atWork, keyof typeof costRules, string];
const iterations = Number(words);
const { model, weights, set } = atWork[problem]();
const optimizer = adam();
await using trainer = await prepareTrainer(model, optimizer, {
  backward: costRules[rule](iterations),
  steps: { warm: 20, cold: iterations, every: 4 },
});
const indices = Array.from({ length: set.count }, (_, i) => i);
const solved = await trainer.solve(weights, set.examples(indices, 0), indices, new Map());
const slots = Object.fromEntries(
  Object.entries(weights).flatMap(([name, { shape, data }]) =>
    optimizer.slots.map((slot) => [`${slot}.${name}`, { shape, data: new Float32Array(data.length) }] as const),
  ),
);
const update = () => trainer.update(weights, slots, solved, 1, 1e-3);
await update();
const { maxRSS } = process.resourceUsage();
const times: number[] = [];
for (let round = 0; round < 5; round++) {
  const start = performance.now();
  await update();
  times.push(performance.now() - start);
}
console.log(JSON.stringify({ mb: maxRSS / 1024, ms: times.sort((a, b) => a - b)[2] }));
