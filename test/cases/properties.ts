/** @file The table of properties: for each, a literal reading of Table 2 and where it is zero. */

import { confidence } from "../../src/certificates/properties/confidence.js";
import { distanceTo } from "../../src/certificates/properties/distance-to.js";
import { iterateResidual } from "../../src/certificates/properties/iterate-residual.js";
import { proximalResidual } from "../../src/certificates/properties/proximal-residual.js";
import { relativeError } from "../../src/certificates/properties/relative-error.js";
import { sparsity } from "../../src/certificates/properties/sparsity.js";
import { totalVariation } from "../../src/certificates/properties/total-variation.js";
import type { Property } from "../../src/functions/function.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { differences } from "../../src/linear/differences.js";
import { ball } from "../../src/sets/ball.js";
import { box } from "../../src/sets/box.js";
import { mul } from "../../src/tensor/primitives/elementwise.js";
import type { Tensor } from "../../src/tensor/tensor.js";

export interface PropertyCase {
  /** File in src/certificates/properties/, without extension. */
  readonly file: string;
  /** From a datum d [N, size]. */
  readonly make: (d: Tensor) => Property;
  /** Shape of v without the sample axis. */
  readonly shape: readonly number[];
  /** The solver's copy is v itself. */
  readonly copy?: boolean;
  /** Table 2, in plain arithmetic on one sample. */
  readonly expected: (v: readonly number[], d: readonly number[]) => number;
  /** A v where the value is exactly 0, from a datum. */
  readonly zero: (d: readonly number[]) => readonly number[];
}

const size = (v: readonly number[]) => Math.hypot(...v);
const difference = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]!);
const peak = (v: readonly number[]) => Math.max(...v.map(Math.abs));

export const propertyCases: readonly PropertyCase[] = [
  {
    file: "sparsity",
    make: () => sparsity({ threshold: 0.5 }),
    shape: [6],
    expected: (v) => v.filter((value) => Math.abs(value) > 0.5 * peak(v)).length,
    zero: () => [0, 0, 0, 0, 0, 0],
  },
  {
    file: "sparsity",
    make: () => sparsity({ threshold: 0.5 }),
    shape: [6],
    copy: true,
    expected: (v) => v.filter((value) => value !== 0).length,
    zero: () => [0, 0, 0, 0, 0, 0],
  },
  {
    file: "relative-error",
    make: (d) => relativeError(d),
    shape: [6],
    expected: (v, d) => size(difference(v, d)) / size(d),
    zero: (d) => d,
  },
  {
    file: "distance-to",
    make: () => distanceTo(box(-0.25, 0.25)),
    shape: [6],
    expected: (v) => size(v.map((value) => Math.max(0, Math.abs(value) - 0.25))),
    zero: () => [0, 0.25, -0.25, 0.1, 0.2, -0.2],
  },
  {
    file: "distance-to",
    make: (d) => distanceTo(ball(d, 0.125)),
    shape: [6],
    expected: (v, d) => Math.max(0, size(difference(v, d)) - 0.125),
    zero: (d) => d.map((value, i) => (i === 2 ? value + 0.125 : value)),
  },
  {
    file: "total-variation",
    make: () => totalVariation(differences({ height: 2, width: 3 })),
    shape: [1, 2, 3],
    expected: (v) => {
      const at = (row: number, column: number) => v[3 * row + column]!;
      let total = 0;
      for (let column = 0; column < 3; column++) total += Math.abs(at(1, column) - at(0, column));
      for (let row = 0; row < 2; row++) {
        for (let column = 0; column < 2; column++) total += Math.abs(at(row, column + 1) - at(row, column));
      }
      return total;
    },
    zero: () => [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
  },
  {
    file: "total-variation",
    make: () => totalVariation(),
    shape: [6],
    expected: (v) => v.reduce((total, value) => total + Math.abs(value), 0),
    zero: () => [0, 0, 0, 0, 0, 0],
  },
  {
    file: "confidence",
    make: () => confidence(),
    shape: [6],
    expected: (v) => Math.abs(1 - Math.max(...v)),
    zero: () => [0, 0, 0, 1, 0, 0],
  },
  {
    file: "iterate-residual",
    make: () => iterateResidual((v) => mul(0.5, v)),
    shape: [6],
    expected: (v) => 0.5 * size(v),
    zero: () => [0, 0, 0, 0, 0, 0],
  },
  {
    file: "proximal-residual",
    make: () => proximalResidual(l1(0.5), 0.5),
    shape: [6],
    expected: (v) => size(v.map((value) => Math.min(Math.abs(value), 0.25))),
    zero: () => [0, 0, 0, 0, 0, 0],
  },
];
