/** @file Certificates of a path: the flow's residuals, how far it is from one path, and the proven gap. */

import { type Calibration, calibrate, digest } from "../../../certificates/calibration.js";
import { conformalLabel, type Label } from "../../../certificates/labels.js";
import type { PathDecision } from "./decide.js";

/** What is certified of a decision, each ≥ 0 and small for a good one. */
export const PATH_PROPERTIES = ["conservation", "nonnegativity", "integrality", "gap"] as const;
export type PathProperty = (typeof PATH_PROPERTIES)[number];

export interface PathCertificate {
  readonly property: PathProperty;
  readonly value: number;
  readonly label: Label;
  readonly because: string;
}

/** False-alarm rate of a fail of any property: a quarter of it each. */
const ALARM = 0.05;

/**
 * Values of decisions for held-out contexts, which need no labels: eq. (13) with the model's usual inferences as reference.
 *
 * @throws certificate if a context comes twice or was trained on
 */
export async function calibratePaths(
  decisions: readonly PathDecision[],
  trainedOn: readonly string[] = [],
): Promise<Calibration> {
  return calibrate({
    values: Object.fromEntries(PATH_PROPERTIES.map((name) => [name, decisions.map(({ values }) => values[name])])),
    reference: "inferences",
    samples: await Promise.all(decisions.map(({ context }) => digest(context))),
    trainedOn,
  });
}

/** Label a decision; a gap that is not 0, or not proven, fails whatever was usual. @throws certificate if there are too few calibration values */
export function certifyPath({ values, proof }: PathDecision, calibration: Calibration): PathCertificate[] {
  const level = { fail: ALARM / PATH_PROPERTIES.length, warning: (2 * ALARM) / PATH_PROPERTIES.length };
  return PATH_PROPERTIES.map((property) => {
    const value = values[property];
    const { label } = conformalLabel(calibration.values[property]!, value, level);
    const refuted = property === "gap" && proof.verdict !== "VERIFIED";
    return { property, value, label: refuted ? "fail" : label, because: reason(property, value) };
  });
}

function reason(property: PathProperty, value: number): string {
  const digits = value.toExponential(1);
  const sentences: Readonly<Record<PathProperty, string>> = {
    conservation: `some node keeps ${digits} of the unit that flows`,
    nonnegativity: `the least flow of an edge is ${value === 0 ? "0" : `−${digits}`}`,
    integrality: `the flow is ${digits} away from the path, in ℓ2; near 0 one path is clearly the cheapest`,
    gap:
      value === 0
        ? "no path costs less, for the predicted costs, in exact arithmetic"
        : `paths up to ${digits} of its cost cheaper are not excluded`,
  };
  return sentences[property];
}
