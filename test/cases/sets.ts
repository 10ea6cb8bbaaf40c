/** @file The table of convex sets: how each is built, and its points, by hand. */

import { affine } from "../../src/sets/affine.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { gridFlow } from "../../src/sets/grid-flow.js";
import { halfSpace } from "../../src/sets/half-space.js";
import { hyperplane } from "../../src/sets/hyperplane.js";
import { l1Ball } from "../../src/sets/l1-ball.js";
import { nonNegative } from "../../src/sets/non-negative.js";
import { point } from "../../src/sets/point.js";
import { product } from "../../src/sets/product.js";
import type { ConvexSet } from "../../src/sets/set.js";
import { simplex } from "../../src/sets/simplex.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Shape } from "../../src/tensor/tensor.js";
import { combine, dot, minus, norm, normal, rows, scalar } from "../arrays.js";
import { inL1Ball, meetingAll, onSimplex, total } from "../projections.js";

export interface SetCase {
  readonly factory: string;
  readonly title: string;
  /** Shape of v. */
  readonly shape: Shape;
  readonly build: () => ConvexSet;
  /** Data of SAMPLES sets. */
  readonly feeds: Feeds;
  /** A point of the set of sample n, all of them as u runs over ℝᵐ. */
  readonly member: (u: Float64Array, n: number) => Float64Array;
  /** Nearest point of the set of sample n, by hand. */
  readonly nearest: (v: Float64Array, n: number) => Float64Array;
  /** A point of the set from which it is star-shaped: moves a little towards it stay inside. */
  readonly centre: (n: number) => Float64Array;
  /** A direction towards which the support is and stays finite. */
  readonly bounded: Float64Array;
  /** It has no support function, because … */
  readonly noSupport?: string;
  /** It has no interior, so that rounding takes its points off it. */
  readonly thin?: boolean;
}

/** Batch of every row. */
export const SAMPLES = 3;
const M = 6;

const fill = (value: number) => new Float64Array(M).fill(value);
const c = normal([SAMPLES, M], 101, 0.7);
const image = { shape: [SAMPLES, 1, 2, 3], data: c.data };
const radii = { shape: [SAMPLES], data: Float64Array.of(0.5, 1.25, 2) };
const centreOf = (n: number) => rows(c)[n]!;

function boxCase(low: number, high: number): SetCase {
  const clamp = (u: Float64Array) => u.map((a) => Math.min(high, Math.max(low, a)));
  return {
    factory: "box",
    title: `[${low}, ${high}]`,
    shape: ["N", M],
    build: () => box(low, high),
    feeds: {},
    member: clamp,
    nearest: clamp,
    centre: () => fill(Number.isFinite(high) ? (low + high) / 2 : low + 1),
    bounded: fill(Number.isFinite(high) ? 0 : -1),
  };
}

function ballCase(title: string, shape: Shape, build: () => ConvexSet, feeds: Feeds, radius: (n: number) => number) {
  const nearest = (v: Float64Array, n: number) => {
    const offset = minus(v, centreOf(n));
    return norm(offset) <= radius(n) ? v : combine(1, centreOf(n), radius(n) / norm(offset), offset);
  };
  return { factory: "ball", title, shape, build, feeds, member: nearest, nearest, centre: centreOf, bounded: fill(0) };
}

const centre = input("c", ["N", M]);

const normals = normal([SAMPLES, M], 102);
const levels = { shape: [SAMPLES], data: Float64Array.of(0.5, -1, 0.25) };
const oneNormals = Float64Array.from({ length: M }, (_, i) => i - 2.25);
const oneNormal = constant([...oneNormals]);
const thinDual = "its support is finite on one line or subspace alone, which no rounded y meets";

function simplexCase(title: string, build: () => ConvexSet, feeds: Feeds, sum: (n: number) => number): SetCase {
  const nearest = (v: Float64Array, n: number) => onSimplex(v, sum(n));
  const centreOf = (n: number) => fill(sum(n) / M);
  const shared = { factory: "simplex", shape: ["N", M], bounded: fill(0), thin: true } as const;
  return { ...shared, title, build, feeds, member: nearest, nearest, centre: centreOf };
}

function l1Case(title: string, shape: Shape, build: () => ConvexSet, feeds: Feeds, r: (n: number) => number): SetCase {
  const nearest = (v: Float64Array, n: number) => inL1Ball(v, r(n));
  const shared = { factory: "l1Ball", centre: () => fill(0), bounded: fill(0) };
  return { ...shared, title, shape, build, feeds, member: nearest, nearest };
}

