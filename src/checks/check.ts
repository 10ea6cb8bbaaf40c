/** @file What a check of a model is: an inequality, both sides of it, and whether it holds. */

/** left ≤ right, evaluated in float64. */
export interface Check {
  readonly kind: "condition" | "adjoint" | "norm" | "layer" | "firm" | "gradient";
  /** The term or parameter it is about; of conditions, their number. */
  readonly name: string;
  /** What stands on both sides, in words and symbols. */
  readonly text: string;
  readonly left: number;
  readonly right: number;
  /** False too where a side is NaN. */
  readonly holds: boolean;
}

export function compared(kind: Check["kind"], name: string, text: string, left: number, right: number): Check {
  return { kind, name, text, left, right, holds: left <= right };
}
