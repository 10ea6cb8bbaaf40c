/** @file Every example runs and says what it promises. */

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../examples/", import.meta.url));
const run = promisify(execFile);

/** A line each example must print. */
const promises: Readonly<Record<string, RegExp>> = {
  "01-sparse-recovery.ts": /relative error [0-9.]+e-[4-9]/,
  "02-certificates.ts": /^trustworthy\n(.*\n){3}not trustworthy\n {2}sparsity: fail/m,
  "03-learn-a-transform.ts": /best held-out error/,
  "04-prove-the-gap.ts": /better by more than 0\.\d+ %/,
  "05-export.ts": /^converged, trustworthy .*joint: pass\)\nmax-steps, not to be trusted .*fidelity: fail/m,
  "06-learned-prox.ts": /^(\w+ \w+: .* holds\n){7}no proof of optimality, no-objective: prior /,
  "07-receipt.ts": /^VERIFIED every digest and figure\nREFUTED stated fail, computed pass$/m,
  "08-route-a-trade.ts": /executed: true, .* WETH\nno trade leaves more than/,
  "14-matrix-games.ts":
    /^rock, paper, scissors: .*\nat equilibrium: .*\nlearned: simplex pass, exploitability pass, .*\n.*\nalways rock: .* exploitability fail/,
  "15-certify-a-class.ts": /^[1-9]\d of 100 inputs keep .*\nan attack turns [1-9]\d*, and 0 of the certified\n/,
  "12-shortest-paths.ts": /^(9\d|100) of 100 paths are shortest.*\nfirst: VERIFIED, gap 0\n/,
  "09-scan-of-your-own.ts":
    /^24 × 94 rays, 2000 meet .*\nFBP: .*\nTV: 30\..*box 0\.00\nnothing that fits .* than 0\.\d+ %/,
  "13-feedback-loop.ts":
    /14 states: 4 predictions by substitution, 1 step\ngain 0\.1: well-posed, .*\ngain 10: feedback: expected an A/,
};

describe("examples", () => {
  it("has a promise for each", () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(promises).sort());
  });

  it.each(Object.entries(promises))("%s", async (file, promise) => {
    const { stdout } = await run(process.execPath, ["--import", "tsx", folder + file]);
    expect(stdout).toMatch(promise);
  });
});
