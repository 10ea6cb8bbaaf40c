/** @file Certificates of a set of items: what the layer's shares exceed, how far they are from one set, and the proven gap. */

import type { Calibration } from "../../../certificates/calibration.js";
import { calibrateDecisions, certifyDecision, type DecisionCertificate } from "../certificates.js";
import type { KnapsackDecision } from "./decide.js";

/** What is certified of a decision, each ≥ 0 and small for a good one. */
export const KNAPSACK_PROPERTIES = ["capacity", "integrality", "gap"] as const;
export type KnapsackProperty = (typeof KNAPSACK_PROPERTIES)[number];

export type KnapsackCertificate = DecisionCertificate<KnapsackProperty>;

/** Values of decisions for held-out contexts, which need no labels. @throws certificate if a context comes twice or was trained on */
export async function calibrateKnapsack(
  decisions: readonly KnapsackDecision[],
  trainedOn: readonly string[] = [],
): Promise<Calibration> {
  return calibrateDecisions(KNAPSACK_PROPERTIES, decisions, trainedOn);
}

/** Label a decision; a set that does not fit fails whatever was usual. @throws certificate if there are too few calibration values */
export function certifyKnapsack({ values, proof }: KnapsackDecision, calibration: Calibration): KnapsackCertificate[] {
  return certifyDecision(
    KNAPSACK_PROPERTIES,
    values,
    calibration,
    reason,
    proof.verdict === "VERIFIED" ? undefined : "gap",
  );
}

function reason(property: KnapsackProperty, value: number): string {
  const digits = value.toExponential(1);
  const sentences: Readonly<Record<KnapsackProperty, string>> = {
    capacity: `the layer's shares exceed a capacity by ${digits} of it`,
    integrality: `the shares are ${digits} away from the set, in ℓ2; near 0 one set is clearly the best`,
    gap:
      value === 0
        ? "no set that fits is worth more, for the predicted values, in exact arithmetic"
        : `sets worth up to ${digits} of its value more are not excluded`,
  };
  return sentences[property];
}
