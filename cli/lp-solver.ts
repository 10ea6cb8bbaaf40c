/** @file The solver of linear programs, an optional peer, loaded when it is first wanted. */

import { highsSolver, type LpSolver } from "../src/applications/implicit/robust/linear-relaxation.js";
import { VouchError } from "../src/errors.js";

/** HiGHS. @throws engine if it is not installed */
export async function lpSolver(): Promise<LpSolver> {
  const module = await import("highs").catch((cause: unknown) => {
    const got = cause instanceof Error ? cause.message : String(cause);
    const details = { name: "lpSolver", expected: "the package highs", got, remedy: "npm install highs" };
    throw Object.assign(new VouchError("engine", details), { cause });
  });
  // Its types are those of CommonJS, where the loader is the default of the default.
  const load = module.default as unknown as (typeof module.default)["default"];
  return highsSolver(await load());
}
