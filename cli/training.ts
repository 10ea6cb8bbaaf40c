/** @file A training run on the command line: log, progress, checkpoints, and weights under their name only when done. */

import { existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { VouchError } from "../src/errors.js";
import { type Bundle, formatBundle } from "../src/files/bundle.js";
import { formatCheckpoint, parseCheckpoint } from "../src/files/checkpoint.js";
import type { Checkpoint, FitOptions, FitResult } from "../src/training/fit.js";
import { sealBundle } from "./bundle.js";
import type { Context, Outcome } from "./command.js";
import { within } from "./errors.js";
import { makeFolder, readFileOrExplain, writeFileAtomic } from "./files.js";
import { flag, type Options } from "./options.js";
import { beside } from "./paths.js";

export const resumeOption = {
  resume: flag("Go on from the checkpoint beside --out, to the same numbers as without the interruption."),
};

/** What a recipe is handed: pass it on to `fit`. */
export type TrainingHooks = Pick<FitOptions, "resume" | "signal" | "onStep" | "onPhase">;

export interface Training {
  /** Where the weights go. */
  readonly target: string;
  readonly resume: boolean;
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
 * Train with a JSONL log, progress, a checkpoint at each phase boundary, and Ctrl-C that keeps the last one.
 *
 * @throws file; format or parameter if the checkpoint does not fit; what `train` throws
 */
export async function runTraining(context: Context<Options>, training: Training): Promise<Outcome> {
  const { name, out, signal } = context;
  const { target, phases, total, next } = training;
  const files = { checkpoint: beside(target, "checkpoint.safetensors"), log: beside(target, "log.jsonl") };
  const identity = Object.fromEntries(Object.entries(training.identity).map(([key, value]) => [key, String(value)]));
  const start = await startOf(name, files.checkpoint, training.resume, identity);
  if (start) out.line(`Going on after phase ${start.phase + 1} of ${phases}.`);
  const log = await openLog(name, files.log, training.resume);
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
  let trained: Awaited<ReturnType<Training["train"]>>;
  try {
    trained = await training.train(hooks);
  } finally {
    bar.stop();
    await log.close();
  }
  const { bundle, result } = trained;
  const parameters = Object.values(bundle.weights).reduce((sum, { data }) => sum + data.length, 0);
  const figures = {
    steps: last.t,
    loss: last.loss,
    validation: result.validation,
    phases: kept ? kept.phase + 1 : 0,
    parameters,
  };
  if (result.stopped === "cancelled") {
    out.line(
      kept
        ? `Stopped; ${kept.phase + 1} of ${phases} phases are in ${files.checkpoint}. Go on with --resume.`
        : "Stopped before the end of the first phase: there is no checkpoint to go on from.",
    );
    return { figures, exit: 130 };
  }
  await writeFileAtomic(target, formatBundle(bundle));
  await sealBundle(target);
  await rm(files.checkpoint, { force: true });
  out.line(`Validation loss ${result.validation.toExponential(3)} after ${result.phases} phases, ${last.t} steps.`);
  out.line(`Weights written to ${target}, log to ${files.log}. Next: ${next}`);
  return { figures };
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

/** A log of one JSON object a line, with the time: begun anew, or gone on with. */
async function openLog(name: string, path: string, goOn: boolean) {
  await within(`${name}: --out`, () => makeFolder(dirname(path)));
  const handle = await open(path, goOn ? "a" : "w").catch((error: unknown) => {
    throw new VouchError("file", {
      name: `${name}: --out`,
      expected: `${path} to be writable`,
      got: error instanceof Error ? error.message : String(error),
      remedy: "Check the folder and its permissions.",
    });
  });
  let written: Promise<unknown> = Promise.resolve();
  return {
    write(entry: object) {
      const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
      written = written.then(() => handle.write(line));
    },
    async close() {
      await written;
      await handle.close();
    },
  };
}
