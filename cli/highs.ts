/** @file HiGHS, the solver of linear and mixed-integer programs: an optional peer, loaded when it is first wanted. */

import type { SolveMip } from "../src/applications/decisions/knapsack/exact.js";
import { highsSolver, type LpSolver } from "../src/applications/implicit/robust/linear-relaxation.js";
import { VouchError } from "../src/errors.js";

/** Of linear programs. @throws engine if HiGHS is not installed */
export async function lpSolver(): Promise<LpSolver> {
  return highsSolver(await highs("lpSolver"));
}

/** Of mixed-integer programs, handed over as text. @throws engine if HiGHS is not installed */
export async function mipSolver(): Promise<SolveMip> {
  const solver = await highs("mipSolver");
  return (lp) => {
    const { Status, Columns } = solver.solve(lp);
    const columns = Object.entries(Columns).map(([name, column]) => [name, (column as { Primal: number }).Primal]);
    return { status: Status, columns: Object.fromEntries(columns) };
  };
}

async function highs(name: string) {
  const module = await import("highs").catch((cause: unknown) => {
    const got = cause instanceof Error ? cause.message : String(cause);
    const details = { name, expected: "the package highs", got, remedy: "npm install highs" };
    throw Object.assign(new VouchError("engine", details), { cause });
  });
  // Its types are those of CommonJS, where the loader is the default of the default.
  const load = module.default as unknown as (typeof module.default)["default"];
  return load();
}
