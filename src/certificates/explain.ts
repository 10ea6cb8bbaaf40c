/** @file From a label back to the part of the model: value → its place among trusted ones → term → usual cause → what to try. */

import type { Certificate } from "./certify.js";

/** What usually makes a property large, and what to try. */
export interface Advice {
  readonly cause: string;
  readonly remedy: string;
}

/** Advice by the kind of a property, without the name of its set: "distance to ball", "nonzeros". */
export type AdviceTable = Readonly<Record<string, Advice>>;

export interface Link {
  readonly link: "value" | "distribution" | "term" | "cause" | "remedy";
  readonly text: string;
}

export const usualAdvice: AdviceTable = {
  "distance to ball": {
    cause:
      "the measurements contradict each other or the operator: a drifting source, a wrong geometry, more noise than was stated",
    remedy: "compare Sx with d channel by channel; check the geometry and the noise level δ was made from",
  },
  "distance to point": {
    cause: "no x meets the equations exactly: noise, or an operator that is not the one that measured",
    remedy: "allow for noise with a ball, or check the operator",
  },
  "distance to box": {
    cause: "values outside their physical range: a solve that stopped early, or data in other units",
    remedy: "check the scale of the data; lower the tolerance of the solve",
  },
  "relative error": {
    cause:
      "the answer does not reproduce the measurements: wrong operator, corrupted data, or a regularizer that outweighs them",
    remedy: "compare Ax with d channel by channel; check units and scale",
  },
  value: {
    cause:
      "the answer is rougher or busier than trusted ones: more noise, artefacts, or an object of another kind than those calibrated on",
    remedy:
      "look at the answer where the regularizer is large; if the object is of a new kind, calibrate on such objects",
  },
  nonzeros: {
    cause: "the answer needs more atoms than trusted ones: noise, or a signal the dictionary was not learned for",
    remedy: "check the noise; train the transformation on such signals",
  },
  "total variation": {
    cause: "the answer has more edges than trusted ones: noise, artefacts, or another kind of object",
    remedy: "look for streaks; check the noise level",
  },
  "proximal residual": {
    cause: "the answer is not what the regularizer prefers: it was made elsewhere, or the data pull it away",
    remedy: "check fidelity first; then whether the object is of the kind the regularizer was learned from",
  },
  "short of one-hot": {
    cause: "the input lies between classes, or is of none",
    remedy: "look at the classes that share the probability; ask for more data",
  },
  "iterate residual": { cause: "the iteration had not come to rest", remedy: "raise maxSteps" },
  "KKT residual": {
    cause:
      "the iteration had not come to rest: too few steps, step sizes that break their condition, or a problem without a solution",
    remedy: "raise maxSteps; if it still fails, look for constraints that exclude each other, fidelity first",
  },
  "proven gap": {
    cause: "too few steps for so small a gap, or an answer that is not feasible",
    remedy: "ask solve for the gap, or raise maxSteps; see docs/proofs.md",
  },
  "held-out rays": {
    cause:
      "views disagree with each other: a wrong angle or detector offset, motion, metal, or more noise than calibrated for",
    remedy: "check the angles and the detector offset; look at the residual view by view",
  },
};

const UNKNOWN: Advice = {
  cause: "the inference is unlike the trusted ones in this property",
  remedy: "check the data and operator of the term, and that the calibration covers such inputs",
};

/**
 * The chain of reasons behind one label, in words and in the order of the paper's blocks.
 *
 * Advice is what usually is at fault, not a diagnosis: it is attached where the label is not a pass.
 *
 * @param advice  for properties of one's own
 * @source Heaton & Wu Fung 2023, Figures 1 and 2; eq. (10)
 */
export function explain(certificate: Certificate, advice: AdviceTable = usualAdvice): Link[] {
  const { property, kind, value, rank, label, term, because } = certificate;
  const place = rank
    ? `${rank.k - 1} of ${rank.of - 1} calibration samples have as large a value or a larger one: p = ${rank.k}/${rank.of}, hence ${label}`
    : `${label}: ${because}`;
  const links: Link[] = [
    { link: "value", text: `${kind} is ${Number.isNaN(value) ? "not a number" : Number(value.toPrecision(4))}` },
    { link: "distribution", text: place },
    {
      link: "term",
      text: term === property ? `it is the property of the term "${term}"` : `"${property}" speaks for "${term}"`,
    },
  ];
  if (label === "pass") return links;
  const { cause, remedy } = adviceFor(kind, advice);
  return [...links, { link: "cause", text: `usually: ${cause}` }, { link: "remedy", text: `try: ${remedy}` }];
}

/** The entry with the longest name that the kind begins with. */
function adviceFor(kind: string, advice: AdviceTable): Advice {
  const found = Object.keys(advice)
    .filter((name) => kind.startsWith(name))
    .sort((a, b) => b.length - a.length)[0];
  return found === undefined ? UNKNOWN : advice[found]!;
}
