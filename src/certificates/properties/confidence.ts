/** @file Classifier confidence: the probability short of a one-hot label. */

import type { Property } from "../../functions/function.js";
import { sampleAxes } from "../../tensor/primitives/broadcast.js";
import { abs, sub } from "../../tensor/primitives/elementwise.js";
import { maximum } from "../../tensor/primitives/maximum.js";

/**
 * |1 − maxᵢ vᵢ| for v in the unit simplex, one distribution a sample.
 *
 * deviates: absolute value, because maxᵢ vᵢ > 1 off the simplex is an error, not certainty.
 *
 * @source Heaton & Wu Fung 2023, Table 2, "Classifier Confidence"
 */
export function confidence(): Property {
  return { kind: "short of one-hot", measure: (v) => abs(sub(1, maximum(v, sampleAxes(v)))) };
}
