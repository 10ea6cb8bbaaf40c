/** @file certificate.json: every inference of a run with its certificates, and what they rest on. */

import { methodDigest } from "../src/applications/ct/calibrations.js";
import type { Measurement } from "../src/applications/ct/examples.js";
import type { Method } from "../src/applications/ct/methods.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { type Calibration, digest } from "../src/certificates/calibration.js";
import type { Result } from "../src/certificates/certify.js";
import { version } from "./paths.js";

export interface CertifiedInference {
  /** What was measured: "phantom 1". */
  readonly name: string;
  readonly measurement: Measurement;
  readonly method: Method;
  readonly calibration: Calibration;
  readonly result: Result;
}

/** The bytes of certificate.json. Figures are JSON numbers; what is not finite is null. */
export async function certificateFile(
  inferences: readonly CertifiedInference[],
  ct: Tomography,
  noise: { readonly level?: number; readonly simulated: boolean },
): Promise<Uint8Array> {
  const entries = await Promise.all(
    inferences.map(async ({ name, measurement, method, calibration, result }) => ({
      name,
      method: method.name,
      model: await methodDigest(method),
      measurement: { d: await digest(measurement.d), delta: measurement.radius },
      x: await digest(result.x.data),
      calibration: {
        samples: calibration.samples.length,
        reference: calibration.reference,
        commitment: calibration.commitment,
      },
      status: result.status,
      trustworthy: result.trustworthy,
      joint: result.joint,
      objective: result.objective,
      optimality: result.optimality,
      certificates: result.certificates,
    })),
  );
  const scan = { size: ct.size, sinogram: ct.sinogram };
  return new TextEncoder().encode(`${JSON.stringify({ vouch: version, scan, noise, inferences: entries }, null, 2)}\n`);
}
