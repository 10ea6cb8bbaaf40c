/** @file Block coordinate descent with Fenchel divergences against RMSProp on networks of two hidden layers; recovery of features. */

import { denseOf } from "../src/applications/implicit/dense.js";
import { tanhDivergence } from "../src/applications/implicit/fenchel/divergence.js";
import { liftedDescent } from "../src/applications/implicit/fenchel/lifted-network.js";
import { type Random, random } from "../src/random.js";
import { rootMeanSquare, SIZES, samplesOf, sparseWeights } from "./fenchel-data.js";
import type { Bench } from "./main.js";
import { recoveryTrial } from "./recovery.js";
import { rmsprop } from "./rmsprop.js";

const TRIALS = 50;
const RECOVERIES = 20;
const [TRAIN, TEST] = [1000, 500];
/** Weights of the descent start small, where tanh has an inverse that no state saturates. */
const SMALL = 0.1;

/** One trial of §7.1: root mean squares by name. */
export function syntheticTrial(stream: Random): Readonly<Record<string, number>> {
  const truth = sparseWeights(stream.fork("weights"));
  const training = samplesOf(stream.fork("train"), truth, TRAIN);
  const test = samplesOf(stream.fork("test"), truth, TEST);
  const draw = stream.fork("initial");
  // U[−√(6/(in + out)), …], which MATLAB's layers and others start at.
  const glorot = SIZES.slice(1).map((rows, l) => {
    const bound = Math.sqrt(6 / (rows + SIZES[l]!));
    return denseOf(rows, SIZES[l]!, () => bound * (2 * draw.uniform() - 1));
  });
  const small = glorot.map((W) => ({ ...W, data: W.data.map((value) => SMALL * value) }));
  const history: number[] = [];
  const fitted = liftedDescent(small, training, {
    ...{ divergence: tanhDivergence, epsilon: 1e-3, iterations: 5 },
    onIteration: (_, weights) => history.push(rootMeanSquare(weights, training)),
  });
  const baseline = rmsprop(stream.fork("rmsprop"), glorot, training, { epochs: 150, batch: TRAIN, learningRate: 0.01 });
  const longer = rmsprop(stream.fork("epochs"), glorot, training, { epochs: 50, batch: 128, learningRate: 0.01 });
  return {
    bcd_train: rootMeanSquare(fitted, training),
    bcd_test: rootMeanSquare(fitted, test),
    rmsprop_train: rootMeanSquare(baseline, training),
    rmsprop_test: rootMeanSquare(baseline, test),
    minibatch_train: rootMeanSquare(longer, training),
    minibatch_test: rootMeanSquare(longer, test),
    first_ratio: history[0]! / history.at(-1)!,
  };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

export const fenchel: Bench = async (log) => {
  const trials = Array.from({ length: TRIALS }, (_, k) => {
    const trial = syntheticTrial(random(7).fork("synthetic").fork(k));
    log(
      `trial ${k}: ${Object.entries(trial)
        .map(([key, value]) => `${key} ${value.toFixed(4)}`)
        .join(", ")}`,
    );
    return trial;
  });
  const of = (key: string) => mean(trials.map((trial) => trial[key]!));
  const recoveries = Array.from({ length: RECOVERIES }, (_, k) => {
    const trial = recoveryTrial(random(7).fork("recovery").fork(k));
    log(`recovery ${k}: ${trial.found} features, F1 ${trial.recovered.toFixed(3)}, linear ${trial.linear.toFixed(3)}`);
    return trial;
  });
  return {
    figures: {
      bcd_test_rmse: of("bcd_test"),
      rmsprop_test_rmse: of("rmsprop_test"),
      train_gap: of("rmsprop_train") - of("bcd_train"),
      test_gap: of("rmsprop_test") - of("bcd_test"),
      first_iteration_ratio: of("first_ratio"),
      bcd_train_rmse: of("bcd_train"),
      rmsprop_train_rmse: of("rmsprop_train"),
      minibatch_rmsprop_train_rmse: of("minibatch_train"),
      minibatch_rmsprop_test_rmse: of("minibatch_test"),
      recovered_support_f1: mean(recoveries.map(({ recovered }) => recovered)),
      recovered_support_f1_least: Math.min(...recoveries.map(({ recovered }) => recovered)),
      linear_support_f1: mean(recoveries.map(({ linear }) => linear)),
      linear_best_support_f1: mean(recoveries.map(({ linear_best }) => linear_best)),
      recovery_validation_rmse: mean(recoveries.map(({ rmse }) => rmse)),
    },
    env: {},
  };
};
