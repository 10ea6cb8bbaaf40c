/** @file Certificates of decisions: values of named properties, calibrated on held-out contexts, labelled at one false-alarm rate. */

import { type Calibration, calibrate, digest } from "../../certificates/calibration.js";
import { conformalLabel, type Label } from "../../certificates/labels.js";

export interface DecisionCertificate<Property extends string> {
  readonly property: Property;
  readonly value: number;
  readonly label: Label;
  readonly because: string;
}

/** Values by property, each ≥ 0 and small for a good decision. */
export type PropertyValues<Property extends string> = Readonly<Record<Property, number>>;

/** What a decision was made for, and how it was judged. */
export interface Judged<Property extends string> {
  readonly context: Float32Array;
  readonly values: PropertyValues<Property>;
}

/** False-alarm rate of a fail of any property: an equal share of it each. */
const ALARM = 0.05;

/**
 * Values of decisions for held-out contexts, which need no labels: eq. (13) with the model's usual inferences as reference.
 *
 * @throws certificate if a context comes twice or was trained on
 */
export async function calibrateDecisions<Property extends string>(
  properties: readonly Property[],
  decisions: readonly Judged<Property>[],
  trainedOn: readonly string[],
): Promise<Calibration> {
  return calibrate({
    values: Object.fromEntries(properties.map((name) => [name, decisions.map(({ values }) => values[name])])),
    reference: "inferences",
    samples: await Promise.all(decisions.map(({ context }) => digest(context))),
    trainedOn,
  });
}

/**
 * Label a decision's values.
 *
 * @param refuted  a property that fails whatever was usual
 * @throws certificate if there are too few calibration values
 */
export function certifyDecision<Property extends string>(
  properties: readonly Property[],
  values: PropertyValues<Property>,
  calibration: Calibration,
  reason: (property: Property, value: number) => string,
  refuted?: Property,
): DecisionCertificate<Property>[] {
  const level = { fail: ALARM / properties.length, warning: (2 * ALARM) / properties.length };
  return properties.map((property) => {
    const value = values[property];
    const { label } = conformalLabel(calibration.values[property]!, value, level);
    return { property, value, label: property === refuted ? "fail" : label, because: reason(property, value) };
  });
}
