/** @file Graphs and sessions of a training run: solving a batch, one attached step with its update, held-out losses. */

import { jfb } from "../backward/jfb.js";
import type { BackwardRule } from "../backward/rule.js";
import { lifetime } from "../engine/lifetime.js";
import { openAll } from "../engine/open-all.js";
import { compile, type EngineOptions, type Float32 } from "../engine/session.js";
import { VouchError } from "../errors.js";
import { chunkOutputs, feedData, feedParams, type Model, type Trace, type Weights } from "../model.js";
import { balanceFeed } from "../solvers/balance.js";
import { type Chunk, chunk } from "../solvers/chunk.js";
import { picard } from "../solvers/picard.js";
import { gather, scatter } from "../solvers/rows.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors } from "../tensor/tree.js";
import { type Examples, meanLoss, type TrainingSet } from "./dataset.js";
import { descend, descentStep } from "./descent-step.js";
import type { Optimizer } from "./optimizer.js";
import { type Opened, solving } from "./solving.js";
import { type Loss, squaredError } from "./squared-error.js";

export interface Steps {
  readonly warm: number;
  readonly cold: number;
  /** Steps written out in the graph, a divisor of `warm`; fewer make the session, rebuilt for each weights, sooner. Default warm. */
  readonly every?: number;
  /** Relative KKT residual ≥ 0 at which a sample stops before that, tested after each `every` steps. Default 0: never. */
  readonly tolerance?: number;
  /** Steps of held-out solves, which start from zeros. Default 3 · cold, near the fixed point. */
  readonly settled?: number;
}

export interface TrainerOptions extends EngineOptions {
  readonly loss?: Loss;
  readonly backward?: BackwardRule;
  /** Solver steps of a visit to a sample that has a warm start, and of the first visit in a phase. Default 20, 400. */
  readonly steps?: Steps;
}

/** A batch at its fixed point, with all that one attached step is fed. */
export interface Solved {
  readonly feeds: Record<string, Float32>;
  readonly target: Float32;
  readonly residual: number;
  readonly steps: number;
}

export interface Updated {
  readonly weights: Weights;
  readonly slots: Readonly<Record<string, Float32>>;
  /** Mean over the batch. */
  readonly loss: number;
  /** Worst relative residual over the batch of the rule's linear system; absent where it solves none. */
  readonly adjoint?: number;
  /** Products with ∂T/∂z or its transpose that the rule's system took, summed over the batch; absent where it solves none. */
  readonly products?: number;
}

/** Where samples came to by index: their next starts. */
export type WarmStarts = Map<number, Float32[]>;

