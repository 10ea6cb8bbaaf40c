/** @file A function moved to another origin. */

import { inner } from "../sets/set.js";
import { add, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Proximable } from "./function.js";

/**
 * v ↦ f(v − c).
 *
 *     prox_{λ·}(v) = c + prox_{λf}(v − c)          conjugate(y) = f*(y) + ⟨c, y⟩
 *
 * @param c  broadcasts against v; data, or what is computed from data
 * @source Bauschke & Combettes, 2nd ed., Propositions 24.8 (ii) and 13.23 (iii)
 */
export function shifted(f: Proximable, c: Tensor): Proximable {
  const { value, conjugate, admit, ignoresStep, property } = f;
  return {
    name: `shifted ${f.name}`,
    ...(f.domain ? { domain: f.domain } : {}),
    ...(ignoresStep ? { ignoresStep } : {}),
    prox: (v, lambda) => add(c, f.prox(sub(v, c), lambda)),
    ...(value ? { value: (v: Tensor) => value(sub(v, c)) } : {}),
    ...(conjugate ? { conjugate: (y: Tensor) => add(conjugate(y), inner(c, y)) } : {}),
    ...(admit ? { admit } : {}),
    property: { kind: property.kind, measure: (v, p) => property.measure(sub(v, c), p && sub(p, c)) },
  };
}
