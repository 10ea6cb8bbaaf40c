/** @file Calibration: property values of trusted samples, with the digests of what they were measured on. */

import { z } from "zod";
import { VouchError } from "../errors.js";
import { commitment } from "../verify/commitment.js";

/** Eq. (13)'s two reference sets: is an inference like the truth, or like the model's usual inferences? */
export type Reference = "truth" | "inferences";

export interface Calibration {
  readonly version: 2;
  readonly reference: Reference;
  /** "sha256:…" of each sample, distinct, sorted. */
  readonly samples: readonly string[];
  /** By property: one value ≥ 0 a sample, in the order of `samples`. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** Group of each sample, in the order of `samples`: "low dose", "patient 3". */
  readonly groups?: readonly string[];
  /** "sha256:…", Merkle root of all of the above: published before use, it fixes every sample and value. */
  readonly commitment: string;
}

export interface CalibrateOptions {
  /** By property: one finite value ≥ 0 for each of `samples`. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  readonly reference: Reference;
  /** Digest of each sample's data. */
  readonly samples: readonly string[];
  /** Digests of the data the model was trained on. */
  readonly trainedOn?: readonly string[];
  /** One a sample. */
  readonly groups?: readonly string[];
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * The calibration of a model's properties on held-out samples; plain and JSON-serialisable.
 *
 * Calibrated on training inferences, labels are wrong: least squares with 50 unknowns and 200 samples fails 13 % of honest
 * inferences at a level of 5 %.
 *
 * @throws data if a value is negative or not finite, or the counts differ; certificate if a sample was trained on, comes twice
 * or has no digest
 */
export function calibrate({ values, reference, samples, trainedOn = [], groups }: CalibrateOptions): Calibration {
  requireDigests([...samples, ...trainedOn]);
  const trained = new Set(trainedOn);
  const leaked = samples.findIndex((digest) => trained.has(digest));
  if (leaked >= 0) {
    throw refused("samples that were not trained on", `sample ${leaked} (${samples[leaked]}) among trainedOn`);
  }
  const seen = new Set<string>();
  const repeated = samples.findIndex((digest) => seen.size === seen.add(digest).size);
  if (repeated >= 0) throw refused("distinct samples", `sample ${repeated} (${samples[repeated]}) a second time`);
  for (const [property, list] of Object.entries(values)) {
    const bad = list.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
    if (bad >= 0) throw unusable(property, "finite values ≥ 0", `${list[bad]} for sample ${bad}`);
    if (list.length !== samples.length) {
      throw unusable(property, `${samples.length} values, one a sample`, `${list.length}`);
    }
  }
  if (groups && groups.length !== samples.length) {
    throw unusable("groups", `${samples.length} groups, one a sample`, `${groups.length}`);
  }
  const order = samples.map((_, i) => i).sort((a, b) => (samples[a]! < samples[b]! ? -1 : 1));
  return committed({
    version: 2,
    reference,
    samples: order.map((i) => samples[i]!),
    values: Object.fromEntries(
      Object.entries(values).map(([property, list]) => [property, order.map((i) => list[i]!)]),
    ),
    ...(groups ? { groups: order.map((i) => groups[i]!) } : {}),
  });
}

/**
 * The samples of one group with their values: what labels of its members compare with (Mondrian conformal).
 *
 * @throws certificate naming the groups if there is no such group
 * @source Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, §4.5
 */
export function ofGroup(calibration: Calibration, group: string): Calibration {
  const { samples, values, groups = [], reference } = calibration;
  const members = samples.flatMap((_, i) => (groups[i] === group ? [i] : []));
  if (members.length === 0) {
    throw new VouchError("certificate", {
      name: "ofGroup",
      expected: `a group of the calibration (${[...new Set(groups)].join(", ") || "it has none"})`,
      got: `"${group}"`,
      remedy: "Calibrate on samples of this group.",
    });
  }
  const pick = <T>(list: readonly T[]) => members.map((i) => list[i]!);
  return committed({
    version: 2,
    reference,
    samples: pick(samples),
    values: Object.fromEntries(Object.entries(values).map(([property, list]) => [property, pick(list)])),
    groups: pick(groups),
  });
}

function committed(calibration: Omit<Calibration, "commitment">): Calibration {
  return { ...calibration, commitment: `sha256:${commitment(calibration)}` };
}

const stored = z
  .strictObject({
    version: z.literal(2),
    reference: z.enum(["truth", "inferences"]),
    samples: z.array(z.string().regex(DIGEST)),
    values: z.record(z.string(), z.array(z.number().min(0))),
    groups: z.array(z.string()).optional(),
    commitment: z.string().regex(DIGEST),
  })
  .refine(({ samples }) => new Set(samples).size === samples.length, "a sample twice")
  .refine(
    ({ samples, values }) => Object.values(values).every((list) => list.length === samples.length),
    "not one value a sample",
  )
  .refine(({ samples, groups }) => groups === undefined || groups.length === samples.length, "not one group a sample")
  .refine(({ samples }) => samples.every((digest, i) => i === 0 || samples[i - 1]! < digest), "samples not ascending")
  .refine(
    ({ commitment: stated, ...rest }) => stated === `sha256:${commitment(rest)}`,
    "another commitment than that of its content",
  );

/** The calibration in parsed JSON. @throws format */
export function parseCalibration(json: unknown): Calibration {
  const result = stored.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new VouchError("format", {
      name: "parseCalibration",
      expected: "a calibration, version 2",
      got: `${issue!.message}${issue!.path.length > 0 ? ` at ${issue!.path.join(".")}` : ""}`,
      remedy: "Use a file that `calibrate` made.",
    });
  }
  const { groups, ...rest } = result.data;
  return groups === undefined ? rest : { ...rest, groups };
}

/** "sha256:" and the hex SHA-256 of the bytes; of an array's little-endian bytes. @throws parameter where there is no WebCrypto */
export async function digest(bytes: Uint8Array | Float32Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new VouchError("parameter", {
      name: "digest",
      expected: "WebCrypto",
      got: "no crypto.subtle",
      remedy: "Serve the page over https or from localhost.",
    });
  }
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const hash = new Uint8Array(await subtle.digest("SHA-256", copy));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function requireDigests(digests: readonly string[]): void {
  const bad = digests.find((digest) => !DIGEST.test(digest));
  if (bad !== undefined) throw refused('digests "sha256:" and 64 hex digits', `"${bad}"`, "Make them with `digest`.");
}

function refused(expected: string, got: string, remedy = "Calibrate on held-out samples, each once."): VouchError {
  return new VouchError("certificate", { name: "calibrate", expected, got, remedy });
}

function unusable(property: string, expected: string, got: string): VouchError {
  return new VouchError("data", {
    name: `calibrate: "${property}"`,
    expected,
    got,
    remedy: "Leave the sample out of every property, with its digest.",
  });
}
