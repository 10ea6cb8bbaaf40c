/** @file The c = 16 model whose speed is measured: random weights in the released architecture's shapes. */

import { tomography } from "../src/applications/ct/tomography.js";
import type { Float32 } from "../src/engine/session.js";
import type { Proximable } from "../src/functions/function.js";
import { indicator } from "../src/functions/indicator.js";
import { conv2d } from "../src/linear/conv2d.js";
import { define, type Model } from "../src/model.js";
import { random } from "../src/random.js";
import { ball } from "../src/sets/ball.js";
import { box } from "../src/sets/box.js";
import { type LinearizedAdmmOptions, linearizedAdmm } from "../src/splitting/linearized-admm.js";
import { conv2d as convolve } from "../src/tensor/primitives/conv.js";
import { add, leakyRelu, mul } from "../src/tensor/primitives/elementwise.js";
import { concrete, type Shape, type Tensor } from "../src/tensor/tensor.js";

export const CHANNELS = 16;
export const SIDE = 128;

/** The released architecture's regularizer as a prox, or the identity in its place. */
export function residualBlock(active: boolean, options: LinearizedAdmmOptions = {}): Model {
  const ct = tomography();
  const noise = random(5);
  const weights = (scale: number, ...shape: number[]) => ({
    shape,
    init: () => Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, () => scale * noise.normal()),
  });
  const layer = (p: Tensor, w: Tensor) => {
    return add(p, leakyRelu(convolve(p, w, 2), 0.1));
  };
  return define({
    name: active ? "block" : "bare",
    params: {
      K: weights(0.1, CHANNELS, 1, 3, 3),
      w1: weights(0.01, CHANNELS, CHANNELS, 5, 5),
      w2: weights(0.01, CHANNELS, CHANNELS, 5, 5),
      w3: weights(0.01, CHANNELS, CHANNELS, 5, 5),
    },
    data: { d: ["N", ct.matrix.rows], delta: ["N"] },
    problem: ({ K, w1, w2, w3 }, { d, delta }) => {
      const learned: Proximable = {
        name: "residual network",
        prox: (v) => (active ? layer(layer(layer(mul(0.5, v), w1), w2), w3) : mul(0.5, v)),
        property: { kind: "none", measure: () => delta },
      };
      return {
        box: { prox: indicator(box(0, 1)) },
        fidelity: { prox: indicator(ball(d, delta)), of: ct.operator },
        regularization: { prox: learned, of: conv2d(K, { height: SIDE, width: SIDE }) },
      };
    },
    split: (problem) => linearizedAdmm(problem, options),
  });
}

/** Seeded numbers in [0, 0.1). */
export function fill(shape: Shape, batch: number): Float32 {
  const noise = random(7);
  const at = concrete(shape, batch);
  return { shape: at, data: Float32Array.from({ length: at.reduce((p, n) => p * n, 1) }, () => 0.1 * noise.uniform()) };
}
