/** @file Several operators on one domain, one under the other. */

import { VouchError } from "../errors.js";
import { add, mul, sqrt } from "../tensor/primitives/elementwise.js";
import { type Shape, sameShape, showShape, type Tensor } from "../tensor/tensor.js";
import type { Bound, LinearOperator } from "./linear.js";

/** S = (S₁; S₂; …) by name: its values are records, not one flat vector. */
export interface Stack {
  readonly domain: Shape;
  readonly parts: Readonly<Record<string, LinearOperator>>;
  apply(x: Tensor): Record<string, Tensor>;
  adjoint(y: Readonly<Record<string, Tensor>>): Tensor;
  norm(): Bound;
}

/** x ↦ (S₁x, S₂x, …); ‖S‖² ≤ Σ‖Sᵢ‖². */
export function stack(parts: Readonly<Record<string, LinearOperator>>): Stack {
  const entries = Object.entries(parts);
  const first = entries[0];
  if (first === undefined) {
    throw new VouchError("problem", {
      name: "stack",
      expected: "at least one operator",
      got: "none",
      remedy: "Name one operator.",
    });
  }
  const [, { domain }] = first;
  for (const [name, part] of entries) {
    if (!sameShape(part.domain, domain)) {
      throw new VouchError("shape", {
        name: "stack",
        expected: `the domain ${showShape(domain)} of ${first[0]}`,
        got: `${showShape(part.domain)} for ${name}`,
        remedy: "All terms act on one x.",
      });
    }
  }
  return {
    domain,
    parts,
    apply: (x) => Object.fromEntries(entries.map(([name, part]) => [name, part.apply(x)])),
    adjoint: (y) => entries.map(([name, part]) => part.adjoint(y[name]!)).reduce((a, b) => add(a, b)),
    norm: () => {
      const bounds = entries.map(([, part]) => part.norm());
      const square = bounds.map(({ value }) => mul(value, value)).reduce((a, b) => add(a, b));
      return {
        value: sqrt(square),
        how: `√Σ‖Sᵢ‖², with ${entries.map(([name], i) => `${name}: ${bounds[i]!.how}`).join("; ")}`,
      };
    },
  };
}