/** One equation, or with `below` one inequality. */
function planeCase(
  title: string,
  build: () => ConvexSet,
  feeds: Feeds,
  { a, b, below }: { a: (n: number) => Float64Array; b: (n: number) => number; below?: boolean },
): SetCase {
  const nearest = (v: Float64Array, n: number) => {
    const off = dot(a(n), v) - b(n);
    return below && off <= 0 ? v : combine(1, v, -off / dot(a(n), a(n)), a(n));
  };
  const inside = (n: number) => combine((b(n) - (below ? 1 : 0)) / dot(a(n), a(n)), a(n), 0, a(n));
  const factory = below ? "halfSpace" : "hyperplane";
  const shared = { factory, shape: ["N", M], bounded: fill(0), thin: !below, noSupport: thinDual } as const;
  return { ...shared, title, build, feeds, member: nearest, nearest, centre: inside };
}

/** Equations of which the last is the sum of the others, where they are `dependent`. */
function affineCase(title: string, equations: number, dependent: boolean): SetCase {
  const A = normal([equations, M], 103 + equations).data.map(Math.fround);
  if (dependent) {
    for (let i = 0; i < M; i++) {
      A[(equations - 1) * M + i] = 0;
      for (let r = 0; r + 1 < equations; r++) {
        // Halves, so that the sums are float32 numbers too.
        A[r * M + i] = Math.round(8 * A[r * M + i]!) / 8;
        A[(equations - 1) * M + i]! += A[r * M + i]!;
      }
    }
  }
  const solutions = normal([SAMPLES, M], 104, 0.7);
  const right = rows(solutions).map((x) =>
    Float64Array.from({ length: equations }, (_, r) => dot(A.subarray(r * M, (r + 1) * M), x)),
  );
  const b = { shape: [SAMPLES, equations], data: Float64Array.from(right.flatMap((values) => [...values])) };
  const nearest = (v: Float64Array, n: number) => meetingAll(A, right[n]!, v);
  const dense = { shape: [equations, M], data: A };
  return {
    factory: "affine",
    title,
    shape: ["N", 2, 3],
    build: () => affine(dense, input("b", ["N", equations])),
    feeds: { b },
    member: nearest,
    nearest,
    centre: (n) => rows(solutions)[n]!,
    bounded: fill(0),
    noSupport: thinDual,
    thin: true,
  };
}

/** Flows from corner to corner of the k×k grid, with its incidence written out edge by edge. */
function gridFlowCase(k: number): SetCase {
  const edges = 2 * k * (k - 1);
  const E = new Float64Array(k * k * edges);
  for (let line = 0; line < k; line++) {
    for (let step = 0; step < k - 1; step++) {
      const right = line * (k - 1) + step;
      E[(k * line + step) * edges + right] = -1;
      E[(k * line + step + 1) * edges + right] = 1;
      const down = k * (k - 1) + right;
      E[(k * step + line) * edges + down] = -1;
      E[(k * (step + 1) + line) * edges + down] = 1;
    }
  }
  const supply = Float64Array.from({ length: k * k }, (_, node) => (node === 0 ? -1 : node === k * k - 1 ? 1 : 0));
  const nearest = (v: Float64Array) => meetingAll(E, supply, v);
  return {
    factory: "gridFlow",
    title: `${k}×${k}`,
    shape: ["N", edges],
    build: () => gridFlow(k, supply),
    feeds: {},
    member: nearest,
    nearest,
    centre: () => nearest(new Float64Array(edges)),
    bounded: new Float64Array(edges),
    noSupport: thinDual,
    thin: true,
  };
}

/** Sets by hand, one after the other. */
function blocks(parts: readonly [length: number, nearest: (v: Float64Array, n: number) => Float64Array][]) {
  return (v: Float64Array, n: number) => {
    let start = 0;
    return Float64Array.from(
      parts.flatMap(([length, nearest]) => {
        start += length;
        return [...nearest(v.slice(start - length, start), n)];
      }),
    );
  };
}
const clamped = (v: Float64Array) => v.map((a) => Math.min(1, Math.max(0, a)));
const positive = (v: Float64Array) => v.map((a) => Math.max(0, a));
const boxAndBall = blocks([
  [2, clamped],
  [4, (v) => inL1Ball(v, 1.5)],
]);
const coneAndPlane = blocks([
  [3, positive],
  [3, (v, n) => combine(1, v, (levels.data[n]! - total(v)) / 3, fill(1).slice(0, 3))],
]);

