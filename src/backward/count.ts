/** @file The number of steps or terms of a rule. */

import { VouchError } from "../errors.js";

/** Fails unless k is an integer ≥ least. */
export function requireCount(name: string, k: number, least: number): void {
  if (Number.isInteger(k) && k >= least) return;
  throw new VouchError("parameter", {
    name: `${name}: k`,
    expected: `an integer ≥ ${least}`,
    got: `${k}`,
    remedy: "k counts applications of T.",
  });
}
