/** @file Gradient descent, with momentum and with Nesterov's. */

import { VouchError } from "../errors.js";
import { add, mul, sub } from "../tensor/primitives/elementwise.js";
import type { Optimizer } from "./optimizer.js";

export interface MomentumOptions {
  /** Share of the velocity that a step keeps, in [0, 1). */
  readonly momentum?: number;
}

/**
 * v⁺ = μv + g,  Θ⁺ = Θ − ηv⁺; μ = 0 by default.
 *
 * @throws parameter if μ is not in [0, 1)
 * @source Polyak 1964; deviates: the velocity is in units of the gradient, as in PyTorch's SGD, so that a schedule of η acts at once
 */
export function sgd({ momentum = 0 }: MomentumOptions = {}): Optimizer {
  requireMomentum("sgd", momentum);
  return {
    name: "sgd",
    slots: ["velocity"],
    update(param, g, [v], _, learningRate) {
      const v1 = add(mul(momentum, v!), g);
      return { param: sub(param, mul(learningRate, v1)), slots: [v1] };
    },
  };
}

/**
 * v⁺ = μv + g,  Θ⁺ = Θ − η(g + μv⁺); μ = 0.9 by default.
 *
 * @throws parameter if μ is not in [0, 1)
 * @source Sutskever, Martens, Dahl & Hinton 2013, eq. (3)–(4), at the point looked ahead to, as in PyTorch's SGD
 */
export function nesterov({ momentum = 0.9 }: MomentumOptions = {}): Optimizer {
  requireMomentum("nesterov", momentum);
  return {
    name: "nesterov",
    slots: ["velocity"],
    update(param, g, [v], _, learningRate) {
      const v1 = add(mul(momentum, v!), g);
      return { param: sub(param, mul(learningRate, add(g, mul(momentum, v1)))), slots: [v1] };
    },
  };
}

function requireMomentum(name: string, momentum: number): void {
  if (momentum >= 0 && momentum < 1) return;
  throw new VouchError("parameter", {
    name,
    expected: "a momentum in [0, 1)",
    got: `${momentum}`,
    remedy: "0.9 is common; 1 never forgets.",
  });
}
