/** @file Training by losses whose value and gradient are computed outside the graph, such as by an exact solver. */

import { lifetime } from "../engine/lifetime.js";
import { openAll } from "../engine/open-all.js";
import { compile, type EngineOptions, type Float32 } from "../engine/session.js";
import { feedData, feedParams, type Weights } from "../model.js";
import { sampleAxes, sum } from "../tensor/primitives/broadcast.js";
import { add, mul, sub } from "../tensor/primitives/elementwise.js";
import { input, stopGradient } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Examples, meanLoss } from "./dataset.js";
import { descend, descentStep } from "./descent-step.js";
import { type Network, networkInputs } from "./network.js";
import type { Optimizer } from "./optimizer.js";
import type { Trainer } from "./trainer.js";

/** What a loss says at x: its value for each sample [N], and its gradient in x, of the shape of x. */
export interface LossAt {
  readonly losses: Float32;
  readonly gradient: Float32;
}

/**
 * A loss computed outside the graph.
 *
 * @param indices  of the samples in their set: what is drawn for a sample is drawn by its index, so that it stays
 */
export type OutsideLoss = (x: Float32, target: Float32, indices: readonly number[]) => LossAt;

/** ℓ + ⟨g, x⟩ − ⟨g, x⟩ with the last one held: the value is ℓ, the gradient in x is g. */
function attachOutside(x: Tensor): Tensor {
  const pull = mul(x, input("gradient", x.shape));
  const linear = sum(pull, sampleAxes(pull));
  return add(input("losses", ["N"]), sub(linear, stopGradient(linear)));
}

/** Graphs and sessions of a network's training by such a loss: x is read, judged outside, and its gradient is pulled back. */
export async function prepareOutside(
  network: Network,
  loss: OutsideLoss,
  optimizer: Optimizer,
  engine: EngineOptions,
): Promise<Trainer> {
  const { raw, read, fed } = networkInputs(network);
  const names = Object.keys(raw);
  const { x } = network.apply(read, fed);
  const {
    opened: [reading, step],
    dispose,
  } = await openAll([
    () => compile([x], engine),
    () => compile(descentStep(attachOutside(x), raw, network.params, optimizer), engine),
  ]);
  const life = lifetime("trainer", dispose);
  const judge = async (weights: Weights, { data, target }: Examples, indices: readonly number[]) => {
    const feeds = feedData(network, data);
    const [made] = await reading.run({ ...feeds, ...feedParams(weights) });
    return { feeds, ...loss(made!, target, indices) };
  };
  return {
    async solve(weights, examples, indices) {
      life.require("fit");
      const { feeds, losses, gradient } = await judge(weights, examples, indices);
      return { feeds: { ...feeds, losses, gradient }, target: examples.target, residual: 0, steps: 0 };
    },
    async update(weights, slots, { feeds }, t, learningRate) {
      life.require("fit");
      const { rest: _, ...updated } = await descend(step, names, optimizer, { weights, slots, feeds, t, learningRate });
      return updated;
    },
    async validate(weights, set, batch) {
      life.require("fit");
      return meanLoss(set, batch, async (examples, indices) => (await judge(weights, examples, indices)).losses);
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}
