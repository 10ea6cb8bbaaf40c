/** @file A row of the primitive table at drawn sizes: its graph and generic values for its inputs. */

import { input } from "../../src/tensor/primitives/leaf.js";
import { concrete, type Shape } from "../../src/tensor/tensor.js";
import type { Case, Sizes } from "./primitives.js";

/** Float32 values in [low, high], from a seed; generic, so that no kink is met. */
export function draw(count: number, seed: number, [low, high]: readonly [number, number]): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + (high - low) * (state / 2 ** 32);
  });
}

export function setUp(row: Case, s: Sizes, seed: number) {
  const shapes = row.inputs(s);
  const inputs = shapes.map((shape: Shape, i) => input(`x${i}`, shape));
  const feeds = Object.fromEntries(
    shapes.map((shape, i) => {
      const at = concrete(shape, s.batch);
      return [
        `x${i}`,
        {
          shape: at,
          data: draw(
            at.reduce((p, n) => p * n, 1),
            seed + i,
            row.range ?? [-1.5, 1.5],
          ),
        },
      ];
    }),
  );
  return { inputs, feeds, y: row.build(inputs, s) };
}
