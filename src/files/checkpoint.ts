/** @file A training checkpoint as a file: weights, optimizer state and where training stands. */

import { z } from "zod";
import { VouchError } from "../errors.js";
import type { Weights } from "../model.js";
import type { Checkpoint } from "../training/fit.js";
import { formatSafetensors, parseSafetensors } from "./safetensors.js";

export interface CheckpointFile {
  readonly checkpoint: Checkpoint;
  /** What the training was asked for: to resume it to the same numbers, ask for the same. */
  readonly options: Readonly<Record<string, string>>;
}

/** JSON has no NaN, which is the best validation loss before any. */
const number = z.string().transform(Number);
const stateSchema = z.object({
  phase: z.int().nonnegative(),
  t: z.int().nonnegative(),
  best: z.object({ validation: number, phase: z.int().nonnegative() }),
  options: z.record(z.string(), z.string()),
});

const parts = ["weights", "slots", "best"] as const;

/** Write a checkpoint: equal content gives equal bytes. */
export function formatCheckpoint({ checkpoint, options }: CheckpointFile): Uint8Array {
  const { phase, t, weights, slots, best } = checkpoint;
  const tensors = { weights, slots, best: best.weights };
  const named = parts.flatMap((part) => Object.entries(tensors[part]).map(([key, array]) => [`${part}/${key}`, array]));
  const state = {
    phase,
    t,
    best: { validation: String(best.validation), phase: best.phase },
    options: Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return formatSafetensors(Object.fromEntries(named), { "vouch.checkpoint": JSON.stringify(state) });
}

/** Read a checkpoint. @throws format if the bytes are not safetensors with the state of a training */
export function parseCheckpoint(bytes: Uint8Array): CheckpointFile {
  const { tensors, metadata } = parseSafetensors(bytes);
  const state = stateSchema.safeParse(readJson(metadata["vouch.checkpoint"]));
  if (!state.success) throw refuse("no state of a training");
  const part = (name: (typeof parts)[number]): Weights =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([key]) => key.startsWith(`${name}/`))
        .map(([key, array]) => [key.slice(name.length + 1), array]),
    );
  const { phase, t, best, options } = state.data;
  const checkpoint = {
    phase,
    t,
    weights: part("weights"),
    slots: part("slots"),
    best: { ...best, weights: part("best") },
  };
  const names = (weights: Weights) => Object.keys(weights).join();
  if (names(checkpoint.weights) !== names(checkpoint.best.weights)) throw refuse("weights that do not fit together");
  return { checkpoint, options };
}

function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

function refuse(got: string): VouchError {
  return new VouchError("format", {
    name: "parseCheckpoint",
    expected: "a checkpoint written by Vouch",
    got,
    remedy: "Pass a file made by `vouch train`, or start anew.",
  });
}
