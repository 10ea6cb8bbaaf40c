/** @file A training run on the command line: log, progress, checkpoints, and weights under their name only when done. */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { VouchError } from "../src/errors.js";
import { type Bundle, formatBundle } from "../src/files/bundle.js";
import { formatCheckpoint, parseCheckpoint } from "../src/files/checkpoint.js";
import type { Checkpoint, FitOptions, FitResult } from "../src/training/fit.js";
import type { Context, Outcome } from "./command.js";
import { within } from "./errors.js";
import { readFileOrExplain, writeFileAtomic } from "./files.js";
import { sealBundle } from "./model-bundle.js";
import { flag, type Options, text } from "./options.js";
import { beside } from "./paths.js";
import { openTrainingLog } from "./training-log.js";

export const trainingOptions = {
  resume: flag("Go on from the checkpoint beside --out, to the same numbers as without the interruption."),
  log: text("A line a step, JSON or CSV by the ending; by default beside --out.", "FILE.jsonl|FILE.csv", undefined),
};

/** What a recipe is handed: pass it on to `fit`. */
export type TrainingHooks = Pick<FitOptions, "resume" | "signal" | "onStep" | "onPhase">;

export interface Training {
  /** Where the weights go. */
  readonly target: string;
  readonly resume: boolean;
  /** Where the log goes; by default beside the weights. */
  readonly log: string | undefined;
  /** All that decides the numbers: a resumed training must ask for the same. */
  readonly identity: Readonly<Record<string, string | number>>;
  readonly phases: number;
  /** Optimizer steps in all. */
  readonly total: number;
  train(hooks: TrainingHooks): Promise<{ bundle: Bundle; result: FitResult }>;
  /** How to go on, in words. */
  readonly next: string;
}

/**
 * Train with a log, progress, a checkpoint at each phase boundary, and Ctrl-C or a full disk that leaves the last one.
 *
 * @throws file, saying what is kept; format or parameter if the checkpoint does not fit; what `train` throws
 */
export async function runTraining(context: Context<Options>, training: Training): Promise<Outcome> {
  const { name, out, signal } = context;
  const { target, phases, total, next } = training;
  const files = {
    checkpoint: beside(target, "checkpoint.safetensors"),
    log: training.log ?? beside(target, "log.jsonl"),
  };
  const identity = Object.fromEntries(Object.entries(training.identity).map(([key, value]) => [key, String(value)]));
  const start = await startOf(name, files.checkpoint, training.resume, identity);
  if (start) out.line(`Going on after phase ${start.phase + 1} of ${phases}.`);
  const log = await openTrainingLog(
    `${name}: --${training.log === undefined ? "out" : "log"}`,
    files.log,
    training.resume,
  );
  const bar = context.progress("train", total, "steps");
  let kept = start;
  let last = { t: start?.t ?? 0, loss: Number.NaN };
  const hooks: TrainingHooks = {
    ...(start ? { resume: start } : {}),
    signal,
    onStep(event) {
      last = event;
      log.write(event);
      const { loss, solverSteps, residual } = event;
      bar.update(event.t, `loss ${loss.toExponential(3)}, ${solverSteps} solver steps to ${residual.toExponential(1)}`);
    },
    async onPhase(checkpoint, event) {
      await writeFileAtomic(files.checkpoint, formatCheckpoint({ checkpoint, options: identity }));
      kept = checkpoint;
      log.write(event);
    },
  };
  const saved = () =>
    kept
      ? `${kept.phase + 1} of ${phases} phases are in ${files.checkpoint}. Go on with --resume.`
      : "There is no checkpoint to go on from: the first phase did not end.";
  const { bundle, result } = await sayingWhatIsKept(name, saved, () =>
    training.train(hooks).finally(() => {
      bar.stop();
      return log.close();
    }),
  );
  const parameters = Object.values(bundle.weights).reduce((sum, { data }) => sum + data.length, 0);
  const figures = {
    steps: last.t,
    loss: last.loss,
    validation: result.validation,
    phases: kept ? kept.phase + 1 : 0,
    parameters,
  };
  if (result.stopped === "cancelled") {
    out.line(`Stopped. ${saved()}`);
    return { figures, exit: 130 };
  }
  await sayingWhatIsKept(name, saved, async () => {
    await writeFileAtomic(target, formatBundle(bundle));
    await sealBundle(target);
  });
  await rm(files.checkpoint, { force: true });
  out.line(`Validation loss ${result.validation.toExponential(3)} after ${result.phases} phases, ${last.t} steps.`);
  out.line(`Weights written to ${target}, log to ${files.log}. Next: ${next}`);
  return { figures };
}

/** Do the work; where a file cannot be written, say what is left to go on from. */
async function sayingWhatIsKept<T>(name: string, saved: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof VouchError && error.code === "file")) throw error;
    const details = { ...error.details, name, remedy: `Make room, or check the folder. ${saved()}` };
    throw Object.assign(new VouchError("file", details), { cause: error });
  }
}

async function startOf(
  name: string,
  path: string,
  resume: boolean,
  identity: Readonly<Record<string, string>>,
): Promise<Checkpoint | undefined> {
  if (!resume) {
    if (!existsSync(path)) return undefined;
    throw new VouchError("file", {
      name: `${name}: --out`,
      expected: "a name without an unfinished training",
      got: `its checkpoint ${path}`,
      remedy: "Go on with --resume, delete the checkpoint, or choose another --out.",
    });
  }
  const called = `${name}: --resume`;
  const { checkpoint, options } = await within(`${called} ${path}`, async () =>
    parseCheckpoint(await readFileOrExplain(path, "a checkpoint")),
  );
  for (const key of Object.keys({ ...identity, ...options })) {
    if (options[key] === identity[key]) continue;
    throw new VouchError("parameter", {
      name: called,
      expected: `${key} ${options[key]}, as in the checkpoint`,
      got: `${identity[key]}`,
      remedy: "Resume with the options and data that training began with.",
    });
  }
  return checkpoint;
}
