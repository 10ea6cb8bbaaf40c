/** @file What a backward rule is. */

import type { Operator } from "../operator.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";

/** How far a rule's linear system (I − ∂T/∂z)ᵀv = g was solved, as graphs. */
export interface AdjointSolve {
  /** ‖g − (I − ∂T/∂z)ᵀv‖/‖g‖ of each sample, in the lengths the rule solves in: [N]. */
  readonly residual: Tensor;
  /** Steps each sample took: [N]. */
  readonly steps: Tensor;
  /** Products with J or Jᵀ they cost: [N]. */
  readonly products: Tensor;
}

/**
 * From a numeric fixed point z* (cut from any graph), a point equal to it whose graph carries the rule's gradient.
 *
 * @param report  called whenever a gradient is taken through the point, by rules that solve a linear system for it
 */
export type BackwardRule = (T: Operator, zStar: Tree, report?: (solve: AdjointSolve) => void) => Tree;
