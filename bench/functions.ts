/** @file What an implicit model learns of a function of one number, and of another implicit model. */

import { type Dense, denseOf } from "../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel } from "../src/applications/implicit/model.js";
import { predict } from "../src/applications/implicit/predict.js";
import { rowsOnL1Ball } from "../src/applications/implicit/projections.js";
import { refitOutputs } from "../src/applications/implicit/train/least-squares.js";
import { newtonStates } from "../src/applications/implicit/train/newton-states.js";
import { trainProjected } from "../src/applications/implicit/train/train-projected.js";
import { rescaled } from "../src/applications/implicit/well-posed/rescale.js";
import { type Random, random } from "../src/random.js";
import type { Bench } from "./main.js";

const CURVE = { states: 75, samples: 200, kappa: 0.5, steps: 300, learningRate: 0.03, ridge: 0.1 };
const LEVEL = {
  ...{ level: 6, samples: 60_000, test: 2000, kappa: 0.95, room: 0.99 },
  ...{ rounds: 20, steps: 80_000, batch: 64, learningRate: 0.01 },
};
/** Share of its start to which the student's learning rate falls, by the same factor at each step. */
const FALL = 0.01;

const curve = (u: number) => 5 * Math.cos(Math.PI * u) * Math.exp(-Math.abs(u) / 2);
const cosine = (rate: number, steps: number) => (t: number) => 0.5 * rate * (1 + Math.cos((Math.PI * t) / steps));

/** Root mean squares of y = 5cos(πu)e^(−|u|/2), u on [−5, 5]: on its noisy samples, and against the function between them. */
export function fitCurve(stream: Random, { states: n, samples: m, kappa, steps, learningRate, ridge } = CURVE) {
  const grid = (count: number) => denseOf(count, 1, (i) => -5 + (10 * (i + 0.5)) / count);
  const U = grid(m);
  const Y = { ...U, data: U.data.map((u) => curve(u) + 2 * stream.uniform() - 1) };
  const initial = implicitModel({
    A: denseOf(n, n, () => stream.normal() / n),
    B: denseOf(n, 1, () => stream.normal()),
    C: denseOf(1, n, () => stream.normal() / Math.sqrt(n)),
    stateBias: Float64Array.from({ length: n }, () => 5 * (2 * stream.uniform() - 1)),
    phi: [{ map: "relu", size: n }],
  });
  const options = { project: (A: Dense) => rowsOnL1Ball(A, kappa), steps, solver: newtonStates() };
  const trained = trainProjected(initial, { U, Y }, { ...options, learningRate: cosine(learningRate, steps) });
  const model = refitOutputs(trained, { U, Y }, ridge);
  const between = grid(1000);
  const rms = (at: Dense, truth: (i: number) => number) =>
    Math.sqrt(predict(model, at).Y.data.reduce((sum, y, i) => sum + (y - truth(i)) ** 2, 0) / at.rows);
  return { training: rms(U, (i) => Y.data[i]!), clean: rms(between, (i) => curve(between.data[i]!)) };
}

/**
 * Mean of ‖ŷ − y‖/‖y‖ on inputs not trained on, of a student of its teacher's size: n = 5ℓ, p = 3ℓ, q = 2ℓ.
 *
 * Rows of the teacher's A have an l1 norm of κ. A student under the same bound could have no other scale of its states than the teacher's,
 * and comes near it slowly: it gets a little room, and its states are rescaled between rounds so that they do not use it up.
 */
export function teachStudent(
  stream: Random,
  { level, samples, test, kappa, room, rounds, steps, batch, learningRate } = LEVEL,
  log: (line: string) => void = () => undefined,
): number {
  const [n, p, q] = [5 * level, 3 * level, 2 * level];
  const project = (A: Dense) => rowsOnL1Ball(A, kappa);
  const draw = (from: Random): ImplicitModel => {
    const part = (rows: number, columns: number) => denseOf(rows, columns, () => from.normal() / 5);
    return implicitModel({
      A: project(part(n, n)),
      B: part(n, p),
      C: part(q, n),
      D: part(q, p),
      phi: [{ map: "relu", size: n }],
    });
  };
  const [teacher, student] = [draw(stream.fork("teacher")), draw(stream.fork("student"))];
  const inputs = (count: number) => denseOf(count, p, () => 10 * stream.normal());
  const U = inputs(samples);
  const taught = { U, Y: predict(teacher, U).Y };
  let model = student;
  for (let round = 0; round < rounds; round++) {
    const passed = (round * steps) / rounds;
    model = trainProjected(round === 0 ? model : rescaled(model), taught, {
      ...{ steps: steps / rounds, batch, seed: round, solver: newtonStates(), fixed: ["stateBias", "outputBias"] },
      project: (A) => rowsOnL1Ball(A, room),
      learningRate: (t) => learningRate * FALL ** ((passed + t) / steps),
      onStep: (t, loss) => {
        if (t === 0) log(`student, step ${passed}: loss ${loss.toExponential(2)}`);
      },
    });
  }
  return relativeError(model, teacher, inputs(test));
}

/** Mean of ‖ŷ − y‖/‖y‖ over samples. */
function relativeError(model: ImplicitModel, teacher: ImplicitModel, U: Dense): number {
  const [found, expected] = [predict(model, U).Y, predict(teacher, U).Y];
  const [m, q] = [U.rows, expected.columns];
  const row = ({ data }: Dense, s: number) => data.subarray(s * q, (s + 1) * q);
  let total = 0;
  for (let s = 0; s < m; s++) {
    const y = row(expected, s);
    total += Math.hypot(...row(found, s).map((value, i) => value - y[i]!)) / Math.hypot(...y);
  }
  return total / m;
}

export const functions: Bench = async (log) => {
  const { training, clean } = fitCurve(random(1).fork("curve"));
  log(`curve: ${training.toFixed(3)} on its noisy samples, ${clean.toFixed(3)} against the function between them`);
  const relative = teachStudent(random(1).fork("teacher and student"), LEVEL, log);
  log(`teacher and student at level ${LEVEL.level}: relative error ${relative.toExponential(2)}`);
  return { figures: { rmse: clean, rmse_training: training, relative_error: relative }, env: {} };
};
