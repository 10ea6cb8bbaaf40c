/** @file npm run -s bench -- ct: how the cost of a slice grows with its size, and the operator against its peers. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tomography } from "../src/applications/ct/tomography.js";
import { COSTS, type Cost, type Costs } from "./ct-cost.js";
import { againstAstra, againstScipy } from "./ct-projector.js";
import type { Bench } from "./main.js";
import { pythonWith } from "./python.js";

const SIZES = [128, 256, 512];

const run = promisify(execFile);
const script = fileURLToPath(new URL("ct-run.ts", import.meta.url));

/**
 * `COST_SIZE_ms` a slice, see `Costs`; `COST_SIZE_mb`, peak resident memory of a process that does nothing else; of methods also the mean
 * steps and the share of slices that converged. `projector_speedup_scipy_b8`: see `againstScipy`, at 128².
 */
export const ct: Bench = async (log) => {
  const figures: Record<string, number | null> = {};
  for (const cost of COSTS) {
    for (const size of SIZES) {
      const found = await inProcess(cost, size);
      for (const [key, value] of Object.entries(found)) figures[`${cost}_${size}_${key}`] = value;
      const steps = found.steps === undefined ? "" : `, ${Math.round(found.steps)} steps`;
      log(`${cost} ${size}²: ${found.ms.toPrecision(3)} ms a slice${steps}, ${Math.round(found.mb)} MB`);
    }
  }
  const scipy = await againstScipy(tomography(), pythonWith("scipy.sparse"));
  const astra = await againstAstra(tomography(), pythonWith("astra, scipy.sparse"));
  const env = { ...scipy.env, ...astra.env };
  for (const [key, value] of Object.entries(env)) log(`${key}: ${value}`);
  return { figures: { ...figures, ...scipy.figures, ...astra.figures }, env };
};

async function inProcess(cost: Cost, size: number): Promise<Costs & { readonly mb: number }> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", script, cost, String(size)]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}
