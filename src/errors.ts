/** @file Every error the library throws. Codes are API, sentences may improve. */

export type ErrorCode =
  /** A parameter is outside its range. */
  | "parameter"
  /** Arrays do not fit together. */
  | "shape"
  /** Input data is not usable: NaN, Inf, outside the scale. */
  | "data"
  /** A file's bytes are not what its format says. */
  | "format"
  /** A file or folder cannot be read or written. */
  | "file"
  /** No splitting fits the problem. */
  | "problem"
  /** The solver ended without a fixed point. */
  | "convergence"
  /** A certificate cannot be given, or does not pass. */
  | "certificate"
  /** ONNX Runtime is missing, lacks the device asked for, or failed on it. */
  | "engine"
  /** The caller asked for the work to stop. */
  | "cancelled";

/** What every error says: the public function called, what was expected, what came, what to do about it. */
export interface ErrorDetails {
  /** Public function the user called. */
  readonly name: string;
  readonly expected: string;
  readonly got: string;
  readonly remedy: string;
}

/** The one error class of the library: `NAME: expected EXPECTED, got GOT. REMEDY` */
export class VouchError extends Error {
  override readonly name = "VouchError";
  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails,
  ) {
    super(`${details.name}: expected ${details.expected}, got ${details.got}. ${details.remedy}`);
  }
}
