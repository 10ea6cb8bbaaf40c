/** @file From a property value to pass, warning or fail. */

import { VouchError } from "../errors.js";
import type { Random } from "../random.js";

export type Label = "pass" | "warning" | "fail";

/** A p-value k/of as whole numbers: `k` of the `of` = N + 1 in the pool of calibration and test are at least this bad. */
export interface Rank {
  readonly k: number;
  readonly of: number;
}

export interface Labelled {
  readonly label: Label;
  /** Conformal p-value, where the rule has one. */
  readonly p?: number;
  /** The same as whole numbers, where ties are not broken by chance. */
  readonly rank?: Rank;
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
  const { k, of } = conformalRank(values, alpha);
  return k / of;
}

/** conformalP as a fraction: k = 1 + #{ αᵢ ≥ α } of N + 1. */
export function conformalRank(values: readonly number[], alpha: number): Rank {
  return { k: 1 + countAtLeast(values, alpha), of: values.length + 1 };
}

/**
 * p = (#{ αᵢ > α } + u (1 + #{ αᵢ = α })) / (N + 1): with u uniform on [0, 1), at most t with probability exactly t, ties or not.
 *
 * @param u  drawn for this inference alone, from a stream that the data do not steer
 * @source Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, eq. (2.20): smoothed p-values
 */
export function randomizedP(values: readonly number[], alpha: number, u: number): number {
  const atLeast = countAtLeast(values, alpha);
  const above = values.reduce((count, value) => (value > alpha ? count + 1 : count), 0);
  return (above + u * (1 + atLeast - above)) / (values.length + 1);
}

/** conformalLabel with ties broken by chance: the false-alarm rates are what they say, no less. Draws once a label. */
export function randomizedLabel(draw: Pick<Random, "uniform">, options: ConformalOptions = {}): Labeller {
  return (values, alpha) => {
    const { fail, warning } = supportedLevels("randomizedLabel", values.length, options);
    const p = randomizedP(values, alpha, draw.uniform());
    return { label: labelOf(p, fail, warning), p };
  };
}

/** p_p, p_w, p_f: the shares of trusted inferences that pass, warn and fail; they add up to 1. @source Heaton & Wu Fung 2023, eq. (12) */
export interface Shares {
  readonly pass: number;
  readonly warning: number;
  readonly fail: number;
}

/**
 * conformalLabel at the paper's shares: fail where p ≤ p_f, warning where p ≤ p_w + p_f, else pass.
 *
 * @throws parameter unless the shares are ≥ 0, p_p and p_f are > 0 and they add up to 1
 * @source Heaton & Wu Fung 2023, eq. (12), with p-values for 1 − CDF
 */
export function conformalShares({ pass, warning, fail }: Shares): Labeller {
  if (!(pass > 0 && warning >= 0 && fail > 0 && Math.abs(pass + warning + fail - 1) <= ROUNDING)) {
    throw new VouchError("parameter", {
      name: "conformalShares",
      expected: "pass > 0, warning ≥ 0, fail > 0 that add up to 1",
      got: `${pass}, ${warning}, ${fail}`,
      remedy: "0.95, 0 and 0.05 are the paper's.",
    });
  }
  return (values, alpha) => conformalLabel(values, alpha, { fail, warning: fail + warning });
}

/**
 * fail if p ≤ fail, else warning if p ≤ warning, else pass: on exchangeable inferences at most that share is flagged.
 *
 * The level is of one property: of m properties, up to m times it are flagged by at least one; give fail/m to bound them all.
 *
 * @throws parameter if a level is out of range; certificate if N values cannot support the level, saying how many would
 * @source see conformalP
 */
export function conformalLabel(values: readonly number[], alpha: number, options: ConformalOptions = {}): Labelled {
  const { fail, warning } = supportedLevels("conformalLabel", values.length, options);
  const rank = conformalRank(values, alpha);
  const p = rank.k / rank.of;
  return { label: labelOf(p, fail, warning), p, rank };
}

function labelOf(p: number, fail: number, warning: number): Label {
  return p <= fail ? "fail" : p <= warning ? "warning" : "pass";
}

function supportedLevels(
  name: string,
  N: number,
  { fail = 0.05, warning = Math.max(0.1, fail) }: ConformalOptions,
): Required<ConformalOptions> {
  if (!(fail > 0 && warning >= fail && warning < 1)) {
    throw new VouchError("parameter", {
      name,
      expected: "0 < fail ≤ warning < 1",
      got: `fail ${fail}, warning ${warning}`,
      remedy: "They are false-alarm rates: 0.05 and 0.1 by default.",
    });
  }
  const enough = supporting(fail);
  if (N < enough) {
    throw tooFew(
      name,
      `at least ${enough} calibration values for a fail level of ${fail}`,
      N,
      `REFUSED: calibrate on ${enough} held-out samples, or ask for a level of ${(1 / (N + 1)).toPrecision(2)} or more.`,
    );
  }
  return { fail, warning };
}

/** #{ αᵢ ≥ α }; none where α is not a number. */
export function countAtLeast(values: readonly number[], alpha: number): number {
  return values.reduce((count, value) => (value >= alpha ? count + 1 : count), 0);
}

/**
 * Least N with m/(N + 1) ≤ level: calibration samples that a level needs for m properties together.
 *
 * @param level  in (0, 1)
 */
export function supporting(level: number, properties = 1): number {
  let n = Math.max(0, Math.ceil(properties / level) - 2);
  while (properties / (n + 1) > level) n++;
  return n;
}

function tooFew(name: string, expected: string, got: number, remedy: string): VouchError {
  return new VouchError("certificate", { name, expected, got: `${got}`, remedy });
}
