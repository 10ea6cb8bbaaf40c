/** @file The table of proximable functions: how each is built, and its value, by hand. */

import type { Proximable } from "../../src/functions/function.js";
import { groupL21 } from "../../src/functions/group-l21.js";
import { huber } from "../../src/functions/huber.js";
import { indicator } from "../../src/functions/indicator.js";
import { quadratic } from "../../src/functions/quadratic.js";
import { shifted } from "../../src/functions/shifted.js";
import { l1, weightedL1 } from "../../src/functions/weighted-l1.js";
import { zero } from "../../src/functions/zero.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { elements, type Shape } from "../../src/tensor/tensor.js";
import { norm, scalar, uniform } from "../arrays.js";
import { SAMPLES, setCases } from "./sets.js";

type Vector = Float64Array;

export interface FunctionCase {
  readonly factory: string;
  readonly title: string;
  /** Shape of v. */
  readonly shape: Shape;
  readonly build: () => Proximable;
  /** Parameters for SAMPLES samples, generic: no kink of the prox is met. */
  readonly feeds: Feeds;
  /** f of sample n at a point of its domain. */
  readonly value: (u: Vector, n: number) => number;
  /** A point of the domain, from any vector. */
  readonly member: (u: Vector, n: number) => Vector;
  /** argmin f(u) + ‖u − v‖²/(2λ), found without the formula of the prox. */
  readonly nearest: (v: Vector, lambda: number, n: number) => Vector;
  /** A point of the domain towards which small moves stay inside. */
  readonly centre: (n: number) => Vector;
  /** The same for the domain of f*. */
  readonly dualCentre: Vector;
  /** f* is not known, because … */
  readonly noConjugate?: string;
  /** The domain has no interior, so that rounding takes its points off it, where f is ∞. */
  readonly thin?: boolean;
}

/** Cyclic golden-section search, one coordinate at a time: slow, and knows nothing of f. */
function minimise(objective: (u: Vector) => number, start: Vector): Vector {
  const u = Float64Array.from(start);
  const ratio = (Math.sqrt(5) - 1) / 2;
  const reach = 2 * Math.max(...start.map(Math.abs));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let i = 0; i < u.length; i++) {
      const at = (x: number) => {
        u[i] = x;
        return objective(u);
      };
      let [low, high] = [-reach, reach];
      for (let k = 0; k < 60; k++) {
        const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
        if (at(left) < at(right)) high = right;
        else low = left;
      }
      u[i] = (low + high) / 2;
    }
  }
  return u;
}

function norms(
  title: string,
  factory: string,
  shape: Shape,
  build: () => Proximable,
  feeds: Feeds,
  value: (u: Vector, n: number) => number,
): FunctionCase {
  const origin = new Float64Array(elements(shape));
  return {
    factory,
    title,
    shape,
    build,
    feeds,
    value,
    member: (u) => u,
    nearest: (v, lambda, n) =>
      minimise((u) => value(u, n) + u.reduce((sum, a, i) => sum + (a - v[i]!) ** 2, 0) / (2 * lambda), v),
    centre: () => origin,
    dualCentre: origin,
  };
}

const weighted = (u: Vector, tau: (i: number) => number) => u.reduce((sum, a, i) => sum + tau(i) * Math.abs(a), 0);
/** Σ over pixels of the length of the vector along a middle axis of length `size`. */
const grouped = (u: Vector, size: number) => {
  const pixels = u.length / size;
  return Array.from({ length: pixels }, (_, p) =>
    norm(Float64Array.from({ length: size }, (_, k) => u[k * pixels + p]!)),
  ).reduce((a, b) => a + b, 0);
};

const knees = uniform([3, 1, 1], 203, 0.2, 1.2);
const huberOf = (t: number, b: number) => (Math.abs(t) <= b ? t ** 2 / (2 * b) : Math.abs(t) - b / 2);
const perChannel = uniform([3, 1, 1], 201, 0.2, 1.2);
const perElement = uniform([SAMPLES, 5], 202, 0.2, 1.2);

