/** @file Training the learned parts of a model through its fixed point. */

import { jfb } from "../backward/jfb.js";
import type { BackwardRule } from "../backward/rule.js";
import { compile, type EngineOptions, type Float32, type Session } from "../engine/session.js";
import { specialiser } from "../engine/specialise.js";
import { VouchError } from "../errors.js";
import {
  chunkOutputs,
  feedData,
  feedParams,
  type Model,
  requireWeights,
  type Trace,
  variableInputs,
  type Weights,
} from "../model.js";
import { balanceFeed } from "../solvers/balance.js";
import { type Chunk, chunk } from "../solvers/chunk.js";
import { picard } from "../solvers/picard.js";
import { gather, scatter } from "../solvers/solve.js";
import { sum } from "../tensor/primitives/broadcast.js";
import { div, onesLike } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors } from "../tensor/tree.js";
import { gradient } from "../tensor/vjp.js";
import { adam } from "./adam.js";
import { batches, type Examples, type TrainingSet } from "./dataset.js";
import type { Optimizer } from "./optimizer.js";
import { type Loss, squaredError } from "./squared-error.js";

export interface FitOptions extends EngineOptions {
  readonly loss?: Loss;
  readonly backward?: BackwardRule;
  readonly optimizer?: Optimizer;
  /** Step size at step t = 1, 2, …; default 1e-3. */
  readonly learningRate?: number | ((t: number, total: number) => number);
  /** Samples of one optimizer step. Default 8. */
  readonly batch?: number;
  /** Passes over the set with one draw of the noise and persistent warm starts. Default 4. */
  readonly passes?: number;
  /** Draws of the noise; weights and optimizer are handed over between phases. Default 1. */
  readonly phases?: number;
  /** Solver steps of a visit to a sample that has a warm start, and of the first visit in a phase. Default 20, 400. */
  readonly steps?: Steps;
  /** Examples never trained on; the weights with the least validation loss are returned. */
  readonly validation?: TrainingSet;
  /** Phases without improvement after which training stops. Default: never. */
  readonly patience?: number;
  readonly seed?: number;
  readonly onStep?: (event: StepEvent) => void;
  /** Called at each phase boundary, before the next begins: save it to be able to resume. */
  readonly onPhase?: (checkpoint: Checkpoint, event: PhaseEvent) => void | Promise<void>;
  /** Continue after the phase of a checkpoint, to the same numbers as without the interruption. */
  readonly resume?: Checkpoint;
  readonly signal?: AbortSignal;
}

export interface Steps {
  readonly warm: number;
  readonly cold: number;
  /** Steps written out in the graph, a divisor of `warm`; fewer make the session, rebuilt for each weights, sooner. Default warm. */
  readonly every?: number;
}

export interface StepEvent {
  readonly phase: number;
  readonly pass: number;
  /** Optimizer steps so far, and in all. */
  readonly t: number;
  readonly total: number;
  /** Mean over the batch. */
  readonly loss: number;
  /** Worst KKT residual over the batch at the fixed point that was differentiated. */
  readonly residual: number;
  readonly solverSteps: number;
}

export interface PhaseEvent {
  readonly phase: number;
  /** Mean over the phase's last pass. */
  readonly loss: number;
  readonly validation?: number;
}

/** Weights and optimizer state at a phase boundary: all that training needs to go on. */
export interface Checkpoint {
  readonly phase: number;
  readonly t: number;
  readonly weights: Weights;
  readonly slots: Readonly<Record<string, Float32>>;
  readonly best: { readonly weights: Weights; readonly validation: number; readonly phase: number };
}

export interface FitResult {
  readonly weights: Weights;
  /** Best validation loss; NaN where there is no validation set. */
  readonly validation: number;
  readonly phases: number;
  readonly stopped: "finished" | "patience" | "cancelled";
}

/**
 * Minimise the mean loss over a training set: each step solves from warm starts with the weights as constants, then
 * differentiates one rule's application at the fixed point and updates the weights.
 *
 * @source Heaton & Wu Fung 2023, "Implicit model training"
 */
