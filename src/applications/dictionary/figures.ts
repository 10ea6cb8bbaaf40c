/** @file The numbers behind Figures 3 and 5: four answers to one measurement with their codes and labels, and a sparse code. */

import type { Calibration } from "../../certificates/calibration.js";
import type { Certificate } from "../../certificates/certify.js";
import { VouchError } from "../../errors.js";
import type { Bundle } from "../../files/bundle.js";
import { feedParams, type Model, type Weights } from "../../model.js";
import { interpret } from "../../tensor/interpret.js";
import { input } from "../../tensor/primitives/leaf.js";
import { signals } from "./data.js";
import { calibrateDictionary, certifyAnswer, type DictionaryOptions, dictionarySolver } from "./evaluate.js";
import { leastSquares } from "./least-squares.js";

/** One answer to a measurement. */
export interface DictionaryAnswer {
  readonly name: "true" | "wrong" | "least squares" | "inference";
  readonly x: Float32Array;
  /** Kx, with ‖K‖_F² = n. */
  readonly code: Float64Array;
  /** Sparsity, then fidelity. */
  readonly certificates: readonly Certificate[];
}

export interface DictionaryFigureData {
  /** Index in the stream "test". */
  readonly sample: number;
  /** Figure 3: four answers to one d. Figure 5 is x and code of the first. */
  readonly answers: readonly DictionaryAnswer[];
  /** ‖x − x*‖/‖x*‖ of the inference. */
  readonly error: number;
  /** Entries of the true signal's code above a thousandth of its largest. */
  readonly nonzeros: number;
}

export interface DictionaryFigureOptions extends DictionaryOptions {
  /** Index in the stream "test" of a signal with d ≠ 0, whose successor is the wrong answer. Default 0. */
  readonly sample?: number;
  /** Made before by `calibrateDictionary`, to save its solves. */
  readonly calibrated?: Calibration;
}

const VISIBLE = 1e-3;

/**
 * @throws format if the bundle holds another model; parameter if d = 0; cancelled
 * @source Heaton & Wu Fung 2023, Figures 3 and 5
 */
export async function dictionaryFigureData(
  bundle: Bundle,
  options: DictionaryFigureOptions = {},
): Promise<DictionaryFigureData> {
  const { sample = 0 } = options;
  const calibration = options.calibrated ?? (await calibrateDictionary(bundle, options));
  await using solver = await dictionarySolver(bundle, options, 1);
  const { problem, model, weights } = solver;
  const { m, n } = problem;
  const drawn = signals(problem, sample + 2, "test");
  const row = (k: number) => drawn.x.slice(k * n, (k + 1) * n);
  const d = drawn.d.slice(sample * m, (sample + 1) * m);
  if (d.every((value) => value === 0)) {
    throw new VouchError("parameter", {
      name: "dictionaryFigureData: sample",
      expected: "a signal with d ≠ 0",
      got: `${sample}`,
      remedy: "Take another one.",
    });
  }
  const truth = row(sample);
  const inference = (await solver.solve(d)).x.data;
  const named: readonly (readonly [DictionaryAnswer["name"], Float32Array])[] = [
    ["true", truth],
    ["wrong", row(sample + 1)],
    ["least squares", leastSquares(problem, d)],
    ["inference", inference],
  ];
  const answers = named.map(([name, x]) => {
    const { certificates } = certifyAnswer(solver, { d }, x, calibration)[0]!;
    return { name, x, code: codeOf(model, weights, x), certificates };
  });
  const largest = answers[0]!.code.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return {
    sample,
    answers,
    error: Math.sqrt(squares(inference.map((value, i) => value - truth[i]!)) / squares(truth)),
    nonzeros: answers[0]!.code.filter((value) => Math.abs(value) > VISIBLE * largest).length,
  };
}

/** Kx in float64, as the model's sparsity term reads K. */
function codeOf(model: Model, weights: Weights, x: Float32Array): Float64Array {
  const { problem } = model.trace();
  const X = input("x", ["N", x.length]);
  const feeds = { ...feedParams(weights), x: { shape: [1, x.length], data: x } };
  return interpret([problem["sparsity"]!.of!.apply(X)], feeds)[0]!.data;
}

function squares(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0);
}
