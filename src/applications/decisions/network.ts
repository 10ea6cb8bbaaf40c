/** @file Cost networks: from a context to the cost of each variable. */

import type { Param } from "../../model.js";
import { random } from "../../random.js";
import { reshape } from "../../tensor/primitives/broadcast.js";
import { add, leakyRelu } from "../../tensor/primitives/elementwise.js";
import { matmul } from "../../tensor/primitives/matmul.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Network } from "../../training/network.js";

export interface CostNetwork {
  /** Numbers of a context. */
  readonly context: number;
  /** Numbers of costs: one a variable of the decision. */
  readonly costs: number;
  readonly params: Readonly<Record<string, Param>>;
  /** w_Θ(d): [N, costs] from d [N, context]. */
  cost(params: Readonly<Record<string, Tensor>>, d: Tensor): Tensor;
}

/** The network alone, without the decision: x are the costs. */
export function asNetwork({ params, context, cost }: CostNetwork): Network {
  return {
    name: "costs",
    params,
    data: { d: ["N", context] },
    apply: (read, { d }) => ({ x: cost(read, d!) }),
  };
}

/** Slope of the activation below 0. */
const SLOPE = 0.1;

/**
 * w(d) = W₂ leakyRelu(W₁d + b₁) + b₂, both W uniform on ±1/√(inputs) at the start, as are the b.
 *
 * @param sizes  [context, hidden, costs]
 * @source McKenzie, Heaton & Wu Fung 2024: two layers with slope 0.1; its start is PyTorch's for linear layers
 */
export function twoLayers([context, hidden, costs]: readonly [number, number, number], seed = 1): CostNetwork {
  const draw = (name: string, shape: readonly number[], inputs: number): Param => ({
    shape,
    init: () => {
      const stream = random(seed).fork(name);
      const bound = 1 / Math.sqrt(inputs);
      return Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, () => bound * (2 * stream.uniform() - 1));
    },
  });
  return {
    context,
    costs,
    params: {
      W1: draw("W1", [context, hidden], context),
      b1: draw("b1", [hidden], context),
      W2: draw("W2", [hidden, costs], hidden),
      b2: draw("b2", [costs], hidden),
    },
    cost: ({ W1, b1, W2, b2 }, d) => {
      const inner = leakyRelu(add(matmul(d, W1!), reshape(b1!, [1, hidden])), SLOPE);
      return add(matmul(inner, W2!), reshape(b2!, [1, costs]));
    },
  };
}
