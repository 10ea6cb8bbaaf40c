/** @file Regret and accuracy of a path model on test contexts, and whether certificates knew. */

import type { Calibration } from "../../../certificates/calibration.js";
import { wilson } from "../../../certificates/wilson.js";
import { VouchError } from "../../../errors.js";
import type { Bundle } from "../../../files/bundle.js";
import { random } from "../../../random.js";
import { calibratePaths, certifyPath, type PathCertificate } from "./certify.js";
import type { PathData, PathSamples } from "./data.js";
import { type DecideOptions, decidePaths, type PathDecision, pathOptions } from "./decide.js";
import { costOf } from "./regret.js";

export interface PathEvaluation {
  /** Σ (c(x̂) − z*) / Σ |z*| over the test contexts. */
  readonly regret: number;
  /** Share of test contexts whose path costs less than 1e-3 more than a shortest one. */
  readonly accuracy: number;
  /** Its 95 % interval, by Wilson's score. */
  readonly accuracyInterval: readonly [low: number, high: number];
  /** Share whose path is proven to be a shortest one for the predicted costs. */
  readonly proven: number;
  readonly unconverged: number;
  readonly stepsMedian: number;
  /** Shares with a failing certificate, among the accurate decisions and among the others; NaN where there are none. */
  readonly accurateFlagged: number;
  readonly otherFlagged: number;
  readonly decisions: readonly PathDecision[];
  readonly certificates: readonly (readonly PathCertificate[])[];
}

export interface EvaluatePathsOptions extends DecideOptions {
  /** Contexts drawn to calibrate on. Default 300. */
  readonly calibration?: number;
}

/** A path this much more expensive than a shortest one counts as accurate. */
const SAME = 1e-3;

/**
 * Score a model on the test contexts of its grid; certificates are calibrated on contexts drawn afresh, d ~ U[0, 1]^context.
 *
 * @throws format if the bundle holds another model; parameter if the data are of another size
 * @source McKenzie, Heaton & Wu Fung 2024: relative regret and accuracy
 */
export async function evaluatePaths(
  bundle: Bundle,
  { size, neighbours = 4, test }: Pick<PathData, "size" | "neighbours" | "test">,
  { calibration: held = 300, onProgress, ...options }: EvaluatePathsOptions = {},
): Promise<PathEvaluation> {
  const made = pathOptions(bundle);
  if (made.size !== size || made.neighbours !== neighbours) {
    const around = (of: number) => (of === 8 ? " of 8 neighbours" : "");
    const expected = `data of a ${made.size}×${made.size} grid${around(made.neighbours)}`;
    const got = `${size}×${size}${around(neighbours)}`;
    throw new VouchError("parameter", { name: "evaluatePaths", expected, got, remedy: "Pass the data it is for." });
  }
  const after = (before: number): DecideOptions => ({
    ...options,
    ...(onProgress && {
      onProgress: ({ solved }) => onProgress({ solved: before + solved, total: test.count + held }),
    }),
  });
  const decisions = await decidePaths(bundle, test.contexts, after(0));
  const calibration = await pathCalibration(bundle, held, after(test.count));
  const certificates = decisions.map((decision) => certifyPath(decision, calibration));
  const lost = decisions.map(({ route }, n) => lossOf(route.edges, test, n));
  const [accurate, other] = [lost.map((value) => value < SAME), lost.map((value) => !(value < SAME))];
  const flagged = (among: readonly boolean[]) => {
    const chosen = certificates.filter((_, n) => among[n]);
    return chosen.filter((list) => list.some(({ label }) => label === "fail")).length / chosen.length;
  };
  const right = accurate.filter((value) => value).length;
  const total = test.routes.reduce((sum, { cost }) => sum + Math.abs(cost), 0);
  const steps = decisions.map((decision) => decision.steps).sort((a, b) => a - b);
  return {
    regret: lost.reduce((a, b) => a + b, 0) / total,
    accuracy: right / test.count,
    accuracyInterval: wilson(right / test.count, test.count),
    proven: decisions.filter(({ proof }) => proof.verdict === "VERIFIED" && proof.gap.units === 0n).length / test.count,
    unconverged: decisions.filter(({ status }) => status !== "converged").length,
    stepsMedian: steps[steps.length >> 1]!,
    accurateFlagged: flagged(accurate),
    otherFlagged: flagged(other),
    decisions,
    certificates,
  };
}

/** The calibration of a model on `count` contexts of the stream "calibration": no label is asked for. */
export async function pathCalibration(
  bundle: Bundle,
  count: number,
  options: DecideOptions = {},
): Promise<Calibration> {
  const { size, context } = pathOptions(bundle);
  const draws = random(2024).fork(`grid ${size}`).fork("calibration");
  const contexts = Float32Array.from({ length: count * context }, () => draws.uniform());
  return calibratePaths(await decidePaths(bundle, contexts, options));
}

function lossOf(path: readonly number[], { costs, count, routes }: PathSamples, n: number): number {
  const edges = costs.length / count;
  return costOf(path, costs.subarray(n * edges, (n + 1) * edges)) - routes[n]!.cost;
}
