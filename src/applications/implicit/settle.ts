/** @file Iterating a map of a batch until its step is small. */

import { VouchError } from "../../errors.js";
import type { Dense } from "./dense.js";

export interface SettleLimits {
  /** ‖step‖_∞ relative to ‖iterate‖_∞ at which it ends. */
  readonly tolerance: number;
  readonly most: number;
  /** What to do where it does not end. */
  readonly remedy: string;
}

/** X ← step(X) from `start` until ‖X⁺ − X‖_∞ ≤ tolerance ‖X⁺‖_∞. @throws convergence */
export function settle(
  name: string,
  start: Dense,
  step: (from: Dense) => Dense,
  { tolerance, most, remedy }: SettleLimits,
): Dense {
  let X = start;
  let change = Infinity;
  for (let count = 0; count < most; count++) {
    const next = step(X);
    let size = 0;
    change = 0;
    for (let e = 0; e < next.data.length; e++) {
      change = Math.max(change, Math.abs(next.data[e]! - X.data[e]!));
      size = Math.max(size, Math.abs(next.data[e]!));
    }
    X = next;
    if (change <= tolerance * size) return X;
    if (!Number.isFinite(change)) break;
  }
  throw new VouchError("convergence", {
    name,
    expected: `a fixed point within ${most} steps`,
    got: `a step of ${change}`,
    remedy,
  });
}
