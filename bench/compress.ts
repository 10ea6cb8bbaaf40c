/** @file Accuracy of an implicit model against its nonzeros and its rank, and how far compression may and does move its states. */

import { imagesFolder, imagesRemedy, readImageSet } from "../cli/labelled-images.js";
import { CLASSES, chosen, type LabelledImages } from "../src/applications/images/data.js";
import {
  addScaled,
  applyRows,
  blocks,
  type Dense,
  dense,
  denseOf,
  submatrix,
} from "../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel } from "../src/applications/implicit/model.js";
import { predict } from "../src/applications/implicit/predict.js";
import { rowsOnL1Ball } from "../src/applications/implicit/projections.js";
import { compressionBound, reducedStates, truncatedRank } from "../src/applications/implicit/sparsity.js";
import { denseA } from "../src/applications/implicit/state-matrix.js";
import { equilibrium } from "../src/applications/implicit/train/adjoint.js";
import { leastSquares } from "../src/applications/implicit/train/least-squares.js";
import { newtonStates } from "../src/applications/implicit/train/newton-states.js";
import { stateDriven } from "../src/applications/implicit/train/state-driven.js";
import { type Samples, trainProjected } from "../src/applications/implicit/train/train-projected.js";
import { random } from "../src/random.js";
import type { Bench } from "./main.js";

const RECIPE = { states: 48, kappa: 0.5, train: 3000, test: 1000, steps: 400, batch: 128, rate: 0.005, ridge: 1 };
const MEAN = 0.286;
/** Weights of ‖(A, B)‖₁ in the fit to states, per sample. */
const SPARSITY = [0, 0.0003, 0.001, 0.003, 0.01, 0.03];
const RANKS = [1, 2, 4, 8, 16, 32];
/** Rounding of fixed points, by which a state may pass its bound. */
const ROUNDING = 1e-8;

export const compress: Bench = async (log) => {
  if (imagesFolder("fashion") === undefined) {
    log(`skipped: no Fashion-MNIST here. ${imagesRemedy("fashion")}`);
    return { figures: { accuracy: null, bound_violations: null }, env: { images: "none" } };
  }
  const set = await readImageSet("bench compress", "fashion", undefined);
  const stream = random(1).fork("compress");
  const part = (images: LabelledImages, count: number) =>
    asSamples(chosen(images, stream.fork(count).permutation(images.labels.length).subarray(0, count)));
  const [training, test] = [part(set.train, RECIPE.train), part(set.test, RECIPE.test)];
  const whole = trained(training, log);
  const dense0 = nonzeros(whole);
  const figures: Record<string, number> = { accuracy: accuracyOf(whole, test), nonzeros: dense0 };
  log(`${whole.B.rows} states, ${dense0} nonzeros of (A, B): accuracy ${figures["accuracy"]!.toFixed(4)}`);
  let violations = 0;
  const point = (name: string, model: ImplicitModel) => {
    const { over, moved, bound } = movement(whole, model, test.U);
    const accuracy = accuracyOf(withReadout(model, training), test);
    violations += over;
    Object.assign(figures, { [`${name}_accuracy`]: accuracy, [`${name}_moved`]: moved, [`${name}_bound`]: bound });
    return `accuracy ${accuracy.toFixed(4)}, states move by ${moved.toExponential(1)} of at most ${bound.toExponential(1)}`;
  };
  const { X, Z, Y } = equilibrium(whole, training.U);
  for (const weight of SPARSITY) {
    const fitted = stateDriven({ U: training.U, Z, X, Y }, whole.phi, {
      kappa: RECIPE.kappa,
      sparsity: weight * training.U.rows,
    });
    const model = implicitModel({ ...fitted, C: whole.C, D: whole.D, outputBias: whole.outputBias });
    const { kept } = reducedStates(model);
    const name = `sparse_${weight}`;
    Object.assign(figures, { [`${name}_nonzeros`]: nonzeros(model), [`${name}_states`]: kept.length });
    log(`sparsity ${weight}: ${nonzeros(model)} nonzeros, ${kept.length} states, ${point(name, model)}`);
  }
  for (const rank of RANKS) log(`rank ${rank}: ${point(`rank_${rank}`, truncatedRank(whole, rank).model)}`);
  return { figures: { ...figures, bound_violations: violations }, env: { images: "Fashion-MNIST" } };
};

