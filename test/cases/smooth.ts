/** @file The table of smooth functions: how each is built, and its value, by hand. */

import type { Smooth } from "../../src/functions/function.js";
import { linear } from "../../src/functions/linear.js";
import { quadratic } from "../../src/functions/quadratic.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import type { Shape } from "../../src/tensor/tensor.js";
import { dot, minus, normal, rows, scalar } from "../arrays.js";
import { SAMPLES } from "./sets.js";

type Vector = Float64Array;

export interface SmoothCase {
  readonly factory: string;
  readonly title: string;
  /** Shape of v. */
  readonly shape: Shape;
  readonly build: () => Smooth;
  /** Parameters for SAMPLES samples. */
  readonly feeds: Feeds;
  /** f of sample n. */
  readonly value: (u: Vector, n: number) => number;
}

const c = normal([SAMPLES, 5], 211);
const images = { shape: [SAMPLES, 1, 5, 1], data: c.data };
const same = Float64Array.of(0.5, -1, 2, 0, 0.25);

export const smoothCases: readonly SmoothCase[] = [
  {
    factory: "linear",
    title: "costs a sample",
    shape: ["N", 5],
    build: () => linear(input("c", ["N", 5])),
    feeds: { c },
    value: (u, n) => dot(rows(c)[n]!, u),
  },
  {
    factory: "linear",
    title: "the same costs for all, and a quadratic",
    shape: ["N", 5],
    build: () => linear(constant([...same]), 0.5),
    feeds: {},
    value: (u) => dot(same, u) + 0.25 * dot(u, u),
  },
  {
    factory: "linear",
    title: "on images, and a learned quadratic",
    shape: ["N", 1, 5, 1],
    build: () => linear(input("c", ["N", 1, 5, 1]), input("gamma", [])),
    feeds: { c: images, gamma: scalar(1.5) },
    value: (u, n) => dot(rows(c)[n]!, u) + 0.75 * dot(u, u),
  },
  {
    factory: "quadratic",
    title: "of a learned weight",
    shape: ["N", 5],
    build: () => quadratic(input("c", ["N", 5]), input("w", [])),
    feeds: { c, w: scalar(0.75) },
    value: (u, n) => 0.375 * dot(minus(u, rows(c)[n]!), minus(u, rows(c)[n]!)),
  },
];
