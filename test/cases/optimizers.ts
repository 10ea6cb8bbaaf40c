/** @file The table of optimizers: how each is built, and its path in PyTorch. */

import { adam } from "../../src/training/adam.js";
import type { Optimizer } from "../../src/training/optimizer.js";
import { nesterov, sgd } from "../../src/training/sgd.js";

export interface OptimizerCase {
  /** Name of its path in the golden values. */
  readonly golden: string;
  readonly build: () => Optimizer;
  /** How far from it: rounding alone, where the numbers of the update are float32 numbers. */
  readonly tolerance: number;
}

export const optimizerCases: readonly OptimizerCase[] = [
  { golden: "sgd", build: sgd, tolerance: 1e-14 },
  { golden: "sgd momentum", build: () => sgd({ momentum: 0.75 }), tolerance: 1e-14 },
  { golden: "nesterov", build: () => nesterov({ momentum: 0.875 }), tolerance: 1e-14 },
  // β and its logarithm are not.
  { golden: "adam", build: adam, tolerance: 1e-7 },
];
