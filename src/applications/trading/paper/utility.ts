/** @file The smooth term of the trading models: worth of a trade and its risk. */

import type { Smooth } from "../../../functions/function.js";
import type { Param } from "../../../model.js";
import { random } from "../../../random.js";
import { broadcastTo, sum } from "../../../tensor/primitives/broadcast.js";
import { abs, add, mul, neg, sub } from "../../../tensor/primitives/elementwise.js";
import { transpose } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { WIDTH, withinMarkets } from "./network.js";
import { join, split } from "./sets.js";

/**
 * h(ξ) = ⟨c, x − y⟩ + ½‖W(x − y)‖², ξ = (x, y, v, z) [N, 44]; its gradient is 2‖W‖²-Lipschitz.
 *
 * @param c  worth of a unit of each amount, [N, 11] or [1, 11]
 * @param W  [11, 11]
 * @param more  what a step length allows for besides: the stated constant is 2‖W‖_F² + more
 * @source Heaton & Wu Fung 2023, eq. (20), (21); eq. (70) lacks the 2
 */
export function riskAverse(c: Tensor, W: Tensor, more = 0): Smooth {
  const risk = (xi: Tensor) => {
    const { x, y } = split(xi);
    return matmul(sub(x, y), transpose(W, [1, 0]));
  };
  return {
    name: "utility less risk",
    value: (xi) => {
      const { x, y } = split(xi);
      const Wx = risk(xi);
      return add(mul(0.5, sum(mul(Wx, Wx), [1])), sum(mul(c, sub(x, y)), [1]));
    },
    grad: (xi) => {
      const slope = add(c, matmul(risk(xi), W));
      const none = broadcastTo(constant(0), ["N", WIDTH]);
      return join({ x: slope, y: neg(slope), v: none, z: none });
    },
    lipschitz: () => add(mul(2, sum(mul(W, W))), more),
  };
}

/** W [11, 11] of eq. (20), uniform in (0, 1) at the start: read as scale·|W| within markets and 0 between them. */
export function marketRisk(seed: number, scale: number): Param {
  const within = constant(withinMarkets(), [WIDTH, WIDTH]);
  return {
    shape: [WIDTH, WIDTH],
    init: () => {
      const stream = random(seed).fork("W");
      return Float32Array.from({ length: WIDTH * WIDTH }, () => stream.uniform());
    },
    read: (raw) => mul(abs(raw), mul(scale, within)),
  };
}
