/** @file From a property value to pass, warning or fail. */

import { VouchError } from "../errors.js";

export type Label = "pass" | "warning" | "fail";

export interface Labelled {
  readonly label: Label;
  /** Conformal p-value, where the rule has one. */
  readonly p?: number;
}

/** A rule from calibration values (any order) and a property value ≥ 0 to a label. A value that is not a number is the worst. */
export type Labeller = (values: readonly number[], alpha: number) => Labelled;

export interface EcdfOptions {
  /** p_p, in (0, 1]. Default 0.95. */
  readonly pass?: number;
  /** p_w ≥ 0; p_f = 1 − p_p − p_w ≥ 0. Default 0.04. */
  readonly warning?: number;
}

export interface ConformalOptions {
  /** False-alarm rate of fail, in (0, 1). Default 0.05. */
  readonly fail?: number;
  /** False-alarm rate of fail and warning together, in [fail, 1). Default the larger of 0.1 and fail. */
  readonly warning?: number;
}

/** p_p + p_w is rounded; k/N at the boundary 1 − p_f is a warning. */
const ROUNDING = 1e-12;

/**
 * The paper's labels from the empirical CDF.
 *
 *     CDF(α) ≈ #{ αᵢ < α } / N          pass if CDF < p_p, warning if CDF ∈ [p_p, 1 − p_f], else fail
 *
 * deviates: eq. (13) counts αᵢ ≤ α; equal for continuous α, but where a hard constraint makes every trusted αᵢ = 0 it fails
 * α = 0. No guarantee at finite N: under exchangeability 16.7 % fail at N = 5, 9.1 % at N = 10.
 *
 * @throws parameter if p_p, p_w or p_f is out of range; certificate if there are no calibration values
 * @source Heaton & Wu Fung 2023, eq. (11)–(13)
 */
export function ecdfLabel(
  values: readonly number[],
  alpha: number,
  { pass = 0.95, warning = 0.04 }: EcdfOptions = {},
): Labelled {
  if (!(pass > 0 && warning >= 0 && pass + warning <= 1 + ROUNDING)) {
    throw new VouchError("parameter", {
      name: "ecdfLabel",
      expected: "pass > 0, warning ≥ 0 and pass + warning ≤ 1",
      got: `pass ${pass}, warning ${warning}`,
      remedy: "fail gets what is left of 1.",
    });
  }
  if (values.length === 0)
    throw tooFew("ecdfLabel", "at least 1 calibration value", 0, "Calibrate on held-out samples.");
  const cdf = (values.length - countAtLeast(values, alpha)) / values.length;
  return { label: cdf < pass ? "pass" : cdf <= pass + warning + ROUNDING ? "warning" : "fail" };
}

/**
 * p = (1 + #{ αᵢ ≥ α }) / (N + 1): at most t with probability at most t, if α and the αᵢ are exchangeable. Ties only raise it.
 *
 * @source Bates, Candès, Lei, Romano & Sesia 2023, Testing for outliers with conformal p-values: the marginal p-value
 */
export function conformalP(values: readonly number[], alpha: number): number {
  return (1 + countAtLeast(values, alpha)) / (values.length + 1);
}

/**
 * fail if p ≤ fail, else warning if p ≤ warning, else pass: on exchangeable inferences at most that share is flagged.
 *
 * The level is of one property: of m properties, up to m times it are flagged by at least one; give fail/m to bound them all.
 *
 * @throws parameter if a level is out of range; certificate if N values cannot support the level, saying how many would
 * @source see conformalP
 */
export function conformalLabel(
  values: readonly number[],
  alpha: number,
  { fail = 0.05, warning = Math.max(0.1, fail) }: ConformalOptions = {},
): Labelled {
  if (!(fail > 0 && warning >= fail && warning < 1)) {
    throw new VouchError("parameter", {
      name: "conformalLabel",
      expected: "0 < fail ≤ warning < 1",
      got: `fail ${fail}, warning ${warning}`,
      remedy: "They are false-alarm rates: 0.05 and 0.1 by default.",
    });
  }
  if (fail < 1 / (values.length + 1)) {
    const enough = supporting(fail);
    throw tooFew(
      "conformalLabel",
      `at least ${enough} calibration values for a fail level of ${fail}`,
      values.length,
      `Calibrate on ${enough} held-out samples, or ask for a level of ${(1 / (values.length + 1)).toPrecision(2)} or more.`,
    );
  }
  const p = conformalP(values, alpha);
  return { label: p <= fail ? "fail" : p <= warning ? "warning" : "pass", p };
}

/** #{ αᵢ ≥ α }; none where α is not a number. */
export function countAtLeast(values: readonly number[], alpha: number): number {
  return values.reduce((count, value) => (value >= alpha ? count + 1 : count), 0);
}

/** Least N with 1/(N + 1) ≤ level. */
function supporting(level: number): number {
  let n = Math.max(0, Math.ceil(1 / level) - 2);
  while (1 / (n + 1) > level) n++;
  return n;
}

function tooFew(name: string, expected: string, got: number, remedy: string): VouchError {
  return new VouchError("certificate", { name, expected, got: `${got}`, remedy });
}
