/** @file The solver of mixed-integer programs, an optional peer, loaded when it is first wanted. */

import type { SolveMip } from "../src/applications/decisions/knapsack/exact.js";
import { VouchError } from "../src/errors.js";

/** HiGHS, which is handed problems as text. @throws engine if it is not installed */
export async function mipSolver(): Promise<SolveMip> {
  const module = await import("highs").catch((cause: unknown) => {
    const got = cause instanceof Error ? cause.message : String(cause);
    const details = { name: "mipSolver", expected: "the package highs", got, remedy: "npm install highs" };
    throw Object.assign(new VouchError("engine", details), { cause });
  });
  // Its types are those of CommonJS, where the loader is the default of the default.
  const load = module.default as unknown as (typeof module.default)["default"];
  const highs = await load();
  return (lp) => {
    const { Status, Columns } = highs.solve(lp);
    const columns = Object.entries(Columns).map(([name, column]) => [name, (column as { Primal: number }).Primal]);
    return { status: Status, columns: Object.fromEntries(columns) };
  };
}
