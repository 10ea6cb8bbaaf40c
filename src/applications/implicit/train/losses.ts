/** @file Losses of predictions, summed over samples. */

import { VouchError } from "../../../errors.js";
import type { Dense } from "../dense.js";

/** ℒ(Y, Ŷ), convex in Ŷ, and its gradient in Ŷ; samples in rows. */
export interface OutputLoss {
  readonly name: string;
  value(Y: Dense, predicted: Dense): number;
  slope(Y: Dense, predicted: Dense): Dense;
}

/** ½‖Y − Ŷ‖². @source El Ghaoui et al., §4.1 */
export const squaredLoss: OutputLoss = {
  name: "squared",
  value(Y, predicted) {
    requireAlike(Y, predicted);
    return 0.5 * predicted.data.reduce((sum, value, e) => sum + (value - Y.data[e]!) ** 2, 0);
  },
  slope(Y, predicted) {
    requireAlike(Y, predicted);
    return { ...predicted, data: predicted.data.map((value, e) => value - Y.data[e]!) };
  },
};

/**
 * Σ log Σₖ e^ŷₖ − yᵀŷ, for rows y ≥ 0 of sum 1.
 *
 * @source El Ghaoui et al., eq. (4)
 */
export const softmaxLoss: OutputLoss = {
  name: "softmax",
  value(Y, predicted) {
    requireAlike(Y, predicted);
    let total = 0;
    for (let s = 0; s < predicted.rows; s++) {
      const { top, sum } = powers(predicted, s);
      total += top + Math.log(sum);
    }
    return total - predicted.data.reduce((sum, value, e) => sum + value * Y.data[e]!, 0);
  },
  slope(Y, predicted) {
    requireAlike(Y, predicted);
    const data = new Float64Array(predicted.data.length);
    for (let s = 0; s < predicted.rows; s++) {
      const { top, sum } = powers(predicted, s);
      const from = s * predicted.columns;
      for (let e = from; e < from + predicted.columns; e++) {
        data[e] = Math.exp(predicted.data[e]! - top) / sum - Y.data[e]!;
      }
    }
    return { ...predicted, data };
  },
};

/** The largest of a row, and Σ e^(entry − largest). */
function powers({ columns, data }: Dense, s: number): { top: number; sum: number } {
  const row = data.subarray(s * columns, (s + 1) * columns);
  const top = row.reduce((most, value) => Math.max(most, value), -Infinity);
  return { top, sum: row.reduce((sum, value) => sum + Math.exp(value - top), 0) };
}

function requireAlike(Y: Dense, predicted: Dense): void {
  if (Y.rows === predicted.rows && Y.columns === predicted.columns) return;
  throw new VouchError("shape", {
    name: "loss",
    expected: `targets [${predicted.rows}, ${predicted.columns}]`,
    got: `[${Y.rows}, ${Y.columns}]`,
    remedy: "Give one row a sample and one column an output.",
  });
}
