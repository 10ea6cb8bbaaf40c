/** @file The indicator of a convex set: how constraints enter the objective. */

import type { ConvexSet } from "../sets/set.js";
import { lessEqual, select } from "../tensor/primitives/elementwise.js";
import type { Proximable } from "./function.js";
import { lengthProperty } from "./length.js";

/**
 * f(v) = 0 if v is in C, else ∞.
 *
 *     prox_{λf}(v) = P_C(v)          f*(y) = sup_{u in C} ⟨u, y⟩, where C has it
 *
 * Its property is d_C(v), 0 below the solver's default tolerance.
 *
 * @source Heaton & Wu Fung 2023, below eq. (2)
 */
export function indicator(set: ConvexSet): Proximable {
  return {
    name: `indicator of ${set.name}`,
    prox: (v) => set.project(v),
    value: (v) => select(lessEqual(set.distance(v), 0), 0, Number.POSITIVE_INFINITY),
    ...(set.domain ? { domain: set.domain } : {}),
    ...(set.support ? { conjugate: set.support } : {}),
    ...(set.admit ? { admit: set.admit } : {}),
    set,
    ...(set.stated ? { stated: set.stated } : {}),
    property: lengthProperty("indicator", `distance to ${set.name}`, (v) => set.distance(v), {}),
  };
}