export const setCases: readonly SetCase[] = [
  boxCase(0, 1),
  boxCase(-0.5, 0.25),
  boxCase(0, Number.POSITIVE_INFINITY),
  ballCase(
    "one radius",
    ["N", M],
    () => ball(centre, 0.75),
    { c },
    () => 0.75,
  ),
  ballCase(
    "a radius a sample",
    ["N", M],
    () => ball(centre, input("radius", ["N"])),
    { c, radius: radii },
    (n) => radii.data[n]!,
  ),
  ballCase(
    "a learned radius, on images",
    ["N", 1, 2, 3],
    () => ball(input("c", ["N", 1, 2, 3]), input("radius", [])),
    { c: image, radius: scalar(1.5) },
    () => 1.5,
  ),
  {
    factory: "point",
    title: "a point a sample",
    shape: ["N", M],
    build: () => point(centre),
    feeds: { c },
    member: (_, n) => centreOf(n),
    nearest: (_, n) => centreOf(n),
    centre: centreOf,
    bounded: fill(0),
  },
  {
    factory: "nonNegative",
    title: "orthant",
    shape: ["N", 1, 2, 3],
    build: nonNegative,
    feeds: {},
    member: positive,
    nearest: positive,
    centre: () => fill(1),
    bounded: fill(-1),
  },
  simplexCase("of sum 1", simplex, {}, () => 1),
  simplexCase(
    "a sum a sample",
    () => simplex(input("sum", ["N"])),
    { sum: radii },
    (n) => radii.data[n]!,
  ),
  {
    ...simplexCase(
      "widened",
      () => simplex(0.5).widen!(0.25),
      {},
      () => 0.5,
    ),
    nearest: (v) => {
      const p = onSimplex(v, 0.5);
      const apart = minus(v, p);
      return combine(1, p, Math.min(1, 0.25 / norm(apart)), apart);
    },
    thin: false,
  },
  l1Case(
    "of one radius",
    ["N", M],
    () => l1Ball(1.5),
    {},
    () => 1.5,
  ),
  l1Case(
    "a radius a sample, on images",
    ["N", 1, 2, 3],
    () => l1Ball(input("radius", ["N"])),
    { radius: radii },
    (n) => radii.data[n]!,
  ),
  planeCase(
    "a normal and a level a sample",
    () => hyperplane(input("a", ["N", M]), input("b", ["N"])),
    { a: normals, b: levels },
    { a: (n) => rows(normals)[n]!, b: (n) => levels.data[n]! },
  ),
  planeCase("of one normal", () => hyperplane(oneNormal, 0.75), {}, { a: () => oneNormals, b: () => 0.75 }),
  planeCase(
    "a normal and a level a sample",
    () => halfSpace(input("a", ["N", M]), input("b", ["N"])),
    { a: normals, b: levels },
    { a: (n) => rows(normals)[n]!, b: (n) => levels.data[n]!, below: true },
  ),
  planeCase("of one normal", () => halfSpace(oneNormal, -0.5), {}, { a: () => oneNormals, b: () => -0.5, below: true }),
  affineCase("3 equations", 3, false),
  affineCase("3 equations and their sum", 4, true),
  affineCase("more equations than unknowns", 8, true),
  gridFlowCase(2),
  gridFlowCase(3),
  {
    factory: "product",
    title: "of a box and an ℓ1 ball",
    shape: ["N", M],
    build: () =>
      product([
        { length: 2, set: box(0, 1) },
        { length: 4, set: l1Ball(1.5) },
      ]),
    feeds: {},
    member: boxAndBall,
    nearest: boxAndBall,
    centre: () => Float64Array.of(0.5, 0.5, 0, 0, 0, 0),
    bounded: fill(0),
  },
  {
    factory: "product",
    title: "of an orthant and a hyperplane, along columns",
    shape: ["N", 1, M],
    build: () =>
      product(
        [
          { length: 3, set: nonNegative() },
          { length: 3, set: hyperplane(constant([1, 1, 1], [1, 3]), input("b", ["N"])) },
        ],
        2,
      ),
    feeds: { b: levels },
    member: coneAndPlane,
    nearest: coneAndPlane,
    centre: (n) => Float64Array.of(1, 1, 1, ...fill(levels.data[n]! / 3).slice(0, 3)),
    bounded: fill(0),
    noSupport: thinDual,
    thin: true,
  },
];
