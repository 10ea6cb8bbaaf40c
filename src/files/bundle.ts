/** @file A model file: weights with what is needed to rebuild the model and to know where it came from. */

import { z } from "zod";
import { VouchError } from "../errors.js";
import type { Weights } from "../model.js";
import { formatSafetensors, parseSafetensors } from "./safetensors.js";

const manifestSchema = z.object({
  /** Which model definition the weights belong to. */
  model: z.string(),
  /** Numbers the definition takes: filter count, ρ, … */
  options: z.record(z.string(), z.number()),
  /** What it was trained on and how it scored, for people. */
  card: z.record(z.string(), z.string()),
  /** "sha256:…" of each training and validation image's float32 values: never to be calibrated on. */
  trainedOn: z.array(z.string()).default([]),
});

/** `trainedOn` may be left out where nothing was trained. */
export type Manifest = z.input<typeof manifestSchema>;

export interface Bundle {
  readonly manifest: Manifest;
  readonly weights: Weights;
}

/** Read a model file. @throws format if the bytes are not safetensors with a Vouch manifest */
export function parseBundle(bytes: Uint8Array): Bundle {
  const { tensors, metadata } = parseSafetensors(bytes);
  const text = metadata["vouch"];
  const parsed = text === undefined ? undefined : manifestSchema.safeParse(readJson(text));
  if (!parsed?.success) {
    throw new VouchError("format", {
      name: "parseBundle",
      expected: "a model file written by Vouch",
      got: text === undefined ? "safetensors without a manifest" : "a manifest that does not fit",
      remedy: "Pass a file made by `vouch train`.",
    });
  }
  return { manifest: parsed.data, weights: tensors };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VouchError("format", {
      name: "parseBundle",
      expected: "a JSON manifest",
      got: String(cause),
      remedy: "Pass a file made by `vouch train`.",
    });
  }
}

/** Write a model file: equal content gives equal bytes. */
export function formatBundle({ manifest, weights }: Bundle): Uint8Array {
  return formatSafetensors(weights, { vouch: JSON.stringify(manifest) });
}
