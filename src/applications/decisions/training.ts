/** @file What trainings of decisions have in common: how long, in what steps, on what. */

import type { BackwardRule } from "../../backward/rule.js";
import type { RunOptions } from "../../training/run-options.js";

export interface DecisionTraining extends RunOptions {
  /** Training contexts kept apart to choose among phases: the last ones. */
  readonly validation?: number;
  readonly batch?: number;
  /** Epochs between two checkpoints, each begun without warm starts. */
  readonly passes?: number;
  readonly phases?: number;
  /** Step of Adam at the start; a cosine takes it to 0. */
  readonly learningRate?: number;
  /** Width of the network. */
  readonly hidden?: number;
  readonly gamma?: number;
  readonly seed?: number;
  /** Of losses through a fixed point. Default jfb. */
  readonly backward?: BackwardRule;
}
