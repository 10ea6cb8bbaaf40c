/** @file The option of a key that a command cannot do without. */

import { VouchError } from "../src/errors.js";
import { text } from "./options.js";

export function keyOption(summary: string) {
  return { key: text(summary, "FILE", undefined) };
}

/** @throws parameter if it was not given */
export function requireKey(name: string, path: string | undefined): string {
  if (path !== undefined) return path;
  throw new VouchError("parameter", {
    name: `${name}: --key`,
    expected: "a key file",
    got: "none",
    remedy: "Make a key with `vouch keygen`; whoever verifies needs its .pub file.",
  });
}
