/** @file Regret and accuracy of a knapsack model on test contexts against the exact solver, and whether certificates knew. */

import { wilson } from "../../../certificates/wilson.js";
import type { Bundle } from "../../../files/bundle.js";
import { calibrateKnapsack, certifyKnapsack, type KnapsackCertificate } from "./certify.js";
import type { KnapsackData } from "./data.js";
import { type DecideKnapsackOptions, decideKnapsacks, type KnapsackDecision } from "./decide.js";
import { type Packed, packKnapsack, type SolveMip } from "./exact.js";
import { bestSets } from "./train.js";

export interface KnapsackEvaluation {
  /** Σ (z* − v(x̂)) / Σ |z*| over the test contexts, v the true values. */
  readonly regret: number;
  /** The same of one set for all contexts: the best for the mean values of the training contexts. */
  readonly regretBlind: number;
  /** Share of test contexts whose set is worth less than 1e-3 below a best one. */
  readonly accuracy: number;
  /** Its 95 % interval, by Wilson's score. */
  readonly accuracyInterval: readonly [low: number, high: number];
  /** Share whose set is proven to be a best one for the predicted values. */
  readonly proven: number;
  readonly unconverged: number;
  /** Shares with a failing certificate, among the accurate decisions and among the others; NaN where there are none. */
  readonly accurateFlagged: number;
  readonly otherFlagged: number;
  readonly decisions: readonly KnapsackDecision[];
  /** Of each decision; none where the data have no samples to calibrate on. */
  readonly certificates: readonly (readonly KnapsackCertificate[])[];
}

/** A set worth this much less than a best one counts as accurate. */
const SAME = 1e-3;

/**
 * Score a model on the test contexts; certificates are calibrated on the contexts kept for that.
 *
 * @throws as `decideKnapsacks`; certificate if there are too few contexts to calibrate on
 * @source Tang & Khalil 2024, PyEPO, `metric.regret`
 */
export async function evaluateKnapsack(
  bundle: Bundle,
  data: KnapsackData,
  solve: SolveMip,
  options: DecideKnapsackOptions = {},
): Promise<KnapsackEvaluation> {
  const { knapsack, items, test, calibration } = data;
  const decide = (contexts: Float32Array) => decideKnapsacks(bundle, data, contexts, solve, options);
  const decisions = await decide(test.contexts);
  const usual = calibration.count > 0 ? await calibrateKnapsack(await decide(calibration.contexts)) : undefined;
  const certificates = usual ? decisions.map((decision) => certifyKnapsack(decision, usual)) : [];
  const best = bestSets(knapsack, test, solve);
  const trueValue = (set: Packed, n: number) => set.items.reduce((sum, i) => sum + test.values[n * items + i]!, 0);
  const lost = (set: (n: number) => Packed) => best.map(({ value }, n) => value - trueValue(set(n), n));
  const blind = packKnapsack(knapsack, meanValues(data), solve);
  const losses = lost((n) => decisions[n]!.packed);
  const accurate = losses.map((loss) => loss < SAME);
  const right = accurate.filter((value) => value).length;
  const flagged = (among: boolean) => {
    const chosen = certificates.filter((_, n) => accurate[n] === among);
    return chosen.filter((list) => list.some(({ label }) => label === "fail")).length / chosen.length;
  };
  const total = best.reduce((sum, { value }) => sum + Math.abs(value), 0);
  return {
    regret: losses.reduce((a, b) => a + b, 0) / total,
    regretBlind: lost(() => blind).reduce((a, b) => a + b, 0) / total,
    accuracy: right / test.count,
    accuracyInterval: wilson(right / test.count, test.count),
    proven: decisions.filter(({ proof }) => proof.verdict === "VERIFIED" && proof.gap.units === 0n).length / test.count,
    unconverged: decisions.filter(({ status }) => status !== "converged").length,
    ...{ accurateFlagged: flagged(true), otherFlagged: flagged(false), decisions, certificates },
  };
}

/** Of the training contexts, one an item. */
function meanValues({ items, train }: KnapsackData): Float64Array {
  return Float64Array.from({ length: items }, (_, i) => {
    let sum = 0;
    for (let n = 0; n < train.count; n++) sum += train.values[n * items + i]!;
    return sum / train.count;
  });
}
