/** @file Drift: a bet against exchangeability that grows rich only if the stream has changed. */

import { VouchError } from "../errors.js";

/** The state of a monitor: plain and JSON-serialisable. */
export interface Drift {
  /** Values seen, ascending, those of the calibration among them. */
  readonly seen: readonly number[];
  /** Natural logarithm of the wealth; 0 at the start. */
  readonly logWealth: number;
  readonly observed: number;
  /** p of the last observation; 1 before the first. */
  readonly p: number;
  /** Wealth has reached 1/level, now or earlier. */
  readonly alarm: boolean;
}

export interface DriftOptions {
  /** Probability of ever raising a false alarm, in (0, 1). Default 0.01. */
  readonly level?: number;
  /** Exponent of the bet, in (0, 1): the smaller, the more it stakes on small p-values. Default 0.5. */
  readonly epsilon?: number;
}

/** A monitor that has seen the calibration values and bets from now on. */
export function driftFrom(values: readonly number[]): Drift {
  return { seen: [...values].sort((a, b) => a - b), logWealth: 0, observed: 0, p: 1, alarm: false };
}

/**
 * The monitor after one more value.
 *
 *     p = (#{ αᵢ > α } + u (1 + #{ αᵢ = α }))/(n + 1) over all n values seen,   wealth ← wealth · ε p^(ε−1)
 *
 * While the stream and the calibration are exchangeable the p-values are independent and uniform and the wealth is a martingale:
 * it ever reaches 1/level with probability at most `level`. Each value is ranked among all before it, not among the
 * calibration alone, whose p-values would share its errors.
 *
 * @param alpha  property value; one that is not a number is the worst
 * @param u      uniform on [0, 1), drawn for this value alone
 * @throws parameter if an option is out of range or u is not in [0, 1)
 * @source Vovk, Nouretdinov & Gammerman 2003, Testing exchangeability on-line, §3 (power martingales); Ville 1939
 */
export function observe(
  state: Drift,
  alpha: number,
  u: number,
  { level = 0.01, epsilon = 0.5 }: DriftOptions = {},
): Drift {
  for (const [name, share] of Object.entries({ level, epsilon })) {
    if (!(share > 0 && share < 1)) throw outOfRange(name, "a number in (0, 1)", share);
  }
  if (!(u >= 0 && u < 1)) throw outOfRange("u", "a number in [0, 1)", u);
  const value = Number.isNaN(alpha) ? Number.POSITIVE_INFINITY : alpha;
  const { seen } = state;
  const below = seen.findIndex((other) => other >= value);
  const first = below < 0 ? seen.length : below;
  const beyond = seen.findIndex((other) => other > value);
  const above = beyond < 0 ? 0 : seen.length - beyond;
  const p = (above + u * (1 + seen.length - above - first)) / (seen.length + 1);
  // p = 0 only for u = 0: a bet that has won everything.
  const logWealth = state.logWealth + Math.log(epsilon) + (epsilon - 1) * Math.log(Math.max(p, Number.MIN_VALUE));
  return {
    seen: seen.toSpliced(first, 0, value),
    logWealth,
    observed: state.observed + 1,
    p,
    alarm: state.alarm || logWealth >= -Math.log(level),
  };
}

function outOfRange(name: string, expected: string, got: number): VouchError {
  return new VouchError("parameter", {
    name: `observe: ${name}`,
    expected,
    got: `${got}`,
    remedy: "The defaults are 0.01 and 0.5.",
  });
}
