/** @file One test of several properties at once, exact at any dependence between them, and which of them is at fault. */

import { VouchError } from "../errors.js";
import { conformalRank, type Label, type Rank, supporting } from "./labels.js";

/** False-alarm rates. */
export interface Levels {
  /** Of fail, in (0, 1). */
  readonly fail: number;
  /** Of fail and warning together, in [fail, 1). */
  readonly warning: number;
}

export type Joint =
  | {
      readonly verdict: "TESTED";
      /** k of N + 1: the p-value of all properties together. */
      readonly rank: Rank;
      readonly p: number;
      readonly label: Label;
      /** Properties that Holm rejects at the level of the label; where it rejects none, the one with the least p. Empty for a pass. */
      readonly culprits: readonly string[];
    }
  | {
      readonly verdict: "REFUSED";
      /** Calibration samples that would do. */
      readonly enough: number;
      readonly because: string;
    };

/**
 * Whether m properties of one inference are like those of N calibration samples, none of them worse than usual.
 *
 *     cᵢⱼ = #{ k in pool : sₖⱼ ≥ sᵢⱼ },   cᵢ = minⱼ cᵢⱼ,   p = #{ i in pool : cᵢ ≤ c } / (N + 1),   pool = calibration and test
 *
 * cᵢ is a symmetric function of the pool, so p ≤ α has probability at most α under exchangeability whatever the dependence
 * between properties. p is never above m minⱼ pⱼ, Bonferroni's. A value that is not a number is the worst.
 *
 * @param calibration  by property: one value a sample, the samples in one order
 * @param inference    by property: its value
 * @returns REFUSED where m/(N + 1) > fail: then even the worst values could not fail
 * @throws parameter if a level is out of range; certificate if a property has no calibration
 * @source Besag & Clifford 1989, Biometrika 76(4) (ranks of a pool); Westfall & Young 1993, Resampling-Based Multiple Testing, §2 (min p)
 */
export function jointTest(
  calibration: Readonly<Record<string, readonly number[]>>,
  inference: Readonly<Record<string, number>>,
  { fail = 0.05, warning = Math.max(0.1, fail) }: Partial<Levels> = {},
): Joint {
  requireLevels("jointTest", { fail, warning });
  const names = Object.keys(inference);
  const lists = names.map((name) => calibrated(calibration, name));
  const N = lists[0]?.length ?? 0;
  const enough = supporting(fail, names.length);
  if (N < enough) {
    const because = `${N} calibration samples cannot support a level of ${fail} for ${names.length} properties; ${enough} can`;
    return { verdict: "REFUSED", enough, because };
  }
  const rank = jointRank(
    lists.map((list) => Float64Array.from(list)),
    Float64Array.from(names, (name) => inference[name]!),
  );
  const p = rank.k / rank.of;
  const label: Label = p <= fail ? "fail" : p <= warning ? "warning" : "pass";
  const single = names.map((name, j) => ({ name, ...conformalRank(lists[j]!, inference[name]!) }));
  return {
    verdict: "TESTED",
    rank,
    p,
    label,
    culprits: label === "pass" ? [] : culprits(single, { fail, warning }[label]),
  };
}

/**
 * k and N + 1 of the joint p-value: see `jointTest`.
 *
 * @param columns  by property: N values each; not changed
 * @param row      the values tested, in the same order
 */
export function jointRank(columns: readonly Float64Array[], row: Float64Array): Rank {
  const N = columns[0]?.length ?? 0;
  const least = new Int32Array(N + 1).fill(N + 1);
  for (const [j, column] of columns.entries()) {
    const pool = new Float64Array(N + 1);
    pool.set(column);
    pool[N] = row[j]!;
    for (let i = 0; i <= N; i++) if (Number.isNaN(pool[i])) pool[i] = Number.POSITIVE_INFINITY;
    const sorted = pool.toSorted();
    for (let i = 0; i <= N; i++) least[i] = Math.min(least[i]!, N + 1 - lowerBound(sorted, pool[i]!));
  }
  const own = least[N]!;
  return { k: least.reduce((count, c) => (c <= own ? count + 1 : count), 0), of: N + 1 };
}

/**
 * Names whose p-values Holm's step-down rejects at the level: the family-wise error is at most `level` at any dependence.
 *
 *     p₍₁₎ ≤ … ≤ p₍ₘ₎; reject while p₍ᵢ₎ ≤ level/(m − i + 1)
 *
 * @source Holm 1979, Scandinavian Journal of Statistics 6(2)
 */
export function holm(p: Readonly<Record<string, number>>, level: number): string[] {
  const sorted = Object.entries(p).sort(([, a], [, b]) => a - b);
  const kept = sorted.findIndex(([, value], i) => !(value <= level / (sorted.length - i)));
  return sorted.slice(0, kept < 0 ? sorted.length : kept).map(([name]) => name);
}

/** @throws parameter unless 0 < fail ≤ warning < 1 */
export function requireLevels(name: string, { fail, warning }: Levels): void {
  if (fail > 0 && warning >= fail && warning < 1) return;
  throw new VouchError("parameter", {
    name,
    expected: "0 < fail ≤ warning < 1",
    got: `fail ${fail}, warning ${warning}`,
    remedy: "They are false-alarm rates: 0.05 and 0.1 by default.",
  });
}

function culprits(single: readonly ({ readonly name: string } & Rank)[], level: number): string[] {
  const rejected = holm(Object.fromEntries(single.map(({ name, k, of }) => [name, k / of])), level);
  if (rejected.length > 0) return rejected;
  return [single.reduce((worst, next) => (next.k < worst.k ? next : worst)).name];
}

function calibrated(calibration: Readonly<Record<string, readonly number[]>>, name: string): readonly number[] {
  if (Object.hasOwn(calibration, name)) return calibration[name]!;
  throw new VouchError("certificate", {
    name: "jointTest",
    expected: `calibration values of "${name}"`,
    got: Object.keys(calibration).join(", ") || "none",
    remedy: "Calibrate with this model's terms.",
  });
}

/** Elements of ascending numbers below v. */
function lowerBound(sorted: Float64Array, v: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < v) low = middle + 1;
    else high = middle;
  }
  return low;
}
