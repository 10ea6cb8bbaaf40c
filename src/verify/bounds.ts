/** @file What a family of problems offers a checker: the graphs of its weak duality. */

import type { Tensor } from "../tensor/tensor.js";

export type Named = Readonly<Record<string, Tensor>>;

/**
 * minimize P(x) over the x with every constraint ≤ 0, and D(y) ≤ P(x) for all such x and all admitted y.
 *
 * Any family brings its own: the checker only evaluates. Graphs are of exact primitives, one value a sample: [N].
 */
export interface Bounds {
  /** Shapes of x and of the dual vectors of a witness by name, sample axis first. */
  readonly x: Tensor["shape"];
  readonly y: Readonly<Record<string, Tensor["shape"]>>;
  /** P(x). */
  primal(x: Tensor): Tensor;
  /** By name, ≤ 0 exactly where x is feasible. */
  constraints(x: Tensor): Named;
  /** Dual vectors for which D is finite, near those of a witness and perhaps more of them: no vector is refused. */
  admit(y: Named): Named;
  /** D(y) for admitted y. */
  dual(y: Named): Tensor;
  /** A point near x and, it is hoped, well inside every constraint: whether it is, is checked. Absent where none is known. */
  readonly inward?: (x: Tensor) => Tensor;
  /** What the bound rests on besides the terms, in words: "‖x‖∞ ≤ 10". */
  readonly given: readonly string[];
}
