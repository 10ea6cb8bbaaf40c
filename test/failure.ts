/** @file The error of work that must fail. */

import { expect } from "vitest";
import { VouchError } from "../src/errors.js";

/** What an attempt throws, which must be an error of the library. */
export async function failure(attempt: Promise<unknown>): Promise<VouchError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VouchError);
  return error as VouchError;
}

/** The same of work without a promise. */
export function thrown(attempt: () => unknown): VouchError {
  let error: unknown;
  try {
    attempt();
  } catch (reason) {
    error = reason;
  }
  expect(error).toBeInstanceOf(VouchError);
  return error as VouchError;
}