export async function fit(
  model: Model,
  initial: Weights,
  training: TrainingSet,
  options: FitOptions = {},
): Promise<FitResult> {
  requireWeights("fit", model, initial);
  const { phases = 1, passes = 4, batch = 8, seed = 0 } = options;
  const optimizer = options.optimizer ?? adam();
  const trainer = await prepare(model, optimizer, options);
  const perPass = Math.ceil(training.count / batch);
  const total = phases * passes * perPass;
  let { weights, slots, t, best } = startFrom(options.resume, initial, optimizer);
  let phase = options.resume ? options.resume.phase + 1 : 0;
  let stopped: FitResult["stopped"] = "finished";
  try {
    for (; phase < phases; phase++) {
      const memory = new Map<number, Float32[]>();
      let loss = Number.NaN;
      for (let pass = 0; pass < passes; pass++) {
        let [sumOfLosses, seen] = [0, 0];
        for (const indices of batches(training.count, batch, seed, phase * passes + pass)) {
          if (options.signal?.aborted)
            return { weights: best.weights, validation: best.validation, phases: phase, stopped: "cancelled" };
          const solved = await trainer.solve(weights, training.examples(indices, phase), indices, memory);
          t++;
          const rate = options.learningRate ?? 1e-3;
          const updated = await trainer.update(
            weights,
            slots,
            solved,
            t,
            typeof rate === "number" ? rate : rate(t, total),
          );
          ({ weights, slots } = updated);
          sumOfLosses += updated.loss * indices.length;
          seen += indices.length;
          options.onStep?.({
            phase,
            pass,
            t,
            total,
            loss: updated.loss,
            residual: solved.residual,
            solverSteps: solved.steps,
          });
        }
        loss = sumOfLosses / seen;
      }
      const validation = options.validation ? await trainer.validate(weights, options.validation, batch) : undefined;
      const score = validation ?? loss;
      if (!(score >= best.validation)) best = { weights, validation: score, phase };
      await options.onPhase?.(
        { phase, t, weights, slots, best },
        { phase, loss, ...(validation === undefined ? {} : { validation }) },
      );
      if (options.patience !== undefined && phase - best.phase >= options.patience) {
        stopped = "patience";
        phase++;
        break;
      }
    }
  } finally {
    await trainer.dispose();
  }
  return { weights: best.weights, validation: best.validation, phases: phase, stopped };
}

function startFrom(resume: Checkpoint | undefined, initial: Weights, optimizer: Optimizer): Omit<Checkpoint, "phase"> {
  if (resume) return resume;
  const slots = Object.fromEntries(
    Object.entries(initial).flatMap(([name, { shape, data }]) =>
      optimizer.slots.map((slot) => [`${slot}.${name}`, { shape, data: new Float32Array(data.length) }] as const),
    ),
  );
  return { weights: initial, slots, t: 0, best: { weights: initial, validation: Number.NaN, phase: 0 } };
}

interface Solved {
  readonly feeds: Record<string, Float32>;
  readonly target: Float32;
  readonly residual: number;
  readonly steps: number;
}

interface Trainer {
  solve(
    weights: Weights,
    examples: Examples,
    indices: readonly number[],
    memory: Map<number, Float32[]>,
  ): Promise<Solved>;
  update(
    weights: Weights,
    slots: Readonly<Record<string, Float32>>,
    solved: Solved,
    t: number,
    learningRate: number,
  ): Promise<{ weights: Weights; slots: Readonly<Record<string, Float32>>; loss: number }>;
  validate(weights: Weights, set: TrainingSet, batch: number): Promise<number>;
  dispose(): Promise<void>;
}

