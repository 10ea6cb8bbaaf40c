/** @file Packages that only some formats need, loaded at first use. */

import { VouchError } from "../errors.js";

/** The package, or an error that says how to install it. @param name  public function the user called */
export async function optional<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  return load().catch((cause: unknown) => {
    const error = new VouchError("file", {
      name,
      expected: `the package ${what}, an optional peer of this one`,
      got: cause instanceof Error ? cause.message.split("\n")[0]! : String(cause),
      remedy: `npm install ${what}`,
    });
    throw Object.assign(error, { cause });
  });
}
