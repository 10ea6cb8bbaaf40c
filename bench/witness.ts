/** @file Is a proof sound, do honest solves get one, how soon, and what does a check cost? */

import { simulateAll } from "../cli/ct.js";
import { readFileOrExplain } from "../cli/files.js";
import { readCollection } from "../cli/images.js";
import { dataFile, shippedModel } from "../cli/paths.js";
import { l2oMethod, type Method, solverData, tvMethod } from "../src/applications/ct/methods.js";
import { stratify } from "../src/applications/ct/select.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { parseBundle } from "../src/files/bundle.js";
import { compileModel, define, type Model, type Trace } from "../src/model.js";
import { random } from "../src/random.js";
import type { Solution } from "../src/solvers/solve.js";
import { linearizedAdmm } from "../src/splitting/linearized-admm.js";
import type { Proof } from "../src/witness.js";
import type { Bench } from "./main.js";
import { type Instance, instance, N, ROWS } from "./witness-family.js";
import { soundness } from "./witness-soundness.js";

const WITNESSES = 100_000;
const PROBLEMS = 50;
const SLICES = 96;
const BATCH = 8;
/** A converged honest solve is closed when its gap is finite and at most this. */
const CLOSED = 0.05;

export const witness: Bench = async (log) => {
  const figures: Record<string, number> = {};
  const { witnesses, unsound, verified, unsoundUnrounded, infeasibleUnrounded } = soundness(WITNESSES, 1, log);
  Object.assign(figures, { witnesses, unsound, verified_share: verified / witnesses });
  Object.assign(figures, { unsound_unrounded: unsoundUnrounded, infeasible_unrounded: infeasibleUnrounded });
  const families = await agreement(log);
  Object.assign(figures, families.figures);
  const honest = [...families.honest];
  const slices = await ctSlices();
  for (const method of slices.methods) {
    const { gaps, closed, figures: measured } = await ctGaps(slices.ct, method, slices.images, log);
    Object.assign(figures, measured);
    honest.push(...closed);
    log(`${method.name}: median gap ${percent(quantile(gaps, 0.5))} after 500 steps`);
  }
  const all = (key: string) => slices.methods.map(({ name }) => figures[`${name}_${key}`]!);
  figures["median_gap_500"] = Math.max(...all("median_gap_500"));
  figures["p95_gap_1000"] = Math.max(...all("p95_gap_1000"));
  figures["screen_over_iteration"] = Math.max(...all("screen_over_iteration"));
  figures["check_over_iteration"] = Math.max(...all("check_over_iteration"));
  figures["honest_solves"] = honest.length;
  figures["honest_gap_closed"] = honest.filter((gap) => gap <= CLOSED).length / honest.length;
  return { figures, env: {} };
};

/** The gap a proof states; Infinity where it states none. */
function gapOf({ verdict }: Proof): number {
  return verdict.verdict === "VERIFIED" ? verdict.relativeGap : Number.POSITIVE_INFINITY;
}

/** Ways to solve one problem that take different roads. */
const ROADS: readonly ((problem: Parameters<typeof linearizedAdmm>[0]) => ReturnType<typeof linearizedAdmm>)[] = [
  (problem) => linearizedAdmm(problem),
  (problem) => linearizedAdmm(problem, { ratio: 10 }),
  (problem) => linearizedAdmm(problem, { ratio: { fidelity: 0.2, sparsity: 2 } }),
  (problem) =>
    linearizedAdmm(problem, { alpha: { fidelity: 0.05, sparsity: 0.05 }, lambda: { fidelity: 10, sparsity: 10 } }),
];

function modelOf({ problem, prior, delta }: Instance, split: (typeof ROADS)[number]): Model {
  return define({
    name: "instance",
    params: {},
    data: { d: ["N", ROWS], delta: ["N"] },
    problem: (_, { d, delta: radius }) => problem(d, radius),
    split,
    ...(prior === undefined ? {} : { dual: { prior, slack: { fidelity: delta } } }),
  });
}

