/** @file The identity. */

import type { Shape } from "../tensor/tensor.js";
import { type LinearOperator, numberBound } from "./linear.js";

/** x ↦ x. */
export function identity(domain: Shape): LinearOperator {
  return {
    name: "identity",
    domain,
    range: domain,
    apply: (x) => x,
    adjoint: (y) => y,
    stated: { kind: "identity" },
    norm: () => numberBound(1, "isometry"),
  };
}
