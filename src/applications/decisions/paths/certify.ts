/** @file Certificates of a path: the flow's residuals, how far it is from one path, and the proven gap. */

import type { Calibration } from "../../../certificates/calibration.js";
import { calibrateDecisions, certifyDecision, type DecisionCertificate } from "../certificates.js";
import type { PathDecision } from "./decide.js";

/** What is certified of a decision, each ≥ 0 and small for a good one. */
export const PATH_PROPERTIES = ["conservation", "nonnegativity", "integrality", "gap"] as const;
export type PathProperty = (typeof PATH_PROPERTIES)[number];

export type PathCertificate = DecisionCertificate<PathProperty>;

/**
 * Values of decisions for held-out contexts, which need no labels: eq. (13) with the model's usual inferences as reference.
 *
 * @throws certificate if a context comes twice or was trained on
 */
export async function calibratePaths(
  decisions: readonly PathDecision[],
  trainedOn: readonly string[] = [],
): Promise<Calibration> {
  return calibrateDecisions(PATH_PROPERTIES, decisions, trainedOn);
}

/** Label a decision; a gap that is not 0, or not proven, fails whatever was usual. @throws certificate if there are too few calibration values */
export function certifyPath({ values, proof }: PathDecision, calibration: Calibration): PathCertificate[] {
  return certifyDecision(
    PATH_PROPERTIES,
    values,
    calibration,
    reason,
    proof.verdict === "VERIFIED" ? undefined : "gap",
  );
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
