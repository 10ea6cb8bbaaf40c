/** @file What a training hands on to `fit` from its own options: where it computes, and who follows it. */

import type { EngineOptions } from "../engine/session.js";
import type { FitOptions } from "./fit.js";

export interface RunOptions extends EngineOptions, Pick<FitOptions, "onStep" | "onPhase" | "resume" | "signal"> {}

const KEYS = ["onStep", "onPhase", "resume", "signal", "threads", "device"] as const satisfies (keyof RunOptions)[];

/** Those of the options that are run options, and given. */
export function runOptions(options: RunOptions): RunOptions {
  return Object.fromEntries(KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}