/** Proven intervals [D, P] of every road, on the way and at the end, must all contain p*: any two meet. */
async function agreement(log: (line: string) => void) {
  const honest: number[] = [];
  let [disjoint, apart] = [0, 0];
  for (const kind of ["box", "prior"] as const) {
    for (let p = 0; p < PROBLEMS; p++) {
      const one = instance(random(77).fork(kind).fork(p), kind);
      const data = {
        d: { shape: [1, ROWS], data: one.d },
        delta: { shape: [1], data: Float32Array.of(one.delta) },
      };
      const proofs: Proof[] = [];
      const early: Float32Array[] = [];
      for (const split of ROADS) {
        await using compiled = await compileModel(modelOf(one, split), {}, { threads: 1 });
        const way = await compiled.solve(data, { maxSteps: 20, strict: false });
        early.push(way.x.data);
        const end = await compiled.solve(data, { tolerance: 1e-5, maxSteps: 20_000, strict: false });
        const [middle, last] = [compiled.prove(data, way)[0]!, compiled.prove(data, end)[0]!];
        proofs.push(middle, last);
        if (end.status[0] === "converged") honest.push(gapOf(last));
      }
      if (early.some((x) => distance(x, early[0]!) > 1e-3)) apart++;
      const intervals = proofs.flatMap(({ verdict }) => (verdict.verdict === "VERIFIED" ? [verdict] : []));
      if (intervals.some((a) => intervals.some((b) => a.dual > b.primal))) disjoint++;
    }
    log(`${kind}: ${PROBLEMS} problems on ${ROADS.length} roads`);
  }
  const figures = { agreement_problems: 2 * PROBLEMS, agreement_failures: disjoint, apart_on_the_way: apart };
  return { honest, figures };
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.sqrt(N);
}

async function ctSlices() {
  const ct = tomography();
  const { slices, split } = await readCollection("bench witness", dataFile("ct", "chest_tcia.npy"), { size: ct.size });
  const test = slices.filter(({ patient }) => split?.test.includes(patient));
  const images = stratify(test, SLICES, 0).map(({ image }) => image);
  const weights = parseBundle(await readFileOrExplain(shippedModel("ct-chest"), "weights (.safetensors)"));
  return { ct, images, methods: [tvMethod(ct), l2oMethod(ct, weights)] };
}

/** Gaps after 500 and 1000 steps, of converged solves, and the price of a check. */
async function ctGaps(
  ct: Tomography,
  method: Method<Solution>,
  images: readonly Float32Array[],
  log: (line: string) => void,
) {
  const measurements = simulateAll(ct, images, 0, "evaluate");
  const solver = await method.open();
  const at: Record<500 | 1000, number[]> = { 500: [], 1000: [] };
  const closed: number[] = [];
  let [iteration, check] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  try {
    for (let first = 0; first < images.length; first += BATCH) {
      const batch = measurements.slice(first, first + BATCH);
      const prove = (solution: Solution) => {
        const started = performance.now();
        const { proofs } = solver.prove(batch, solution);
        check = Math.min(check, (performance.now() - started) / batch.length);
        return proofs.map((proof) => gapOf(proof!));
      };
      let start: Solution["z"] | undefined;
      for (const steps of [500, 1000] as const) {
        const started = performance.now();
        // No residual is this small: all 500 steps are taken.
        const solution = await solver.reconstruct(batch, {
          tolerance: 1e-30,
          maxSteps: 500,
          ...(start ? { start } : {}),
        });
        iteration = Math.min(iteration, (performance.now() - started) / 500 / batch.length);
        at[steps].push(...prove(solution));
        start = solution.z;
      }
      const converged = await solver.reconstruct(batch);
      closed.push(...prove(converged).filter((_, i) => converged.status[i] === "converged"));
      log(
        `${method.name}: ${first + batch.length}/${images.length} slices, gap ${percent(Math.max(...at[500]))} at most`,
      );
    }
  } finally {
    await solver.dispose();
  }
  const screen = await screening(method, measurements.slice(0, BATCH));
  const figures = {
    [`${method.name}_screen_over_iteration`]: screen,
    [`${method.name}_median_gap_500`]: quantile(at[500], 0.5),
    [`${method.name}_max_gap_500`]: Math.max(...at[500]),
    [`${method.name}_p95_gap_1000`]: quantile(at[1000], 0.95),
    [`${method.name}_ms_per_iteration`]: iteration,
    [`${method.name}_ms_per_check`]: check,
    [`${method.name}_check_over_iteration`]: check / iteration,
  };
  return { gaps: at[500], closed, figures };
}

/** What P, D and the choice of dual vectors cost in the engine after each chunk of a solve, in iterations: what decides when to prove. */
async function screening(method: Method<Solution>, measurements: Parameters<typeof solverData>[0]): Promise<number> {
  const { model, weights } = method;
  const blind = (): Trace => {
    const traced = model.trace();
    const { duals, ...operator } = traced.operator;
    return { ...traced, operator };
  };
  const data = solverData(measurements);
  await using screened = await compileModel(model, weights);
  await using bare = await compileModel({ ...model, trace: blind }, weights);
  const times = [screened, bare].map(() => Number.POSITIVE_INFINITY);
  const steps = 100;
  for (let round = 0; round < 6; round++) {
    for (const [i, compiled] of [screened, bare].entries()) {
      const started = performance.now();
      await compiled.solve(data, { tolerance: 1e-30, maxSteps: steps, strict: false });
      times[i] = Math.min(times[i]!, performance.now() - started);
    }
  }
  return (times[0]! - times[1]!) / (times[1]! / steps);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
