/** @file Every error the library throws: one table from code to sentence. Codes are API, sentences may improve. */

type Details = Record<string, string | number>;

const sentences = {
  /** A parameter is outside its range. */
  parameter: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** Arrays do not fit together. */
  shape: (d: Details) => `${d["name"]}: expected shape ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** Input data is not usable: NaN, Inf, truncated, outside the scale. */
  data: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** A file's bytes are not what its format says. */
  format: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** A file or folder cannot be read or written. */
  file: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** No splitting fits the problem. */
  problem: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** The solver ended without a fixed point. */
  convergence: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** A certificate cannot be given. */
  certificate: (d: Details) => `${d["name"]}: expected ${d["expected"]}, got ${d["got"]}. ${d["remedy"]}`,
  /** The caller asked for the work to stop. */
  cancelled: (d: Details) => `${d["name"]}: cancelled after ${d["got"]}. ${d["remedy"]}`,
} as const;

export type ErrorCode = keyof typeof sentences;

/** What every error says: the public function called, what was expected, what came, what to do about it. */
export interface ErrorDetails {
  /** Public function the user called. */
  readonly name: string;
  readonly expected: string;
  readonly got: string;
  readonly remedy: string;
}

/** The one error class of the library. `code` is stable; `details` holds the parts of the sentence. */
export class VouchError extends Error {
  override readonly name = "VouchError";
  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails,
  ) {
    super(sentences[code]({ ...details }));
  }
}
