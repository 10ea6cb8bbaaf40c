/** @file A feed-forward network: parameters and a graph, trained by its gradient. */

import { lifetime } from "../engine/lifetime.js";
import { openAll } from "../engine/open-all.js";
import { compile, type EngineOptions } from "../engine/session.js";
import { feedData, feedParams, type Param } from "../model.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../tensor/tensor.js";
import { type Examples, meanLoss } from "./dataset.js";
import { descend, descentStep } from "./descent-step.js";
import type { Optimizer } from "./optimizer.js";
import { squaredError } from "./squared-error.js";
import type { Trainer } from "./trainer.js";

type Named = Readonly<Record<string, Tensor>>;

/** No problem, no fixed point and no guarantee: what it answers is certified by the terms of a model. */
export interface Network {
  readonly name: string;
  readonly params: Readonly<Record<string, Param>>;
  readonly data: Readonly<Record<string, Shape>>;
  /** Inference, from parameters as they are read: [N, …] by name. */
  apply(params: Named, data: Named): Named & { readonly x: Tensor };
  /** The same while it is trained, where that differs, and what parameters without a gradient become. */
  readonly train?: (params: Named, data: Named) => Named & { readonly x: Tensor };
  /** Names among the outputs of `train`: each is the next value of the parameter of its name. */
  readonly follows?: readonly string[];
}

/** Inputs `params.NAME` and `data.NAME`, and the parameters as the network reads them. */
export function networkInputs({ params, data }: Pick<Network, "params" | "data">) {
  const raw = Object.fromEntries(
    Object.entries(params).map(([name, { shape }]) => [name, input(`params.${name}`, shape)]),
  );
  const read = Object.fromEntries(
    Object.entries(params).map(([name, param]) => [name, param.read?.(raw[name]!) ?? raw[name]!]),
  );
  const fed = Object.fromEntries(Object.entries(data).map(([name, shape]) => [name, input(`data.${name}`, shape)]));
  return { raw, read, fed };
}

/** Number of learned numbers, without what follows statistics. */
export function networkSize({ params, follows = [] }: Network): number {
  const learned = Object.entries(params).filter(([name]) => !follows.includes(name));
  return learned.reduce((total, [, { shape }]) => total + shape.reduce((p, n) => p * n, 1), 0);
}

/** Arrays before training. */
export function initialArrays({ params }: Pick<Network, "params">) {
  return Object.fromEntries(
    Object.entries(params).map(([name, param]) => [name, { shape: param.shape, data: param.init() }]),
  );
}

/** Graphs and sessions of a network's training: there is nothing to solve. */
export async function prepareNetwork(network: Network, optimizer: Optimizer, options: EngineOptions): Promise<Trainer> {
  const { raw, read, fed } = networkInputs(network);
  const names = Object.keys(raw);
  const made = (network.train ?? network.apply)(read, fed);
  const target = input("target", made.x.shape);
  const follows = Object.fromEntries((network.follows ?? []).map((name) => [name, made[name]!]));
  const {
    opened: [step, reading],
    dispose,
  } = await openAll([
    () => compile(descentStep(squaredError(made.x, target), raw, network.params, optimizer, follows), options),
    () => compile([squaredError(network.apply(read, fed).x, target)], options),
  ]);
  const life = lifetime("trainer", dispose);
  const feeds = ({ data }: Examples) => feedData(network, data);
  return {
    async solve(_weights, examples) {
      life.require("fit");
      return { feeds: feeds(examples), target: examples.target, residual: 0, steps: 0 };
    },
    async update(weights, slots, solved, t, learningRate) {
      life.require("fit");
      const fedAll = { ...solved.feeds, target: solved.target };
      const { rest: _, ...updated } = await descend(step, names, optimizer, {
        weights,
        slots,
        feeds: fedAll,
        t,
        learningRate,
      });
      return updated;
    },
    async validate(weights, set, batch) {
      life.require("fit");
      return meanLoss(set, batch, async (examples) => {
        const [losses] = await reading.run({ ...feeds(examples), ...feedParams(weights), target: examples.target });
        return losses!;
      });
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}