/** Means of four pixels, less the mean of all pixels of Fashion-MNIST, and labels as unit vectors. */
function asSamples({ side, pixels, labels }: LabelledImages): Samples & { readonly labels: ArrayLike<number> } {
  const half = side / 2;
  const U = denseOf(labels.length, half * half, (s, e) => {
    const at = s * side * side + 2 * Math.floor(e / half) * side + 2 * (e % half);
    return (pixels[at]! + pixels[at + 1]! + pixels[at + side]! + pixels[at + side + 1]!) / 4 - MEAN;
  });
  return { U, Y: denseOf(labels.length, CLASSES, (s, c) => (labels[s] === c ? 1 : 0)), labels };
}

/** A classifier whose outputs read states alone, D = 0, so that everything it knows passes through A and B. */
function trained(samples: Samples, log: (line: string) => void): ImplicitModel {
  const { states: n, kappa, steps, batch, rate } = RECIPE;
  const [p, stream] = [samples.U.columns, random(1).fork("initial")];
  const initial = implicitModel({
    A: rowsOnL1Ball(
      denseOf(n, n, () => stream.normal()),
      kappa,
    ),
    B: denseOf(n, p, () => stream.normal() / Math.sqrt(p)),
    C: denseOf(CLASSES, n, () => stream.normal() / Math.sqrt(n)),
    phi: [{ map: "relu", size: n }],
  });
  const model = trainProjected(initial, samples, {
    project: (A) => rowsOnL1Ball(A, kappa),
    ...{ steps, batch, fixed: ["D"], solver: newtonStates() },
    learningRate: (t) => 0.5 * rate * (1 + Math.cos((Math.PI * t) / steps)),
    onStep: (t, loss) => {
      if (t % 100 === 0) log(`step ${t}: loss ${loss.toFixed(4)}`);
    },
  });
  return withReadout(model, samples);
}

/** C and d refitted at the model's own states. */
function withReadout(model: ImplicitModel, { U, Y }: Samples): ImplicitModel {
  const [m, n] = [U.rows, model.B.rows];
  const ones = dense(m, 1, new Float64Array(m).fill(1));
  const W = leastSquares(blocks([m], [n, 1], [[equilibrium(model, U).X, ones]]), Y, RECIPE.ridge);
  const rows = Int32Array.from({ length: CLASSES }, (_, i) => i);
  const columns = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, j) => from + j);
  return implicitModel({
    ...model,
    C: submatrix(W, rows, columns(0, n)),
    outputBias: submatrix(W, rows, columns(n, n + 1)).data,
  });
}

function accuracyOf(
  model: ImplicitModel,
  { U, labels }: { readonly U: Dense; readonly labels: ArrayLike<number> },
): number {
  const { Y } = predict(model, U);
  let right = 0;
  for (let s = 0; s < U.rows; s++) {
    const row = Y.data.subarray(s * CLASSES, (s + 1) * CLASSES);
    if (row.indexOf(Math.max(...row)) === labels[s]) right++;
  }
  return right / U.rows;
}

function nonzeros({ A, B }: ImplicitModel): number {
  return [denseA(A), B].reduce((count, { data }) => count + data.filter((value) => value !== 0).length, 0);
}

/** Of all states of all inputs: how many pass their bound, the mean movement and the mean bound, relative to the mean state. */
function movement(whole: ImplicitModel, model: ImplicitModel, U: Dense) {
  const [x0, x] = [predict(whole, U).X, predict(model, U).X];
  const E = addScaled(-1, denseA(model.A), denseA(whole.A));
  const bound = compressionBound(model, E, x0, addScaled(-1, driveOf(model, U), driveOf(whole, U)));
  const mean = (data: Float64Array) => data.reduce((sum, value) => sum + Math.abs(value), 0) / data.length;
  const moved = x.data.map((value, e) => Math.abs(value - x0.data[e]!));
  const size = mean(x0.data);
  const over = moved.filter((value, e) => value > bound.data[e]! + ROUNDING).length;
  return { over, moved: mean(moved) / size, bound: mean(bound.data) / size };
}

/** Bu + b. */
function driveOf({ B, stateBias }: ImplicitModel, U: Dense): Dense {
  const driven = applyRows(U, B);
  return { ...driven, data: driven.data.map((value, e) => value + stateBias[e % B.rows]!) };
}
