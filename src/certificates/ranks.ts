/** @file Labels inside a graph: comparisons and counts over calibration values, rounded to float32. */

import { VouchError } from "../errors.js";
import { reshape, sum } from "../tensor/primitives/broadcast.js";
import { abs, add, div, less, lessEqual, min, select, sub } from "../tensor/primitives/elementwise.js";
import { constant } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Levels, requireLevels } from "./joint.js";
import { countAtLeast, type Label, type Labelled, type Labeller, supporting } from "./labels.js";

/** A label is its place in this list where a graph says it. */
export const labels: readonly Label[] = ["pass", "warning", "fail"];

/**
 * The label of a property value and, where the rule gives one, its p-value.
 *
 *     k = #{ αᵢ ≥ α }, 0 where α is not a number; what the labeller says of α depends on k alone and is looked up
 *
 * @param alpha  property values: [N]
 * @returns places in `labels` and p-values, [N] each
 * @throws parameter if the labeller is not one of ranks; what the labeller throws
 */
export function rankLabel(
  values: readonly number[],
  labeller: Labeller,
  alpha: Tensor,
): { readonly label: Tensor; readonly p?: Tensor } {
  const rows = table(values, labeller);
  const column = reshape(alpha, ["N", 1]);
  const count = sum(select(lessEqual(column, constant(values)), 1, 0), [1]);
  const counts = constant(rows.map((row) => row.count));
  const is = less(abs(sub(reshape(count, ["N", 1]), counts)), 0.5);
  const lookUp = (column: readonly number[]) => sum(select(is, constant(column), 0), [1]);
  const label = lookUp(rows.map((row) => labels.indexOf(row.label)));
  const p = rows.flatMap((row) => (row.p === undefined ? [] : [row.p]));
  return p.length === rows.length ? { label, p: lookUp(p) } : { label };
}

/**
 * `jointTest` of property values: its p-value and the place of its label in `labels`, [N] each.
 *
 * @param alpha  property values by name: [N] each
 * @returns undefined where there is no property, or N cannot support the level for so many: REFUSED
 * @throws parameter if a level is out of range
 */
export function jointLabel(
  calibration: Readonly<Record<string, readonly number[]>>,
  alpha: Readonly<Record<string, Tensor>>,
  { fail = 0.05, warning = Math.max(0.1, fail) }: Partial<Levels> = {},
): { readonly label: Tensor; readonly p: Tensor } | undefined {
  requireLevels("jointLabel", { fail, warning });
  const names = Object.keys(alpha);
  const N = calibration[names[0] ?? ""]?.length ?? 0;
  if (names.length === 0 || N < supporting(fail, names.length)) return undefined;
  const ranks = names.map((name) => pooled(calibration[name]!, reshape(alpha[name]!, ["N", 1])));
  const least = ranks.map(({ others }) => others).reduce((a, b) => min(a, b));
  const own = ranks.map((rank) => rank.own).reduce((a, b) => min(a, b));
  const k = add(1, sum(select(lessEqual(least, own), 1, 0), [1]));
  // k/(N + 1) ≤ level, decided in float64.
  const within = (level: number) =>
    Array.from({ length: N + 1 }, (_, i) => (i + 1) / (N + 1) <= level).lastIndexOf(true) + 1;
  const [fails, warns] = [lessEqual(k, within(fail)), lessEqual(k, within(warning))];
  const code = (label: Label) => labels.indexOf(label);
  return { p: div(k, N + 1), label: select(fails, code("fail"), select(warns, code("warning"), code("pass"))) };
}

/** How many of calibration values and α, a column, are at least as large as each calibration value [N, n], and as α [N, 1]. */
function pooled(values: readonly number[], alpha: Tensor) {
  const worst = select(lessEqual(alpha, Number.POSITIVE_INFINITY), alpha, Number.POSITIVE_INFINITY);
  const ofCalibration = constant(values.map((value) => countAtLeast(values, value)));
  const atLeast = select(lessEqual(worst, constant(values)), 1, 0);
  return {
    others: add(ofCalibration, select(lessEqual(constant(values), worst), 1, 0)),
    own: add(1, reshape(sum(atLeast, [1]), ["N", 1])),
  };
}

/** What the labeller says for each number of calibration values that can be at least as large. */
function table(values: readonly number[], labeller: Labeller): (Labelled & { readonly count: number })[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const at = [...distinct, Number.POSITIVE_INFINITY];
  return at.map((alpha, i) => {
    const said = labeller(values, alpha);
    const below = i === 0 ? 0 : distinct[i - 1]!;
    const middle = alpha === Number.POSITIVE_INFINITY ? Number.NaN : (below + alpha) / 2;
    // Between two neighbours of float64 there is nothing.
    const between = middle === below ? alpha : middle;
    const other = labeller(values, between);
    if (said.label !== other.label || said.p !== other.p) {
      throw new VouchError("parameter", {
        name: "rankLabel: labeller",
        expected: "a rule of how many calibration values are at least as large, as conformalLabel and ecdfLabel",
        got: `${said.label} at ${alpha} and ${other.label} at ${between}`,
        remedy: "Give such a rule.",
      });
    }
    return { ...said, count: countAtLeast(values, alpha) };
  });
}
