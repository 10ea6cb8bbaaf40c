/** @file Projections of A: nearest points, by their variational inequality and by the set of the same name. */

import { describe, expect, it } from "vitest";
import { type Dense, denseOf } from "../../../src/applications/implicit/dense.js";
import {
  l1BallVertex,
  onSpectralBall,
  onStrictlyUpper,
  rowsOnL1Ball,
} from "../../../src/applications/implicit/projections.js";
import { rowNorm } from "../../../src/applications/implicit/well-posed/infinity-norm.js";
import { spectralNorm } from "../../../src/applications/implicit/well-posed/spectral.js";
import { random } from "../../../src/random.js";
import { l1Ball } from "../../../src/sets/l1-ball.js";
import { interpret } from "../../../src/tensor/interpret.js";
import { input } from "../../../src/tensor/primitives/leaf.js";
import { randomDense } from "../../cases/implicit.js";
import { thrown } from "../../failure.js";

const inner = (A: Dense, B: Dense) => A.data.reduce((sum, value, i) => sum + value * B.data[i]!, 0);
const minus = (A: Dense, B: Dense): Dense => ({ ...A, data: A.data.map((value, i) => value - B.data[i]!) });

describe.each([
  ["rowsOnL1Ball", rowsOnL1Ball, rowNorm],
  ["onSpectralBall", onSpectralBall, spectralNorm],
] as const)("%s", (_, project, norm) => {
  it.each([1, 2, 3])("gives the nearest matrix of the norm, seed %i", (seed) => {
    const stream = random(seed);
    const A = randomDense(stream, 5, 5);
    const P = project(A, 0.9);
    expect(norm(P)).toBeCloseTo(0.9, 12);
    for (let k = 0; k < 20; k++) {
      const other = randomDense(stream, 5, 5, stream.uniform());
      const scale = Math.min(1, 0.9 / norm(other));
      const inside = { ...other, data: other.data.map((value) => scale * value) };
      expect(inner(minus(A, P), minus(inside, P))).toBeLessThanOrEqual(1e-10);
    }
    const again = project(P, 0.9 + 1e-12);
    expect(Math.max(...minus(again, P).data.map(Math.abs))).toBeLessThan(1e-12);
  });

  it("refuses a bound that is none", () => {
    expect(thrown(() => project(randomDense(random(1), 2, 2), Number.NaN)).code).toBe("parameter");
    expect(thrown(() => project(randomDense(random(1), 2, 2), -1)).code).toBe("parameter");
  });
});

it("rows go where the ℓ1 ball of tensors puts them", () => {
  const A = randomDense(random(4), 3, 6);
  const [rows] = interpret([l1Ball(0.75).project(input("v", ["N", 6]))], { v: { shape: [3, 6], data: A.data } });
  rowsOnL1Ball(A, 0.75).data.forEach((value, i) => {
    expect(value).toBeCloseTo(rows!.data[i]!, 12);
  });
});

it("the vertex of the conditional gradient is the least linear value on the ball", () => {
  const stream = random(5);
  const G = randomDense(stream, 4, 5);
  const least = inner(G, l1BallVertex(G, 0.8));
  for (let k = 0; k < 50; k++)
    expect(inner(G, rowsOnL1Ball(randomDense(stream, 4, 5, 3), 0.8))).toBeGreaterThanOrEqual(least);
  expect(rowNorm(l1BallVertex(G, 0.8))).toBeCloseTo(0.8, 14);
});

it("the strictly upper triangle keeps what is above the diagonal", () => {
  const A = denseOf(3, 3, (i, j) => 10 * i + j + 1);
  expect([...onStrictlyUpper(A).data]).toEqual([0, 2, 3, 0, 0, 13, 0, 0, 0]);
});
