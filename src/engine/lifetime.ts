/** @file The end of what holds the engine's memory: once, and then every use is refused by name. */

import { VouchError } from "../errors.js";

export interface Lifetime {
  /** @throws parameter, in the caller's name, once disposed */
  require(caller: string): void;
  /** Releases at the first call; later calls wait for it. */
  dispose(): Promise<void>;
}

/** @param what  for the error: "session", "model" */
export function lifetime(what: string, release: () => Promise<void>): Lifetime {
  let ended: Promise<void> | undefined;
  return {
    require(caller) {
      if (ended === undefined) return;
      throw new VouchError("parameter", {
        name: caller,
        expected: `a live ${what}`,
        got: "a disposed one",
        remedy: `Make the ${what} again.`,
      });
    },
    dispose() {
      ended ??= release();
      return ended;
    },
  };
}
