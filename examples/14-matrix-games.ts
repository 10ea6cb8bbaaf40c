/** Rock–paper–scissors with unknown stakes: learn to play from contexts and equilibria, and be held to the stakes afterwards. */

import {
  calibrateGames,
  certifyGame,
  drawGames,
  judgeStrategies,
  playGames,
  trainGames,
} from "../src/applications/decisions/index.js";

const data = drawGames(3, { train: 300, test: 5, calibration: 100 });
const { bundle } = await trainGames(data, {
  phases: 1,
  passes: 50,
  batch: 125,
  validation: 50,
  hidden: 20,
  learningRate: 0.05,
});

const show = (shares: ArrayLike<number>) => Array.from(shares, (share) => share.toFixed(2)).join(" ");
const [decision] = await playGames(bundle, data.test.contexts);
console.log(`rock, paper, scissors: ${show(decision!.strategies.first)}`);
console.log(`at equilibrium:        ${show(data.test.equilibria[0]!.first)}`);

const usual = await playGames(bundle, data.calibration.contexts);
const judged = usual.map(({ strategies }, n) => judgeStrategies(data.calibration.game(n), strategies));
const calibration = await calibrateGames(usual, judged);
const stakes = data.test.game(0);
const rock = { first: [1, 0, 0], second: [1, 0, 0] };
for (const [name, strategies] of Object.entries({ learned: decision!.strategies, "always rock": rock })) {
  const labels = certifyGame(judgeStrategies(stakes, strategies), calibration);
  console.log(`${name}: ${labels.map(({ property, label }) => `${property} ${label}`).join(", ")}`);
  console.log(`  ${labels[1]!.because}`);
}
