/** @file Backward rules against central differences of the whole solve in float64, and what a training step with each costs. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { implicit } from "../src/backward/implicit.js";
import { jfb } from "../src/backward/jfb.js";
import { neumann } from "../src/backward/neumann.js";
import { phantom } from "../src/backward/phantom.js";
import type { AdjointSolve, BackwardRule } from "../src/backward/rule.js";
import { unrolled } from "../src/backward/unrolled.js";
import { random } from "../src/random.js";
import { interpret } from "../src/tensor/interpret.js";
import { gradient } from "../src/tensor/vjp.js";
import { type Direction, type FixedPoint64, fixedPoint64 } from "./fixed-point64.js";
import {
  atWork,
  contractionGradient,
  costRules,
  ctGradient,
  dictionaryGradient,
  type GradientProblem,
} from "./gradient-problems.js";
import type { Bench } from "./main.js";

/** Small enough for central differences of every solve; along random directions where `directions` says how many, else along every weight. */
const exact: Readonly<Record<string, { readonly problem: () => GradientProblem; readonly directions?: number }>> = {
  idm: { problem: () => dictionaryGradient({ m: 16, n: 24, r: 8 }, 2) },
  ct: { problem: () => ctGradient({ size: 16, angles: 10, filters: 8, side: 3 }, 1), directions: 10 },
  contraction_50: { problem: () => contractionGradient(0.5, 8, 2) },
  contraction_90: { problem: () => contractionGradient(0.9, 8, 2) },
  contraction_99: { problem: () => contractionGradient(0.99, 8, 2) },
};

const rules: Readonly<Record<string, BackwardRule>> = {
  jfb,
  implicit: implicit({ tolerance: 1e-8, limit: 5_000 }),
  neumann200: neumann(200),
  phantom5: phantom(5, 0.5),
  unrolled200: unrolled(200),
};

/** A Neumann series counts as converged where ‖(Jᵀ)²⁰¹g‖/‖g‖, γ²⁰¹ for a contraction, is at most this. */
const CONVERGED = 1e-3;
/** Processes a cost is the median of; the graph of `unrolled` takes long to load. */
const RUNS = { unrolled: 1, others: 3 };

export const gradients: Bench = async (log) => {
  const { figures, least } = cosines(log);
  return {
    figures: {
      implicit_cos_min: least["implicit"]!,
      neumann200_cos_min: least["neumann200"]!,
      ...(await costs(log)),
      ...figures,
    },
    env: {},
  };
};

/** Least cosine by problem and rule, and by rule over all problems where it is converged. */
function cosines(log: (line: string) => void) {
  const figures: Record<string, number> = {};
  const least: Record<string, number> = {};
  const lower = (record: Record<string, number>, key: string, value: number) => {
    record[key] = Math.min(record[key] ?? Number.POSITIVE_INFINITY, value);
  };
  for (const [name, { problem, directions: count }] of Object.entries(exact)) {
    const { model, weights, set, relaxation } = problem();
    for (let index = 0; index < set.count; index++) {
      const at = fixedPoint64(model, weights, set.examples([index], 0), relaxation);
      const directions = directionsOf(weights, count);
      const slopes = directions.map(at.slope);
      log(`${name}: residual ${at.residual.toExponential(1)} after ${at.steps} steps, ${slopes.length} slopes`);
      for (const [ruleName, rule] of Object.entries(rules)) {
        const { along, residual } = slopesOf(at, rule, directions);
        const cosine = dot(along, slopes) / Math.sqrt(dot(along, along) * dot(slopes, slopes));
        const open = ruleName === "neumann200" && !(residual! <= CONVERGED);
        lower(figures, `cos_${name}_${ruleName}`, cosine);
        if (!open) lower(least, ruleName, cosine);
        const solved = residual === undefined ? "" : `, adjoint residual ${residual.toExponential(1)}`;
        log(`  ${ruleName}: cosine ${cosine.toFixed(6)}${solved}${open ? ", not converged, left out" : ""}`);
      }
    }
  }
  return { figures, least };
}

/** One a weight, or random ones N(0, I). */
function directionsOf(
  weights: Readonly<Record<string, { readonly data: Float32Array }>>,
  count: number | undefined,
): Direction[] {
  const entries = Object.entries(weights);
  if (count !== undefined) {
    return Array.from({ length: count }, (_, i) => {
      const draws = random(11).fork(i);
      return Object.fromEntries(
        entries.map(([name, { data }]) => [name, Float64Array.from(data, () => draws.normal())]),
      );
    });
  }
  return entries.flatMap(([name, { data }]) =>
    Array.from(data, (_, k) => ({ [name]: Float64Array.from(data, (__, j) => (j === k ? 1 : 0)) })),
  );
}

/** Slopes a rule gives along the directions, and the residual of its linear system where it solves one. */
function slopesOf(at: FixedPoint64, rule: BackwardRule, directions: readonly Direction[]) {
  const names = Object.keys(at.params);
  const solves: AdjointSolve[] = [];
  const point = rule(at.operator, at.state, (solve) => solves.push(solve));
  const graphs = gradient(at.loss(point), Object.values(at.params));
  const values = interpret([...graphs, ...solves.map(({ residual }) => residual)], at.feeds).map(({ data }) => data);
  const along = directions.map((direction) =>
    Object.entries(direction).reduce((total, [name, d]) => total + dot(values[names.indexOf(name)]!, d), 0),
  );
  return { along, residual: values[names.length]?.[0] };
}

/** Time and peak memory of a training step by problem and rule, and how memory grows from 20 to 200 iterations. */
async function costs(log: (line: string) => void): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const growth = { unrolled: Number.POSITIVE_INFINITY, others: 0 };
  for (const problem of Object.keys(atWork)) {
    for (const rule of Object.keys(costRules)) {
      const runs = rule === "unrolled" ? RUNS.unrolled : RUNS.others;
      const [few, many] = [await cost(problem, rule, 20, runs), await cost(problem, rule, 200, runs)];
      figures[`ms_${problem}_${rule}`] = few.ms;
      figures[`mb_${problem}_${rule}_20`] = few.mb;
      figures[`mb_${problem}_${rule}_200`] = many.mb;
      const ratio = many.mb / few.mb;
      if (rule === "unrolled") growth.unrolled = Math.min(growth.unrolled, ratio);
      else growth.others = Math.max(growth.others, ratio);
      log(
        `${problem}, ${rule}: ${few.ms.toFixed(1)} ms a step at 20 iterations, ${few.mb.toFixed(0)} MB, ${many.mb.toFixed(0)} MB at 200`,
      );
    }
  }
  return { unrolled_memory_growth: growth.unrolled, others_memory_growth: growth.others, ...figures };
}

const run = promisify(execFile);
const script = fileURLToPath(new URL("gradient-cost.ts", import.meta.url));

async function cost(
  problem: string,
  rule: string,
  iterations: number,
  runs: number,
): Promise<{ mb: number; ms: number }> {
  const all: { mb: number; ms: number }[] = [];
  for (let k = 0; k < runs; k++) {
    const { stdout } = await run(process.execPath, ["--import", "tsx", script, problem, rule, String(iterations)]);
    all.push(JSON.parse(stdout.trim().split("\n").at(-1)!));
  }
  const median = (key: "mb" | "ms") => all.map((one) => one[key]).sort((a, b) => a - b)[runs >> 1]!;
  return { mb: median("mb"), ms: median("ms") };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k]! * b[k]!;
  return total;
}