/** Graphs and sessions of a training run: the solve (rebuilt for each weights), and one attached step with its update. */
async function prepare(model: Model, optimizer: Optimizer, options: FitOptions): Promise<Trainer> {
  const traced = model.trace();
  const steps = options.steps ?? { warm: 20, cold: 400 };
  // Held-out losses compare weights, so their solves must not depend on how far a short one comes.
  const settled = 3 * steps.cold;
  const every = stepsBetweenTests(steps);
  const built = chunk(traced.operator, picard(), { every, checks: Math.ceil(Math.max(settled, steps.warm) / every) });
  const testsOf = (count: number) => Math.ceil(count / every);
  const outputs = chunkOutputs(built);
  const special = await specialiser(outputs, variableInputs(outputs, traced), options);
  const attached = attach(traced, optimizer, options.backward ?? jfb, options.loss ?? squaredError);
  const step = await compile(attached.outputs, options);
  const names = Object.keys(traced.params);
  const slotNames = names.flatMap((name) => optimizer.slots.map((slot) => `${slot}.${name}`));

  const feed = ({ data, target }: Examples) => ({
    ...feedData(model, data),
    ...balanceFeed(traced.operator.balance, new Float32Array(target.shape[0]!).fill(1)),
  });

  return {
    async solve(weights, examples, indices, memory) {
      const data = feed(examples);
      await using session = await compile(await special.with(feedParams(weights)), options);
      const warm = indices.every((index) => memory.has(index));
      const tests = testsOf(warm ? steps.warm : steps.cold);
      const solved = await visit(session, built, data, indices, memory, tests);
      return { ...solved, steps: tests * every, target: examples.target };
    },
    async update(weights, slots, solved, t, learningRate) {
      const feeds: Record<string, Float32> = {
        ...solved.feeds,
        ...feedParams(weights),
        target: solved.target,
        t: scalar(t),
        learningRate: scalar(learningRate),
      };
      for (const name of slotNames) feeds[`slot.${name}`] = slots[name]!;
      const [losses, ...updated] = await step.run(feeds);
      const loss = mean(losses!.data);
      if (!Number.isFinite(loss)) {
        throw new VouchError("convergence", {
          name: "fit",
          expected: "a finite loss",
          got: `${loss} at step ${t}`,
          remedy: "Lower the learning rate, or give the solver more steps.",
        });
      }
      return {
        weights: Object.fromEntries(names.map((name, i) => [name, updated[i]!])),
        slots: Object.fromEntries(slotNames.map((name, i) => [name, updated[names.length + i]!])),
        loss,
      };
    },
    async validate(weights, set, batch) {
      await using session = await compile(await special.with(feedParams(weights)), options);
      let total = 0;
      for (let start = 0; start < set.count; start += batch) {
        const indices = Array.from({ length: Math.min(batch, set.count - start) }, (_, i) => start + i);
        const examples = set.examples(indices, -1);
        const solved = await visit(session, built, feed(examples), indices, new Map(), testsOf(settled));
        const slots = Object.fromEntries(
          slotNames.map((name) => [`slot.${name}`, zerosLike(weights[name.slice(name.indexOf(".") + 1)]!)]),
        );
        const [losses] = await step.run({
          ...solved.feeds,
          ...feedParams(weights),
          ...slots,
          target: examples.target,
          t: scalar(1),
          learningRate: scalar(0),
        });
        total += losses!.data.reduce((a, b) => a + b, 0);
      }
      return total / set.count;
    },
    async dispose() {
      await Promise.all([special.dispose(), step.dispose()]);
    },
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

/** Loss per sample, updated parameters and slots, from a detached fixed point. */
function attach(traced: Trace, optimizer: Optimizer, backward: BackwardRule, loss: Loss): { outputs: Tensor[] } {
  const { operator, params } = traced;
  const zStar = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
  const x = operator.read(backward(operator, zStar));
  const losses = loss(x, input("target", x.shape));
  const names = Object.keys(params);
  const gradients = gradient(
    div(sum(losses), sum(onesLike(losses))),
    names.map((name) => params[name]!),
  );
  const [t, learningRate] = [input("t", []), input("learningRate", [])];
  const updates = names.map((name, i) => {
    const raw = params[name]!;
    const slots = optimizer.slots.map((slot) => input(`slot.${slot}.${name}`, raw.shape));
    return optimizer.update(raw, gradients[i]!, slots, t, learningRate);
  });
  return { outputs: [losses, ...updates.map(({ param }) => param), ...updates.flatMap(({ slots }) => slots)] };
}

/** Move the samples on from their warm starts, or from zero, in one loop of the engine, and remember where they came. */
async function visit(
  session: Session,
  built: Chunk,
  data: Record<string, Float32>,
  indices: readonly number[],
  memory: Map<number, Float32[]>,
  tests: number,
): Promise<Omit<Solved, "target" | "steps">> {
  const batch = indices.length;
  const start = built.state.map((leaf, i) => {
    const shape = leaf.shape.map((dim) => (dim === "N" ? batch : dim));
    const array = { shape, data: new Float32Array(shape.reduce((p, n) => p * n, 1)) };
    indices.forEach((index, row) => {
      const kept = memory.get(index)?.[i];
      if (kept) scatter(kept, [row], array);
    });
    return array as Float32;
  });
  const feeds: Record<string, Float32> = { ...data, tolerance: scalar(0), tests: scalar(tests) };
  built.paths.forEach((path, i) => {
    feeds[`state.${path}`] = start[i]!;
  });
  const out = await session.run(feeds);
  const state = out.slice(0, built.paths.length);
  const residual = Math.max(...out.slice(built.paths.length + 4, -1).flatMap(({ data: values }) => [...values]));
  built.paths.forEach((path, i) => {
    feeds[`state.${path}`] = state[i]!;
  });
  indices.forEach((index, row) => {
    memory.set(
      index,
      state.map((array) => gather(array, [row])),
    );
  });
  delete feeds["tolerance"];
  delete feeds["tests"];
  return { feeds, residual };
}

function scalar(value: number): Float32 {
  return { shape: [], data: Float32Array.of(value) };
}

function zerosLike({ shape, data }: Float32): Float32 {
  return { shape, data: new Float32Array(data.length) };
}

function mean(values: Float32Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
