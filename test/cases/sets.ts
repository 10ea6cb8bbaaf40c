/** @file The table of convex sets: how each is built, and its points, by hand. */

import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { point } from "../../src/sets/point.js";
import type { ConvexSet } from "../../src/sets/set.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Shape } from "../../src/tensor/tensor.js";
import { combine, minus, norm, normal, rows, scalar } from "../arrays.js";

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
];
