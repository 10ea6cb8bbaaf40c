/** @file The constraint of the sum of absolute values. */

import { dense } from "../dense.js";
import { l1BallVertex, rowsOnL1Ball } from "../projections.js";
import { mapParts, type Parameters, type Part } from "../train/parameters.js";
import { type BoundedSet, ON_EDGE, requireWeight, zero } from "./penalty.js";

/**
 * 0 where Σ |entries of the parts| ≤ κ, ∞ elsewhere; vertices are −κ sign at one entry.
 *
 * @param kappa  ≥ 0
 * @throws parameter
 * @source El Ghaoui et al., eq. (12) for the parts C and D, (13) for B
 */
export function oneBall(parts: readonly Part[], kappa: number): BoundedSet {
  requireWeight("oneBall: κ", kappa);
  const row = (at: Parameters) => {
    const data = Float64Array.from(parts.flatMap((part) => [...at[part].data]));
    return dense(1, data.length, data);
  };
  const inPlace = (rest: Parameters, { data }: { readonly data: Float64Array }): Parameters => {
    let from = 0;
    const cut = new Map(
      parts.map((part) => {
        const size = rest[part].data.length;
        from += size;
        return [part, data.slice(from - size, from)];
      }),
    );
    return mapParts((part) => (cut.has(part) ? { ...rest[part], data: cut.get(part)! } : rest[part]));
  };
  return {
    name: `‖(${parts.join(", ")})‖₁ ≤ ${kappa}`,
    parts,
    value: (at) =>
      row(at).data.reduce((sum, value) => sum + Math.abs(value), 0) <= kappa * (1 + ON_EDGE) ? 0 : Infinity,
    gradient: zero,
    prox: (at) => inPlace(at, rowsOnL1Ball(row(at), kappa)),
    vertex: (g) => inPlace(zero(g), l1BallVertex(row(g), kappa)),
  };
}
