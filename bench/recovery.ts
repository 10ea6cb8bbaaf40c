/** @file Recovery of the inputs that an implicit model depends on, from its noisy outputs. */

import { denseOf } from "../src/applications/implicit/dense.js";
import { implicitModel } from "../src/applications/implicit/model.js";
import { predict } from "../src/applications/implicit/predict.js";
import { rowsOnL1Ball } from "../src/applications/implicit/projections.js";
import { type Selection, selectFeatures } from "../src/applications/implicit/train/select-features.js";
import { rowsOf, type Samples } from "../src/applications/implicit/train/train-projected.js";
import type { Random } from "../src/random.js";

/** n, p, nonzero columns of B, samples, of which the last are for validation; noise as a share of the output's deviation. */
const RECOVERY = { truth: 20, states: 10, inputs: 100, support: 15, samples: 400, held: 80, kappa: 0.5, noise: 0.01 };

/** Samples y = Cφ(Ax + Bu)/σ + noise with u ~ N(0, I), σ the deviation of Cx, and the nonzero columns of B. */
export function recoveryData(stream: Random, { truth: n, inputs: p, support, samples: m, kappa, noise } = RECOVERY) {
  const columns = new Set(stream.permutation(p).subarray(0, support));
  const model = implicitModel({
    A: rowsOnL1Ball(
      denseOf(n, n, () => stream.normal()),
      kappa,
    ),
    B: denseOf(n, p, (_, j) => (columns.has(j) ? stream.normal() : 0)),
    C: denseOf(1, n, () => stream.normal()),
    phi: [{ map: "relu", size: n }],
  });
  const U = denseOf(m, p, () => stream.normal());
  const clean = predict(model, U).Y.data;
  const mean = clean.reduce((sum, y) => sum + y, 0) / m;
  const sigma = Math.sqrt(clean.reduce((sum, y) => sum + (y - mean) ** 2, 0) / m);
  return { samples: { U, Y: denseOf(m, 1, (s) => clean[s]! / sigma + noise * stream.normal()) }, columns };
}

/** 2 tp/(2 tp + fp + fn). */
export function f1(found: Int32Array, columns: ReadonlySet<number>): number {
  return (2 * found.filter((j) => columns.has(j)).length) / (found.length + columns.size);
}

/**
 * One trial of §7.2: F1 of the columns that `selectFeatures` leaves nonzero, with 10 states and, by the same rule, in a linear model;
 * and the best F1 on the linear model's path, which knows the answer.
 */
export function recoveryTrial(stream: Random, { states, held, kappa } = RECOVERY) {
  const { samples, columns } = recoveryData(stream.fork("data"));
  const [training, validation] = [rows(samples, 0, samples.U.rows - held), rows(samples, samples.U.rows - held)];
  const select = (n: number): Selection => selectFeatures({ training, validation, states: n, kappa });
  const [implicit, linear] = [select(states), select(0)];
  return {
    recovered: f1(implicit.chosen.features, columns),
    found: implicit.chosen.features.length,
    rmse: Math.sqrt(implicit.chosen.error),
    linear: f1(linear.chosen.features, columns),
    linear_best: Math.max(...linear.path.map(({ features }) => f1(features, columns))),
  };
}

function rows(samples: Samples, from: number, to = samples.U.rows): Samples {
  return rowsOf(
    samples,
    Int32Array.from({ length: to - from }, (_, i) => from + i),
  );
}