export interface Trainer {
  /** @param memory  warm starts, read and written; without it every sample starts at zero */
  solve(weights: Weights, examples: Examples, indices: readonly number[], memory?: WarmStarts): Promise<Solved>;
  update(
    weights: Weights,
    slots: Readonly<Record<string, Float32>>,
    solved: Solved,
    t: number,
    learningRate: number,
  ): Promise<Updated>;
  validate(weights: Weights, set: TrainingSet, batch: number): Promise<number>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Graphs and sessions of a training run: the solve (rebuilt for each weights), and one attached step with its update. */
export async function prepareTrainer(model: Model, optimizer: Optimizer, options: TrainerOptions): Promise<Trainer> {
  const traced = model.trace();
  const steps = options.steps ?? { warm: 20, cold: 400 };
  // Held-out losses compare weights, so their solves must not depend on how far a short one comes.
  const settled = steps.settled ?? 3 * steps.cold;
  const every = stepsBetweenTests(steps);
  const built = chunk(traced.operator, picard(), { every, checks: Math.ceil(Math.max(settled, steps.warm) / every) });
  const limits = (count: number) => ({ tests: Math.ceil(count / every), every, tolerance: steps.tolerance ?? 0 });
  const outputs = chunkOutputs(built);
  const attached = attach(traced, model.params, optimizer, options.backward ?? jfb, options.loss ?? squaredError);
  const {
    opened: [solves, step],
    dispose,
  } = await openAll([() => solving(outputs, traced, options), () => compile(attached.outputs, options)]);
  const life = lifetime("trainer", dispose);
  const names = Object.keys(traced.params);

  const feed = ({ data, target }: Examples) => ({
    ...feedData(model, data),
    ...balanceFeed(traced.operator.balance, new Float32Array(target.shape[0]!).fill(1)),
  });

  return {
    async solve(weights, examples, indices, memory) {
      life.require("fit");
      const data = feed(examples);
      await using session = await solves.with(weights);
      const warm = memory !== undefined && indices.every((index) => memory.has(index));
      const solved = await visit(session, built, data, indices, memory, limits(warm ? steps.warm : steps.cold));
      return { ...solved, target: examples.target };
    },
    async update(weights, slots, solved, t, learningRate) {
      life.require("fit");
      const { rest, ...updated } = await descend(step, names, optimizer, {
        weights,
        slots,
        feeds: { ...solved.feeds, target: solved.target },
        t,
        learningRate,
      });
      const [adjoint, products] = [0, 1].map((k) => rest.flatMap(({ data }, i) => (i % 2 === k ? [...data] : [])));
      return {
        ...updated,
        ...(rest.length > 0 ? { adjoint: Math.max(...adjoint!), products: products!.reduce((a, b) => a + b) } : {}),
      };
    },
    async validate(weights, set, batch) {
      life.require("fit");
      await using session = await solves.with(weights);
      await using reading = await compile(attached.outputs.slice(0, 1), options);
      return await meanLoss(set, batch, async (examples, indices) => {
        const solved = await visit(session, built, feed(examples), indices, undefined, limits(settled));
        const [losses] = await reading.run({ ...solved.feeds, ...feedParams(weights), target: examples.target });
        return losses!;
      });
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}

function stepsBetweenTests({ warm, every = warm }: Steps): number {
  if (warm % every !== 0) {
    throw new VouchError("parameter", {
      name: "fit: steps.every",
      expected: `a divisor of warm = ${warm}`,
      got: `${every}`,
      remedy: "Leave it out for the default.",
    });
  }
  return every;
}

/** Loss per sample, updated parameters and slots, then residual and products of each linear system, from a detached fixed point. */
function attach(
  traced: Trace,
  declared: Model["params"],
  optimizer: Optimizer,
  backward: BackwardRule,
  loss: Loss,
): { outputs: Tensor[] } {
  const { operator, params } = traced;
  const zStar = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
  const adjoint: Tensor[] = [];
  const x = operator.read(backward(operator, zStar, ({ residual, products }) => adjoint.push(residual, products)));
  const outputs = descentStep(loss(x, input("target", x.shape)), params, declared, optimizer);
  return { outputs: [...outputs, ...adjoint] };
}

/** Move the samples on from their warm starts, or from zero, in one loop of the engine, and remember where they came. */
async function visit(
  session: Opened,
  built: Chunk,
  data: Record<string, Float32>,
  indices: readonly number[],
  memory: WarmStarts | undefined,
  limits: { readonly tests: number; readonly every: number; readonly tolerance: number },
): Promise<Omit<Solved, "target">> {
  const batch = indices.length;
  const start = built.state.map((leaf, i) => {
    const shape = leaf.shape.map((dim) => (dim === "N" ? batch : dim));
    const array = { shape, data: new Float32Array(shape.reduce((p, n) => p * n, 1)) };
    indices.forEach((index, row) => {
      const kept = memory?.get(index)?.[i];
      if (kept) scatter(kept, [row], array);
    });
    return array as Float32;
  });
  const feeds: Record<string, Float32> = { ...data, tolerance: scalar(limits.tolerance), tests: scalar(limits.tests) };
  built.paths.forEach((path, i) => {
    feeds[`state.${path}`] = start[i]!;
  });
  const out = await session.run(feeds);
  const state = out.slice(0, built.paths.length);
  const residual = Math.max(...out.slice(built.paths.length + 4, -1).flatMap(({ data: values }) => [...values]));
  built.paths.forEach((path, i) => {
    feeds[`state.${path}`] = state[i]!;
  });
  if (memory !== undefined) {
    indices.forEach((index, row) => {
      memory.set(
        index,
        state.map((array) => gather(array, [row])),
      );
    });
  }
  delete feeds["tolerance"];
  delete feeds["tests"];
  const taken = out[built.paths.length + 2]!.data.reduce((most, count) => Math.max(most, count), 0);
  return { feeds, residual, steps: taken };
}

function scalar(value: number): Float32 {
  return { shape: [], data: Float32Array.of(value) };
}
