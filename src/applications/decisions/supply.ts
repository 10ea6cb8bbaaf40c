/** @file Supplies of the nodes of a graph. */

import { VouchError } from "../../errors.js";
import type { Graph } from "../../linear/incidence.js";
import { shapeError } from "../../tensor/tensor.js";

/** Σb over the largest |b| up to which supplies count as balanced. */
const BALANCED = 1e-9;

/** b as float64. @throws shape unless there is one a node; parameter if they do not sum to 0 */
export function requireSupply(name: string, { nodes }: Graph, supply: ArrayLike<number>): Float64Array {
  if (supply.length !== nodes) throw shapeError(name, `${nodes} supplies, one a node`, `${supply.length}`);
  const b = Float64Array.from(supply);
  const sum = b.reduce((total, value) => total + value, 0);
  if (Math.abs(sum) <= BALANCED * b.reduce((most, value) => Math.max(most, Math.abs(value)), 0)) return b;
  const remedy = "What leaves the sources must arrive in the targets.";
  throw new VouchError("parameter", { name, expected: "supplies that sum to 0", got: `a sum of ${sum}`, remedy });
}
