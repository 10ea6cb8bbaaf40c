/** @file Schedules: the step size of each optimizer step. */

import { VouchError } from "../errors.js";

/** η at step t = 1, 2, …, total. */
export type Schedule = (t: number, total: number) => number;

/** η at every step. @throws parameter if η is not > 0 */
export function constantRate(rate: number): Schedule {
  requirePositive("constantRate", "a rate", rate);
  return () => rate;
}

/**
 * last + (η − last)(1 + cos(πt/total))/2: from η down to `last`, 0 by default.
 *
 * @throws parameter if η is not > 0, or `last` not in [0, η]
 * @source Loshchilov & Hutter 2017, eq. (5), one period
 */
export function cosineDecay(rate: number, last = 0): Schedule {
  requirePositive("cosineDecay", "a rate", rate);
  if (!(last >= 0 && last <= rate)) throw refuse("cosineDecay", `a last rate in [0, ${rate}]`, last);
  return (t, total) => last + ((rate - last) * (1 + Math.cos((Math.PI * t) / total))) / 2;
}

export interface StepDecayOptions {
  /** Steps of one rate, a whole number. */
  readonly every: number;
  /** What the rate is multiplied with after them, in (0, 1]. */
  readonly factor: number;
}

/** η factor^⌊(t − 1)/every⌋. @throws parameter if η, `every` or `factor` is out of range */
export function stepDecay(rate: number, { every, factor }: StepDecayOptions): Schedule {
  requirePositive("stepDecay", "a rate", rate);
  if (!(Number.isInteger(every) && every > 0)) throw refuse("stepDecay", "a whole number of steps > 0", every);
  if (!(factor > 0 && factor <= 1)) throw refuse("stepDecay", "a factor in (0, 1]", factor);
  return (t) => rate * factor ** Math.floor((t - 1) / every);
}

/** min(1, t/steps) of another schedule: up in a straight line. @throws parameter if `steps` is not > 0 */
export function warmUp(steps: number, then: Schedule): Schedule {
  requirePositive("warmUp", "a number of steps", steps);
  return (t, total) => Math.min(1, t / steps) * then(t, total);
}

function requirePositive(name: string, what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw refuse(name, `${what} > 0`, value);
}

function refuse(name: string, expected: string, got: number): VouchError {
  return new VouchError("parameter", { name, expected, got: `${got}`, remedy: "Choose it within the range." });
}
