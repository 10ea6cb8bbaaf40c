/** @file Cross-entropy. */

import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { log, max, mul, neg } from "../tensor/primitives/elementwise.js";
import type { Loss } from "./squared-error.js";

/** Probabilities below this count as this; its reciprocal is a float32 number. */
const FLOOR = 1e-30;

/** −Σᵢ tᵢ log xᵢ per sample, x a distribution and t the true one, in nats. */
export const crossEntropy: Loss = (x, target) => neg(sum(mul(target, log(max(x, FLOOR))), sampleAxes(x)));
