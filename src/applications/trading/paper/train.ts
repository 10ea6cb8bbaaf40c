/** @file Training of the trading model: from snapshots and what became of them, by Jacobian-free backpropagation. */

import type { Float32 } from "../../../engine/session.js";
import type { Bundle } from "../../../files/bundle.js";
import type { Weights } from "../../../model.js";
import { sum } from "../../../tensor/primitives/broadcast.js";
import { add, div, exp, log, max, mul, neg, sub } from "../../../tensor/primitives/elementwise.js";
import { slice } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { adam } from "../../../training/adam.js";
import type { TrainingSet } from "../../../training/dataset.js";
import { type FitResult, fit } from "../../../training/fit.js";
import { type RunOptions, runOptions } from "../../../training/run-options.js";
import type { Loss } from "../../../training/squared-error.js";
import { type Snapshots, snapshots } from "./data.js";
import { conformalFactor } from "./margins.js";
import { paperModel } from "./model.js";
import { MARKETS, OFFSETS, PRICES, spread, WIDTH } from "./network.js";
import { split } from "./sets.js";

/** The recipe the shipped weights were made with. */
export const TRADING_RECIPE = {
  count: 1000,
  validation: 500,
  batch: 100,
  passes: 4,
  phases: 2,
  learningRate: 0.02,
  seed: 1,
} as const;

export interface TrainTradingOptions extends RunOptions {
  /** Snapshots of the stream "train". */
  readonly count?: number;
  /** Snapshots of the stream "validation". */
  readonly validation?: number;
  readonly batch?: number;
  readonly passes?: number;
  readonly phases?: number;
  readonly learningRate?: number;
  readonly seed?: number;
}

/** Violation at which the odds of execution are taken to be 1/e. */
const SOFT = 3e-4;

/**
 * −U exp(−Σⱼ violationⱼ/SOFT): what a trade leaves on average, with its acceptance at the true reserves made smooth.
 *
 * deviates: the published loss is 0.1 violation² − U, in which a trade that is refused still counts its U
 *
 * @param target  (r, d, 0, 0), [N, 44]
 */
export const executedLoss: Loss = (xi, target) => {
  const { x, y } = split(xi);
  const { x: r, y: d } = split(target);
  const gamma = constant(
    spread(({ gamma: g }) => g),
    [1, WIDTH],
  );
  const prices = constant(
    spread(({ tokens }, k) => PRICES[tokens[k]!]!),
    [1, WIDTH],
  );
  const held = add(1, div(mul(d, sub(mul(gamma, x), y)), r));
  const violations = MARKETS.map(({ kind, weights }, j) => {
    const [from, to] = [OFFSETS[j]!, OFFSETS[j]! + weights.length];
    const s = slice(held, 1, from, to);
    const w = constant(weights, [1, weights.length]);
    const drained = sum(max(neg(s), 0), [1]);
    const value = mul(w, slice(r, 1, from, to));
    const gained =
      kind === "geometric"
        ? sum(mul(w, log(max(s, 1e-6))), [1])
        : div(sum(mul(value, sub(s, 1)), [1]), sum(value, [1]));
    return add(max(neg(gained), 0), drained);
  }).reduce((a, b) => add(a, b));
  const utility = sum(mul(prices, mul(d, sub(y, x))), [1]);
  return neg(mul(utility, exp(div(violations, -SOFT))));
};

/** Snapshots as a training set: data d, target (r, d, 0, 0). */
export function tradingSet({ count, reserves, observed }: Snapshots): TrainingSet {
  const rows = (array: Float32Array, indices: readonly number[]) =>
    Float32Array.from(indices.flatMap((n) => [...array.subarray(n * WIDTH, (n + 1) * WIDTH)]));
  return {
    count,
    examples: (indices) => {
      const target = new Float32Array(indices.length * 4 * WIDTH);
      indices.forEach((n, row) => {
        target.set(reserves.subarray(n * WIDTH, (n + 1) * WIDTH), row * 4 * WIDTH);
        target.set(observed.subarray(n * WIDTH, (n + 1) * WIDTH), row * 4 * WIDTH + WIDTH);
      });
      const d: Float32 = { shape: [indices.length, WIDTH], data: rows(observed, indices) };
      return { data: { d }, target: { shape: [indices.length, 4 * WIDTH], data: target } };
    },
  };
}

/** Share of trades that may be refused by what the last step of training promises. */
const REFUSED = 0.005;
const MARGIN_SNAPSHOTS = 999;

/**
 * The weights with δ times the conformal factor of the exact optimum on snapshots of the stream "margins": trained margins are
 * tight where the mean of utility wants them, which is no promise on how often a trade executes.
 */
export function withPromise(weights: Weights): Weights {
  const delta = weights["delta"]!;
  const haircut = Float64Array.from(delta.data, Math.exp);
  const factor = conformalFactor(snapshots(MARGIN_SNAPSHOTS, "margins"), haircut, REFUSED);
  return { ...weights, delta: { shape: delta.shape, data: delta.data.map((value) => value + Math.log(factor)) } };
}

/** Learn W and δ; options default to TRADING_RECIPE. @throws convergence if the loss is not finite */
export async function trainTrading(options: TrainTradingOptions = {}): Promise<{ bundle: Bundle; result: FitResult }> {
  const { count, validation, batch, passes, phases, learningRate, seed } = { ...TRADING_RECIPE, ...options };
  const model = paperModel(seed);
  const result = await fit(model, model.initialWeights(), tradingSet(snapshots(count, "train")), {
    ...{ batch, passes, phases, seed, loss: executedLoss, optimizer: adam() },
    learningRate: (t, total) => learningRate * 0.5 * (1 + Math.cos((Math.PI * t) / total)),
    steps: { warm: 60, cold: 200, every: 2 },
    validation: tradingSet(snapshots(validation, "validation")),
    ...runOptions(options),
  });
  const card = {
    data: `${count} snapshots of stream "train" of the paper's five markets, seed 2022, noise up to 0.1 %`,
    training: `JFB with warm starts, Adam at ${learningRate} with a cosine, batch ${batch}, ${result.phases} phases of ${passes} passes, seed ${seed}; then δ by conformal calibration to 99.5 % executed`,
    validation: `smoothed executed utility ${(-result.validation).toFixed(3)} on ${validation} snapshots`,
  };
  return {
    bundle: { manifest: { model: "trading", options: { seed }, card }, weights: withPromise(result.weights) },
    result,
  };
}
