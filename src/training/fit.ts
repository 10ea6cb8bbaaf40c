import type { Float32 } from "../engine/session.js";
import { type Model, requireWeights, type Weights } from "../model.js";
import { adam } from "./adam.js";
import { batches, type TrainingSet } from "./dataset.js";
import { type Network, prepareNetwork } from "./network.js";
import type { Optimizer } from "./optimizer.js";
import { type OutsideLoss, prepareOutside } from "./outside.js";
import type { Schedule } from "./schedule.js";
import { prepareTrainer, type Trainer, type TrainerOptions, type WarmStarts } from "./trainer.js";

export interface FitOptions extends TrainerOptions {
  readonly optimizer?: Optimizer;
  /** Step size at step t = 1, 2, …; default 1e-3. */
  readonly learningRate?: number | Schedule;
  /** Samples of one optimizer step. Default 8. */
  readonly batch?: number;
  /** Passes over the set with one draw of the noise and persistent warm starts. Default 4. */
  readonly passes?: number;
  /** Draws of the noise; weights and optimizer are handed over between phases. Default 1. */
  readonly phases?: number;
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

export type NetworkFitOptions = Omit<FitOptions, "backward" | "steps" | "loss">;

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
  /** Worst relative residual over the batch of the rule's linear system; absent where it solves none. */
  readonly adjoint?: number;
  /** Products with ∂T/∂z or its transpose that the rule took, summed over the batch; absent where it solves none. */
  readonly products?: number;
  /** Steps of the sample that took most. */
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
  const optimizer = options.optimizer ?? adam();
  return descendFrom(initial, training, optimizer, options, () => prepareTrainer(model, optimizer, options));
}

/** Minimise the mean loss of a network over a training set by its gradient. */
export async function fitNetwork(
  network: Network,
  initial: Weights,
  training: TrainingSet,
  options: NetworkFitOptions = {},
): Promise<FitResult> {
  requireWeights("fitNetwork", network, initial);
  const optimizer = options.optimizer ?? adam();
  return descendFrom(initial, training, optimizer, options, () => prepareNetwork(network, optimizer, options));
}

/** Minimise the mean of a loss computed outside the graph over a training set, by the gradient it gives. */
export async function fitOutside(
  network: Network,
  loss: OutsideLoss,
  initial: Weights,
  training: TrainingSet,
  options: NetworkFitOptions = {},
): Promise<FitResult> {
  requireWeights("fitOutside", network, initial);
  const optimizer = options.optimizer ?? adam();
  return descendFrom(initial, training, optimizer, options, () => prepareOutside(network, loss, optimizer, options));
}

/** Phases of passes of batches: the loop of every training. */
async function descendFrom(
  initial: Weights,
  training: TrainingSet,
  optimizer: Optimizer,
  options: Omit<FitOptions, "backward" | "steps" | "loss">,
  prepare: () => Promise<Trainer>,
): Promise<FitResult> {
  const { phases = 1, passes = 4, batch = 8, seed = 0 } = options;
  const perPass = Math.ceil(training.count / batch);
  const total = phases * passes * perPass;
  let { weights, slots, t, best } = startFrom(options.resume, initial, optimizer);
  let phase = options.resume ? options.resume.phase + 1 : 0;
  let stopped: FitResult["stopped"] = "finished";
  const trainer = await prepare();
  try {
    for (; phase < phases; phase++) {
      // In a phase of one pass no sample is visited again.
      const memory: WarmStarts | undefined = passes > 1 ? new Map() : undefined;
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
            ...(updated.adjoint === undefined ? {} : { adjoint: updated.adjoint }),
            ...(updated.products === undefined ? {} : { products: updated.products }),
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
