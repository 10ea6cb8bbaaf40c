/** @file The common reference of the CT table: one calibrated regularizer that every method's images are measured by. */

import type { Measurement } from "../src/applications/ct/examples.js";
import { NOISE_LEVEL } from "../src/applications/ct/examples.js";
import { l2oMethod, solverData } from "../src/applications/ct/methods.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { conformalLabel } from "../src/certificates/labels.js";
import { measureProperties } from "../src/certificates/measure.js";
import type { Float32 } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import { parseBundle } from "../src/files/bundle.js";
import type { Context } from "./command.js";
import { loadCalibrations, pickCalibration } from "./ct.js";
import { within } from "./errors.js";
import { readBundled } from "./model-bundle.js";
import type { Options } from "./options.js";

/** False-alarm rate of a failure on trusted inferences. */
const LEVEL = 0.05;

/** Of each image of a batch, whether the regularization of the reference fails. */
export type Reference = (measurements: readonly Measurement[], x: Float32) => boolean[];

/**
 * The regularization of the learned convex model, calibrated on its own inferences of held-out images: the same for all methods.
 * Undefined, with a line that says why, where the calibrations beside the weights are not there or not of this scan.
 *
 * @throws file, format, if calibrations that were named do not fit
 */
export async function commonReference(
  context: Pick<Context<Options>, "name" | "out">,
  ct: Tomography,
  options: { readonly model: string; readonly calibration: string | undefined },
): Promise<Reference | undefined> {
  const { name, out } = context;
  try {
    const calibrations = await loadCalibrations(context as Context<Options>, options);
    const bundle = await within(`${name}: --model`, async () =>
      parseBundle(await readBundled(options.model, "weights (.safetensors)")),
    );
    const { model, weights, ...rest } = l2oMethod(ct, bundle);
    const calibration = await pickCalibration(
      context as Context<Options>,
      calibrations,
      { model, weights, ...rest },
      ct,
      NOISE_LEVEL,
    );
    const trusted = calibration.values["regularization"]!;
    const count = trusted.length;
    out.line(
      `Regularization fails against ${count} held-out inferences of the learned convex model, at ${100 * LEVEL} %.`,
    );
    return (measurements, x) =>
      measureProperties(model, weights, solverData(measurements), x).map(
        ({ regularization }) => conformalLabel(trusted, regularization!.value, { fail: LEVEL }).label === "fail",
      );
  } catch (error) {
    if (options.calibration !== undefined || !(error instanceof VouchError)) throw error;
    out.line(`Regularization is not judged, as there is no common reference: ${error.message}`);
    return undefined;
  }
}
