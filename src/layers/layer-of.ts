/** @file The layer that a term was made of. */

import type { Proximable, Smooth } from "../functions/function.js";
import type { Layer } from "./layer.js";
import type { LearnedProx } from "./learned-prox.js";
import type { LearnedSmooth } from "./learned-smooth.js";

/** The layer of a learnedProx or learnedSmooth; undefined of any other function. */
export function layerOf(f: Proximable | Smooth): Layer | undefined {
  return "layer" in f ? (f as LearnedProx | LearnedSmooth).layer : undefined;
}
