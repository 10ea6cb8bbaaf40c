/** @file npm run -s bench -- NAME [--json]: figures within one run. */

import { machineLine } from "../cli/output.js";
import { bayes } from "./bayes.js";
import { compress } from "./compress.js";
import { conversions } from "./conversions.js";
import { ct } from "./ct.js";
import { davisyin } from "./davisyin.js";
import { decisions } from "./decisions.js";
import { devices } from "./devices.js";
import { endtoend } from "./endtoend.js";
import { engine } from "./engine.js";
import { fenchel } from "./fenchel.js";
import { fpo } from "./fpo.js";
import { functions } from "./functions.js";
import { gradients } from "./gradients.js";
import { integers } from "./integers.js";
import { iterations } from "./iterations.js";
import { jfb } from "./jfb.js";
import { level } from "./level.js";
import { nullSpace } from "./null-space.js";
import { ood } from "./ood.js";
import { power } from "./power.js";
import { recourse } from "./recourse.js";
import { riskCoverage } from "./riskcoverage.js";
import { robust } from "./robust.js";
import { router } from "./router.js";
import { soak } from "./soak.js";
import { solvers } from "./solvers.js";
import { tamper } from "./tamper.js";
import { traffic } from "./traffic.js";
import { tvRadius } from "./tv-radius.js";
import { witness } from "./witness.js";

/** Figures, null where there was nothing to measure, and what they were measured with; `log` is for people. */
export type Bench = (log: (line: string) => void) => Promise<{
  readonly figures: Readonly<Record<string, number | null>>;
  readonly env: Readonly<Record<string, string>>;
}>;

const benches: Readonly<Record<string, Bench>> = {
  bayes,
  compress,
  conversions,
  ct,
  davisyin,
  decisions,
  devices,
  endtoend,
  engine,
  fenchel,
  fpo,
  functions,
  gradients,
  iterations,
  jfb,
  level,
  "null-space": nullSpace,
  ood,
  power,
  recourse,
  riskcoverage: riskCoverage,
  solvers,
  soak,
  tamper,
  integers,
  robust,
  router,
  traffic,
  "tv-radius": tvRadius,
  witness,
};

process.env.ORT_DISABLE_TELEMETRY ??= "1";

const words = process.argv.slice(2);
const json = words.includes("--json");
const name = words.find((word) => !word.startsWith("--"));
const bench = name === undefined ? undefined : benches[name];
if (bench === undefined || words.some((word) => word.startsWith("--") && word !== "--json")) {
  process.stderr.write(
    `bench: expected one of ${Object.keys(benches).join(", ")} and perhaps --json, got "${words.join(" ")}".\n`,
  );
  process.exitCode = 64;
} else {
  const { figures, env } = await bench((line) => process.stderr.write(`${line}\n`));
  if (json) process.stdout.write(`${machineLine(`bench ${name}`, figures, env)}\n`);
  else
    for (const [key, value] of Object.entries(figures))
      process.stdout.write(`${key.padEnd(36)} ${value === null ? "none" : Number(value.toPrecision(4))}\n`);
}
