/** @file A tiny scan and model, on which every command takes seconds at most. */

import { learnedConvex } from "../../src/applications/ct/models.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { formatBundle } from "../../src/files/bundle.js";

export const SIZE = 16;
export const VIEWS = 8;

/** Options that name the scan. */
export const tinyScan = ["--image-size", `${SIZE}`, "--angles", `${VIEWS}`, "--threads", "1"];

export const tinyCt = tomography({ size: SIZE, angles: VIEWS });

/** Weights that were not trained, strong enough to converge in some hundred steps. */
export function tinyBundle(): Uint8Array {
  const options = { count: 4, size: 3, rho: 0.8 };
  const { K, tau } = learnedConvex(tinyCt, options).initialWeights();
  const strong = { shape: tau!.shape, data: tau!.data.map((value) => value + Math.log(100)) };
  return formatBundle({ manifest: { model: "ct-convex", options, card: {} }, weights: { K: K!, tau: strong } });
}
