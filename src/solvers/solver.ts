/** @file What a solver is: how to move on, given one application of an operator. */

import type { Operator } from "../operator.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

/** What a step did. */
export interface Step {
  readonly next: Tree;
  /** The point T was applied to, and T of it: residuals are read from the pair. */
  readonly z: Tree;
  readonly Tz: Tree;
  /** [N], false where the pair is of a trial that was taken back and says nothing of `next`. Default: nowhere. */
  readonly kept?: Tensor;
}

export interface Solver {
  readonly name: string;
  /** State that starts at the point z: arrays with the sample axis first, so that samples stop on their own. */
  init(z: Tree): Tree;
  /** One application of T. */
  step(T: Operator, state: Tree): Step;
  /** The step after which the state is looked at; default `step`. */
  readonly last?: Solver["step"];
  /** The point of a state. */
  point(state: Tree): Tree;
  /** Paths of the state that count events of each sample, by what they count: `Solution.counts`. */
  readonly counts?: Readonly<Record<string, string>>;
  /** Products with the Jacobian of T at a look, each about the work of a step; default 0. */
  readonly products?: number;
}
