/** @file A fixed-point operator T: one application of a splitting, with weights and data inside. */

import type { Tensor } from "./tensor/tensor.js";
import type { Tree } from "./tensor/tree.js";

/** An inequality left ≤ right that a guarantee rests on, both sides as scalars of the graph. */
export interface Condition {
  /** The inequality in words and symbols. */
  readonly text: string;
  readonly left: Tensor;
  readonly right: Tensor;
}

/** Steps that a solve may rebalance, sample by sample, between chunks. */
export interface Balance {
  /** [N], an input of the graph: multiplies dual steps and divides primal ones. 1 to begin with. */
  readonly factor: Tensor;
  /** Names of the residuals that larger dual steps reduce; the others ask for larger primal steps. */
  readonly primal: readonly string[];
}

export interface Operator {
  readonly name: string;
  /** Absent where the steps are fixed. */
  readonly balance?: Balance;
  /** Starting point: zeros. */
  init(): Tree;
  /** T(z). */
  apply(z: Tree): Tree;
  /** The inference x of a point. */
  read(z: Tree): Tensor;
  /** Copies pᵢ of Sᵢx by term name: where sparsity is exact, as Sᵢx is only near pᵢ. Absent where the splitting has none. */
  readonly copies?: (z: Tree) => Record<string, Tensor>;
  /** Dual vectors νᵢ by term name: at a fixed point those of the optimum, anywhere else good for a bound. Absent where there are none. */
  readonly duals?: (z: Tree) => Record<string, Tensor>;
  /** KKT residuals by name, each [N] and relative, of the step z → z1 = T(z); all zero exactly at fixed points. */
  residuals(z: Tree, z1: Tree): Record<string, Tensor>;
  /** What must hold for T to be averaged. */
  conditions(): readonly Condition[];
  /** ‖z‖² in the metric in which T is nonexpansive: [N]. */
  metric(z: Tree): Tensor;
  /** θ with T = (1 − θ)I + θQ, Q nonexpansive in the metric, when the conditions hold. */
  readonly averagedness: number;
}