export const functionCases: readonly FunctionCase[] = [
  norms(
    "of one weight",
    "l1",
    ["N", 5],
    () => l1(0.75),
    {},
    (u) => weighted(u, () => 0.75),
  ),
  norms(
    "of a learned weight",
    "l1",
    ["N", 5],
    () => l1(input("tau", [])),
    { tau: scalar(0.6) },
    (u) => weighted(u, () => 0.6),
  ),
  norms(
    "a weight a channel",
    "weightedL1",
    ["N", 3, 1, 2],
    () => weightedL1(input("tau", [3, 1, 1])),
    { tau: perChannel },
    (u) => weighted(u, (i) => perChannel.data[i >> 1]!),
  ),
  norms(
    "a weight an element of a sample",
    "weightedL1",
    ["N", 5],
    () => weightedL1(input("tau", ["N", 5])),
    { tau: perElement },
    (u, n) => weighted(u, (i) => perElement.data[n * 5 + i]!),
  ),
  {
    ...norms(
      "of data",
      "shifted",
      ["N", 5],
      () => shifted(l1(0.75), input("c", ["N", 5])),
      { c: perElement },
      (u, n) =>
        weighted(
          u.map((a, i) => a - perElement.data[n * 5 + i]!),
          () => 0.75,
        ),
    ),
    centre: (n) => perElement.data.slice(n * 5, n * 5 + 5),
  },
  norms(
    "of pairs",
    "groupL21",
    ["N", 2, 1, 3],
    () => groupL21(1, 0.75),
    {},
    (u) => 0.75 * grouped(u, 2),
  ),
  norms(
    "of triples with a learned weight",
    "groupL21",
    ["N", 3, 2],
    () => groupL21(1, input("tau", [])),
    { tau: scalar(1.1) },
    (u) => 1.1 * grouped(u, 3),
  ),
  norms(
    "of one knee",
    "huber",
    ["N", 5],
    () => huber(0.5, 0.75),
    {},
    (u) => 0.75 * u.reduce((sum, a) => sum + huberOf(a, 0.5), 0),
  ),
  norms(
    "a weight and a learned knee a channel",
    "huber",
    ["N", 3, 1, 2],
    () => huber(input("b", [3, 1, 1]), input("tau", [3, 1, 1])),
    { tau: perChannel, b: knees },
    (u) => u.reduce((sum, a, i) => sum + perChannel.data[i >> 1]! * huberOf(a, knees.data[i >> 1]!), 0),
  ),
  norms(
    "of a weight",
    "quadratic",
    ["N", 5],
    () => quadratic(input("c", ["N", 5]), 1.5),
    { c: perElement },
    (u, n) => 0.75 * u.reduce((sum, a, i) => sum + (a - perElement.data[n * 5 + i]!) ** 2, 0),
  ),
  norms(
    "of a learned weight",
    "quadratic",
    ["N", 5],
    () => quadratic(input("c", ["N", 5]), input("w", [])),
    { c: perElement, w: scalar(0.5) },
    (u, n) => 0.25 * u.reduce((sum, a, i) => sum + (a - perElement.data[n * 5 + i]!) ** 2, 0),
  ),
  norms("", "zero", ["N", 5], zero, {}, () => 0),
  ...setCases.map(
    (set): FunctionCase => ({
      factory: "indicator",
      title: `of ${set.factory} ${set.title}`,
      shape: set.shape,
      build: () => indicator(set.build()),
      feeds: set.feeds,
      value: () => 0,
      member: set.member,
      nearest: (v, _, n) => set.nearest(v, n),
      centre: set.centre,
      dualCentre: set.bounded,
      ...(set.noSupport === undefined ? {} : { noConjugate: set.noSupport }),
      ...(set.thin === undefined ? {} : { thin: set.thin }),
    }),
  ),
];
