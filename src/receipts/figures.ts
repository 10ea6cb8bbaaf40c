/** @file Every figure of a receipt, from its content: the proven gap, property values, p-values, labels. */

import { type Calibration, parseCalibration } from "../certificates/calibration.js";
import { jointTest } from "../certificates/joint.js";
import { conformalLabel } from "../certificates/labels.js";
import { type DualOptions, dualBounds, hasBounds } from "../dual.js";
import { properties } from "../problem.js";
import { evaluate } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import { sameShape, showShape, type Value } from "../tensor/tensor.js";
import { check } from "../verify/check.js";
import { readCanonical } from "../verify/json.js";
import type { Content } from "../verify/receipt.js";
import type { Figures, Predicate, Statement } from "../verify/statement.js";
import { type Rebuilt, readValue, rebuild, refused } from "./problem.js";

/** Of a calibration file. */
const LIMITS = { size: 1 << 26, depth: 6 } as const;

/**
 * The figures that the content of a receipt comes to, in float64 from exact primitives: equal on every machine.
 *
 * What `figures` states is not read.
 *
 * @throws format, shape, data, certificate where the content makes no figures
 */
export function recompute({ subject, predicate }: Statement, content: Content): Figures {
  const rebuilt = rebuild(predicate, content);
  const x = readValue(content, subject[0].digest.sha256);
  const shape = [1, ...predicate.problem.x];
  if (!sameShape(x.shape, shape)) throw refused(`x of ${showShape(shape)}`, showShape(x.shape));
  const calibration = readCalibration(predicate, content);
  return { optimality: optimalityOf(predicate, rebuilt, x, content), ...labelsOf(predicate, rebuilt, x, calibration) };
}

function optimalityOf(
  { problem: { prior, slack }, witness }: Predicate,
  { problem, values }: Rebuilt,
  x: Value,
  content: Content,
): Figures["optimality"] {
  const options: DualOptions = {
    ...(prior === undefined ? {} : { prior: Number(prior) }),
    ...(slack
      ? { slack: Object.fromEntries(Object.entries(slack).map(([name, epsilon]) => [name, Number(epsilon)])) }
      : {}),
  };
  const bounds = dualBounds(problem, options);
  if (!hasBounds(bounds)) return { verdict: "UNVERIFIABLE", reason: bounds.reason };
  const y = Object.fromEntries(Object.entries(witness).map(([name, digest]) => [name, readValue(content, digest)]));
  const verdict = check(bounds, values, { x, y });
  if (verdict.verdict === "UNVERIFIABLE") return { verdict: "UNVERIFIABLE", reason: verdict.reason };
  const { primal, dual, gap, relativeGap, constraints } = verdict;
  return {
    verdict: "VERIFIED",
    ...{ primal: `${primal}`, dual: `${dual}`, gap: `${gap}`, relativeGap: `${relativeGap}` },
    constraints: Object.fromEntries(constraints.map(({ name, high }) => [name, `${high}`])),
  };
}

function labelsOf({ levels }: Predicate, { problem, values }: Rebuilt, x: Value, calibration: Calibration) {
  const X = input("receipt.x", ["N", ...x.shape.slice(1)]);
  const measured = properties(problem, X);
  const names = Object.keys(measured);
  const graphs = names.map((name) => measured[name]!.value);
  const found = evaluate(graphs, new Map([...values, [X, x]]), 1).map(({ data }) => data[0]!);
  const asked = { fail: Number(levels.fail), warning: Number(levels.warning) };
  const labels: Figures["labels"] = Object.fromEntries(
    names.map((name, i) => {
      if (!Object.hasOwn(calibration.values, name)) throw refused(`calibration values of "${name}"`, "none");
      const { label, rank } = conformalLabel(calibration.values[name]!, found[i]!, asked);
      return [name, { value: `${found[i]}`, ...rank!, label }];
    }),
  );
  const together = jointTest(calibration.values, Object.fromEntries(names.map((name, i) => [name, found[i]!])), asked);
  const joint: Figures["joint"] =
    together.verdict === "REFUSED"
      ? { verdict: "REFUSED", enough: together.enough }
      : { verdict: "TESTED", ...together.rank, label: together.label, culprits: [...together.culprits] };
  return { labels, joint };
}

function readCalibration({ calibration }: Predicate, content: Content): Calibration {
  const json = readCanonical(content(calibration.sha256), LIMITS);
  if (!json.ok) throw refused("a calibration in canonical JSON", json.because);
  const parsed = parseCalibration(json.value);
  const stated = `sha256:${calibration.commitment}`;
  if (parsed.commitment !== stated) throw refused(`a calibration with the commitment ${stated}`, parsed.commitment);
  return parsed;
}
