/** @file Block coordinate descent with Fenchel divergences against RMSProp on networks of two hidden layers; recovery of features. */

import { denseOf } from "../src/applications/implicit/dense.js";
import { tanhDivergence } from "../src/applications/implicit/fenchel/divergence.js";
import { liftedDescent } from "../src/applications/implicit/fenchel/lifted-network.js";
import { rowsOf } from "../src/applications/implicit/train/train-projected.js";
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

/**
 * Learning rates of RMSProp with the least training error on other seeds than the trials': among 0.01 … 0.05 for 150 steps on all data,
 * 0.001 … 0.01 for the same from the descent's own start, 0.001 … 0.03 for 150 epochs of batches.
 */
const RATES = { whole: 0.02, small: 0.004, batches: 0.003 };
const STEPS = 150;

/** One trial of §7.1: root mean squares by name, on training data, on others of their covariance, and of another one (test). */
export function syntheticTrial(stream: Random): Readonly<Record<string, number>> {
  const truth = sparseWeights(stream.fork("weights"));
  const drawn = samplesOf(stream.fork("train"), truth, TRAIN + TEST);
  const rows = (from: number, to: number) =>
    rowsOf(
      drawn,
      Int32Array.from({ length: to - from }, (_, i) => from + i),
    );
  const training = rows(0, TRAIN);
  const sets = {
    train: training,
    same: rows(TRAIN, TRAIN + TEST),
    test: samplesOf(stream.fork("test"), truth, TEST),
  };
  const draw = stream.fork("initial");
  // U[−√(6/(in + out)), …], which MATLAB's layers and others start at.
  const glorot = SIZES.slice(1).map((rows, l) => {
    const bound = Math.sqrt(6 / (rows + SIZES[l]!));
    return denseOf(rows, SIZES[l]!, () => bound * (2 * draw.uniform() - 1));
  });
  const small = glorot.map((W) => ({ ...W, data: W.data.map((value) => SMALL * value) }));
  const history: number[] = [];
  const whole = { epochs: STEPS, batch: TRAIN };
  const batches = { epochs: STEPS, batch: 128, learningRate: RATES.batches };
  const fitted = {
    bcd: liftedDescent(small, training, {
      ...{ divergence: tanhDivergence, epsilon: 1e-3, iterations: 5 },
      onIteration: (_, weights) => history.push(rootMeanSquare(weights, training)),
    }),
    rmsprop: rmsprop(stream.fork("rmsprop"), glorot, training, { ...whole, learningRate: RATES.whole }),
    small_rmsprop: rmsprop(stream.fork("small"), small, training, { ...whole, learningRate: RATES.small }),
    minibatch_rmsprop: rmsprop(stream.fork("epochs"), glorot, training, batches),
  };
  const figures: Record<string, number> = { first_ratio: history[0]! / history.at(-1)! };
  for (const [name, weights] of Object.entries(fitted)) {
    for (const [set, samples] of Object.entries(sets)) figures[`${name}_${set}`] = rootMeanSquare(weights, samples);
  }
  return figures;
}

/** RMSProp's error less the descent's, mean and deviation over trials; and the mean for RMSProp from the descent's start. */
function gaps(trials: readonly Readonly<Record<string, number>>[], set: string): [string, number][] {
  const gap = (name: string) => trials.map((trial) => trial[`${name}_${set}`]! - trial[`bcd_${set}`]!);
  const own = gap("rmsprop");
  const deviation = Math.sqrt(mean(own.map((value) => (value - mean(own)) ** 2)));
  return [
    [`${set}_gap`, mean(own)],
    [`${set}_gap_deviation`, deviation],
    [`${set}_gap_small`, mean(gap("small_rmsprop"))],
    [`${set}_gap_minibatch`, mean(gap("minibatch_rmsprop"))],
  ];
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
      first_iteration_ratio: of("first_ratio"),
      ...Object.fromEntries(["train", "same", "test"].flatMap((set) => gaps(trials, set))),
      ...Object.fromEntries(
        ["bcd", "rmsprop", "small_rmsprop", "minibatch_rmsprop"].flatMap((name) =>
          ["train", "same", "test"].map((set) => [`${name}_${set}_rmse`, of(`${name}_${set}`)]),
        ),
      ),
      recovered_support_f1: mean(recoveries.map(({ recovered }) => recovered)),
      recovered_support_f1_least: Math.min(...recoveries.map(({ recovered }) => recovered)),
      linear_support_f1: mean(recoveries.map(({ linear }) => linear)),
      linear_best_support_f1: mean(recoveries.map(({ linear_best }) => linear_best)),
      recovery_validation_rmse: mean(recoveries.map(({ rmse }) => rmse)),
    },
    env: {},
  };
};
