/** @file The penalty of the sum of absolute values. */

import { mapParts, type Parameters, type Part } from "../train/parameters.js";
import { type Penalty, requireWeight, zero } from "./penalty.js";

/**
 * weight Σ |entries of the parts|; its prox is soft thresholding by weight · step.
 *
 * @param weight  ≥ 0
 * @throws parameter
 * @source El Ghaoui et al., eq. (5), its terms ‖B‖₁ and ‖(C, D)‖₁
 */
export function oneNorm(parts: readonly Part[], weight: number): Penalty {
  requireWeight("oneNorm: weight", weight);
  const each = (rest: Parameters, f: (part: Part) => Float64Array) =>
    mapParts((part) => (parts.includes(part) ? { ...rest[part], data: f(part) } : rest[part]));
  return {
    name: `‖(${parts.join(", ")})‖₁`,
    parts,
    value: (at) =>
      weight * parts.reduce((sum, part) => sum + at[part].data.reduce((a, value) => a + Math.abs(value), 0), 0),
    gradient: (at) => each(zero(at), (part) => at[part].data.map((v) => weight * Math.sign(v))),
    prox: (at, step) =>
      each(at, (part) => at[part].data.map((v) => Math.sign(v) * Math.max(Math.abs(v) - step * weight, 0))),
  };
}
