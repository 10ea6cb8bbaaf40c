/** @file The scan that sinograms were made with, as their file records it, and whether it is the one at hand. */

import { z } from "zod";
import type { Geometry } from "../src/applications/ct/geometry.js";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { VouchError } from "../src/errors.js";

const scan = z.strictObject({
  /** "papers" is their matrix; others are exact lengths of rays. */
  beam: z.string(),
  rows: z.enum(["unit", "plain"]),
  /** Views and detectors of the sinogram. */
  sinogram: z.tuple([z.int(), z.int()]),
  size: z.int(),
  /** Millimetres, and degrees. */
  pixel: z.number(),
  centre: z.tuple([z.number(), z.number()]),
  angles: z.array(z.number()),
  spacing: z.number(),
  shift: z.number(),
  sourceToAxis: z.number().optional(),
  sourceToDetector: z.number().optional(),
});
export type Scan = z.infer<typeof scan>;

/** What stands in the member `record` of a .npz of `data simulate`, as JSON. */
const record = z.strictObject({
  version: z.literal(1),
  scan,
  noise: z.strictObject({ level: z.number(), seed: z.int() }),
  source: z.string(),
  /** One a slice. */
  patients: z.array(z.string()),
});
export type SimulationRecord = z.infer<typeof record>;

/** @throws format if the bytes are no record */
export function parseRecord(bytes: Uint8Array): SimulationRecord {
  const refuse = (got: string) =>
    new VouchError("format", {
      name: "parseRecord",
      expected: "the record of a simulation, in JSON",
      got,
      remedy: "Make the file again: vouch data simulate.",
    });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  const parsed = record.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(`${issue!.message} at ${issue!.path.join(".")}`);
}

/** What no geometry says of itself. */
type Beam = Pick<Scan, "beam" | "rows" | "sourceToAxis" | "sourceToDetector">;

/** A scan as it is recorded. */
export function describeScan(geometry: Geometry, sinogram: Tomography["sinogram"], beam: Beam): Scan {
  const { size, pixel, centre, angles, spacing, shift } = geometry;
  return { ...beam, sinogram: [...sinogram], size, pixel, centre: [...centre], angles: [...angles], spacing, shift };
}

/** The papers' scan. */
export function describePapers({ geometry, sinogram }: Tomography): Scan {
  return describeScan(geometry, sinogram, { beam: "papers", rows: "unit" });
}

/** "30 views from 3° to 177°, 183 detectors, the papers' beam, 128² pixels of 1 mm, rows of unit norm". */
export function scanInWords({ beam, rows, sinogram, size, pixel, angles, ...fan }: Scan): string {
  const [views, detectors] = sinogram;
  const ends = [Math.min(...angles), Math.max(...angles)].map((angle) => `${Number(angle.toFixed(2))}°`);
  const distances = beam === "fan" ? ` of ${fan.sourceToAxis} and ${fan.sourceToDetector} mm` : "";
  return [
    `${views} views from ${ends.join(" to ")}`,
    `${detectors} detectors`,
    beam === "papers" ? "the papers' beam" : `${beam} beam${distances}`,
    `${size}² pixels of ${Number(pixel.toPrecision(6))} mm`,
    rows === "unit" ? "rows of unit norm" : "line integrals",
  ].join(", ");
}

/**
 * Sinograms were made with this scan, as far as their file says.
 *
 * @param theirs  undefined where the file says nothing
 * @throws shape naming both scans and what differs
 */
export function requireScan(name: string, theirs: Scan | undefined, ct: Tomography): void {
  if (theirs === undefined) return;
  const ours = describePapers(ct);
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])] as (keyof Scan)[];
  const different = keys.filter((key) => JSON.stringify(ours[key]) !== JSON.stringify(theirs[key]));
  if (different.length === 0) return;
  throw new VouchError("shape", {
    name,
    expected: `sinograms of this scan: ${scanInWords(ours)}`,
    got: `${scanInWords(theirs)} (they differ in ${different.join(", ")})`,
    remedy: "Give --image-size and --angles of the scan; the library solves other geometries, `tomographyOf`.",
  });
}
