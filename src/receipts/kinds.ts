/** @file The blocks that receipts know, by kind: made anew from their parameters. Adding one is a row, and `stated` in its file. */

import { distanceTo } from "../certificates/properties/distance-to.js";
import type { Property, Proximable } from "../functions/function.js";
import { groupL21 } from "../functions/group-l21.js";
import { indicator } from "../functions/indicator.js";
import { quadratic } from "../functions/quadratic.js";
import { weightedL1 } from "../functions/weighted-l1.js";
import { zero } from "../functions/zero.js";
import { conv2d } from "../linear/conv2d.js";
import { validateCsr } from "../linear/csr.js";
import { differences } from "../linear/differences.js";
import { identity } from "../linear/identity.js";
import type { LinearOperator } from "../linear/linear.js";
import { matrix } from "../linear/matrix.js";
import { sparse } from "../linear/sparse.js";
import { ball } from "../sets/ball.js";
import { box } from "../sets/box.js";
import { point } from "../sets/point.js";
import type { ConvexSet } from "../sets/set.js";
import type { Shape, Tensor } from "../tensor/tensor.js";

/** Parameters of one block, each read by name. */
export interface Parts {
  /** Shape of x, sample axis first. */
  readonly x: Shape;
  number(name: string): number;
  /** @throws format if an element is below `least` or NaN: where convexity asks for it */
  tensor(name: string, least?: number): Tensor;
  int32(name: string): Int32Array;
  float32(name: string): Float32Array;
}

const sets: Readonly<Record<string, (parts: Parts) => ConvexSet>> = {
  ball: ({ tensor }) => ball(tensor("centre"), tensor("radius", 0)),
  box: ({ number }) => box(number("low"), number("high")),
  point: ({ tensor }) => point(tensor("centre")),
};

export const functionKinds: Readonly<Record<string, (parts: Parts) => Proximable>> = {
  ...Object.fromEntries(Object.entries(sets).map(([kind, make]) => [kind, (parts: Parts) => indicator(make(parts))])),
  groupL21: ({ number, tensor }) => groupL21(number("axis"), tensor("tau", 0)),
  quadratic: ({ tensor }) => quadratic(tensor("centre"), tensor("weight", Number.MIN_VALUE)),
  weightedL1: ({ tensor }) => weightedL1(tensor("tau", 0)),
  zero: () => zero(),
};

export const operatorKinds: Readonly<Record<string, (parts: Parts) => LinearOperator>> = {
  conv2d: ({ number, tensor }) => conv2d(tensor("K"), { height: number("height"), width: number("width") }),
  differences: ({ number }) => differences({ height: number("height"), width: number("width") }),
  identity: ({ x }) => identity(x),
  matrix: ({ tensor }) => matrix(tensor("A")),
  sparse: ({ x, number, int32, float32 }) => {
    const entries = { indptr: int32("indptr"), indices: int32("indices"), values: float32("values") };
    const rows = { rows: number("rows"), columns: number("columns"), ...entries };
    validateCsr("receipt: sparse", rows);
    return sparse("sparse", rows, { domain: x });
  },
};

export const propertyKinds: Readonly<Record<string, (parts: Parts) => Property>> = Object.fromEntries(
  Object.entries(sets).map(([kind, make]) => [
    kind,
    (parts: Parts) => distanceTo(make(parts), { tolerance: parts.number("tolerance") }),
  ]),
);
