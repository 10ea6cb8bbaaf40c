/** @file Calibrations of CT methods: which method, scan and noise they hold for. */

import { z } from "zod";
import { type Calibration, digest, parseCalibration } from "../../certificates/calibration.js";
import { VouchError } from "../../errors.js";
import { formatSafetensors } from "../../files/safetensors.js";
import type { Method } from "./methods.js";
import type { Tomography } from "./tomography.js";

/** One calibration a method, all on the same scan. */
export interface CtCalibrations {
  readonly version: 1;
  /** Image side and number of views. */
  readonly scan: { readonly size: number; readonly angles: number };
  /** Relative noise level of the measurements. */
  readonly noise: number;
  /** What they were measured on, in words: "199 generated Ellipses phantoms". */
  readonly data: string;
  readonly methods: Readonly<Record<string, { readonly model: string; readonly calibration: Calibration }>>;
}

const stored = z.strictObject({
  version: z.literal(1),
  scan: z.strictObject({ size: z.int().positive(), angles: z.int().positive() }),
  noise: z.number().nonnegative(),
  data: z.string(),
  methods: z.record(z.string(), z.strictObject({ model: z.string(), calibration: z.unknown() })),
});

/** "sha256:…" of what a method computes with: its name, ρ, other constants and weights. */
export function methodDigest({ name, rho, constants = {}, weights }: Method): Promise<string> {
  const others = Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, String(value)]));
  return digest(formatSafetensors(weights, { method: name, rho: String(rho), ...others }));
}

/** Calibrations in parsed JSON. @throws format */
export function parseCtCalibrations(json: unknown): CtCalibrations {
  const result = stored.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new VouchError("format", {
      name: "parseCtCalibrations",
      expected: "calibrations of CT methods, version 1",
      got: `${issue!.message}${issue!.path.length > 0 ? ` at ${issue!.path.join(".")}` : ""}`,
      remedy: "Use a file that `vouch calibrate` made.",
    });
  }
  const { methods, ...rest } = result.data;
  const parsed = Object.entries(methods).map(([name, { model, calibration }]) => [
    name,
    { model, calibration: parseCalibration(calibration) },
  ]);
  return { ...rest, methods: Object.fromEntries(parsed) };
}

/** The calibration of a method on this scan. @throws format if it was made for another method, weights, scan or noise */
export async function calibrationOf(
  calibrations: CtCalibrations,
  method: Method,
  ct: Tomography,
  noise: number,
): Promise<Calibration> {
  const { scan } = calibrations;
  const known = calibrations.methods[method.name];
  const expected = `${method.name} with these weights on ${ct.size}² pixels, ${ct.sinogram[0]} views, noise ${noise}`;
  const refuse = (got: string) =>
    new VouchError("format", {
      name: "calibrationOf",
      expected: `calibrations of ${expected}`,
      got,
      remedy: "Make them for this model with `vouch calibrate`.",
    });
  if (known === undefined) throw refuse(`those of ${Object.keys(calibrations.methods).join(", ") || "none"}`);
  if (scan.size !== ct.size || scan.angles !== ct.sinogram[0] || calibrations.noise !== noise) {
    throw refuse(`those of ${scan.size}² pixels, ${scan.angles} views, noise ${calibrations.noise}`);
  }
  if (known.model !== (await methodDigest(method))) throw refuse("those of other weights");
  return known.calibration;
}
