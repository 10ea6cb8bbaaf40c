/** @file Distance to a set: by how much a constraint is violated. */

import { type LengthOptions, type LengthProperty, lengthProperty } from "../../functions/length.js";
import type { ConvexSet } from "../../sets/set.js";

/**
 * d_C(v) = min_{u in C} ‖u − v‖, in v's units.
 *
 * @throws parameter if the tolerance is outside [0, 1)
 * @source Heaton & Wu Fung 2023, Table 2, "Constraints"
 */
export function distanceTo(set: ConvexSet, options: LengthOptions = {}): LengthProperty {
  const { tolerance = 1e-4 } = options;
  const property = lengthProperty("distanceTo", `distance to ${set.name}`, (v) => set.distance(v), options);
  const { stated } = set;
  return stated ? { ...property, stated: { ...stated, numbers: { ...stated.numbers, tolerance } } } : property;
}
