/** @file Whether memory grows: ten thousand inferences with sessions made again and again, and five hundred training steps. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bench } from "./main.js";

const run = promisify(execFile);
const script = fileURLToPath(new URL("soak-run.ts", import.meta.url));
const KINDS = ["inference", "training"] as const;

/** `heap_growth` and `rss_growth` are the larger of the two kinds. */
export const soak: Bench = async (log) => {
  const figures: Record<string, number> = { heap_growth: 0, rss_growth: 0 };
  for (const kind of KINDS) {
    const args = ["--expose-gc", "--import", "tsx", script, kind];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 24 });
    const samples = JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<"heap" | "rss", number>[];
    for (const what of ["heap", "rss"] as const) {
      const { early, late, growth } = growthOf(samples.map((sample) => sample[what]));
      figures[`${what}_growth_${kind}`] = growth;
      figures[`${what}_growth`] = Math.max(figures[`${what}_growth`]!, growth);
      log(`${kind}: ${what} ${mb(early)} MB after warm-up, ${mb(late)} MB at the end, growth ${growth.toFixed(3)}`);
    }
  }
  return { figures, env: {} };
};

/** Median of the last tenth of a run over that of its third tenth; the first fifth is warm-up, in which V8 still compiles. */
function growthOf(samples: readonly number[]): { early: number; late: number; growth: number } {
  const tenth = samples.length / 10;
  const [early, late] = [median(samples.slice(2 * tenth, 3 * tenth)), median(samples.slice(-tenth))];
  return { early, late, growth: late / early };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function mb(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
