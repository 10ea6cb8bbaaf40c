/** Convert a network to an implicit model, close a loop around it, and see when the loop loses well-posedness. */

import { implicit, random } from "../src/index.js";

const stream = random(1);
const matrix = (rows: number, columns: number, scale: number) =>
  implicit.denseOf(rows, columns, () => scale * stream.normal());

const network = implicit.feedForward([
  { W: matrix(8, 3, 1), activation: { map: "relu" } },
  { W: matrix(6, 8, 0.3), activation: { map: "tanh" } },
  { W: matrix(2, 6, 0.5), activation: { map: "linear" } },
]);
const U = matrix(4, 3, 1);
const { Y, steps } = implicit.predict(network, U);
console.log(`a network as a model of ${network.B.rows} states: ${Y.rows} predictions by substitution, ${steps} step`);

for (const gain of [0.1, 10]) {
  const back = implicit.affine(matrix(3, 2, gain));
  try {
    const loop = implicit.feedback(network, back);
    const held = implicit.wellPosedness(loop).filter(({ holds }) => holds);
    const [first] = held.map(({ condition, margin }) => `${condition.text} by ${margin!.toFixed(2)}`);
    console.log(`gain ${gain}: well-posed, ${first}; ${implicit.predict(loop, U).steps} steps`);
  } catch (error) {
    console.log(`gain ${gain}: ${(error as Error).message.slice(0, 76)} …`);
  }
}
