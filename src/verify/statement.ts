/** @file What a receipt states: an in-toto statement about one inference. */

import { z } from "zod";
import { type Read, readCanonical } from "./json.js";

export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const PREDICATE_TYPE = "urn:vouch:inference:v1";

/** A statement is small: arrays are named by digest. */
export const STATEMENT_LIMITS = { size: 1 << 19, depth: 12 } as const;

/** A float64 in the shortest decimals that read back as it, as ECMAScript prints it. */
const decimal = z.string().regex(/^(?:-?\d{1,22}(?:\.\d{1,24})?(?:e[+-]\d{1,3})?|-?Infinity|NaN)$/);
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().regex(/^[^\p{Cc}]{1,64}$/u);
const count = z.int().min(0).max(1e9);
const label = z.enum(["pass", "warning", "fail"]);

/** An array by the SHA-256 of its .npy file. */
const array = z.strictObject({
  sha256: hex,
  /** Axis 0 is the sample. */
  sample: z.boolean(),
  /** The array times this number. */
  times: decimal.optional(),
});

/** A set, function, operator or property by its kind. */
const block = z.strictObject({
  kind: name,
  numbers: z.record(name, decimal),
  arrays: z.record(name, array),
});

const term = z.strictObject({
  name,
  function: block,
  /** S in f(Sx); the identity where absent. */
  operator: block.optional(),
  /** Where the label is not of the function's own property. */
  property: block.optional(),
});

const optimality = z.discriminatedUnion("verdict", [
  z.strictObject({
    verdict: z.literal("VERIFIED"),
    primal: decimal,
    dual: decimal,
    gap: decimal,
    relativeGap: decimal,
    /** By term: the most its excess can be; ≤ 0. */
    constraints: z.record(name, decimal),
  }),
  z.strictObject({ verdict: z.literal("UNVERIFIABLE"), reason: name }),
]);

const rank = { k: count.min(1), of: count.min(1) };

const figures = z.strictObject({
  optimality,
  /** By term: property value, p-value k/of, label. */
  labels: z.record(name, z.strictObject({ value: decimal, ...rank, label })),
  joint: z.discriminatedUnion("verdict", [
    z.strictObject({ verdict: z.literal("TESTED"), ...rank, label, culprits: z.array(name).max(32) }),
    z.strictObject({ verdict: z.literal("REFUSED"), enough: count }),
  ]),
});

const predicate = z.strictObject({
  version: z.literal(1),
  /** Version of the code that made the receipt; stated by the signer, not checked. */
  code: z.strictObject({ vouch: name }),
  /** How the answer was found; stated by the signer, not checked. */
  run: z.strictObject({ model: name, status: name, steps: count }),
  problem: z.strictObject({
    /** Shape of x for one sample. */
    x: z.array(count.min(1)).min(1).max(8),
    terms: z.array(term).min(1).max(32),
    prior: decimal.optional(),
    slack: z.record(name, decimal).optional(),
  }),
  /** Data by name: .npy files. */
  inputs: z.record(name, hex),
  /** Dual vectors by term: .npy files. */
  witness: z.record(name, hex),
  calibration: z.strictObject({ sha256: hex, commitment: hex }),
  levels: z.strictObject({ fail: decimal, warning: decimal }),
  figures,
  /** SHA-256 of the envelope before this one in a log; null for the first, and outside logs. */
  previous: hex.nullable(),
});

export const statementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([z.strictObject({ name: z.literal("x"), digest: z.strictObject({ sha256: hex }) })]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate,
});

export type Statement = z.infer<typeof statementSchema>;
export type Predicate = Statement["predicate"];
export type Figures = Predicate["figures"];
export type BlockStatement = z.infer<typeof block>;
export type ArrayStatement = z.infer<typeof array>;

/**
 * The statement in a payload.
 *
 * deviates from in-toto's parsing rules: fields that are not known are refused, because nothing would check them.
 */
export function readStatement(payload: Uint8Array): Read<Statement> {
  const json = readCanonical(payload, STATEMENT_LIMITS);
  if (!json.ok) return json;
  const parsed = statementSchema.safeParse(json.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  return {
    ok: false,
    because: `not a statement of an inference: ${issue!.message} at ${issue!.path.join(".") || "its root"}`,
  };
}
