/** @file Steps and seconds of every solver to a KKT tolerance: TV reconstruction, the dictionary model, shortest paths. */

import { readFileSync } from "node:fs";
import { readCollection } from "../cli/images.js";
import { dataFile, shippedModel } from "../cli/paths.js";
import { ctExamples } from "../src/applications/ct/examples.js";
import { TV_RHO } from "../src/applications/ct/methods.js";
import { totalVariation } from "../src/applications/ct/models.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { dictionaryProblem, signals } from "../src/applications/dictionary/data.js";
import { implicitDictionary } from "../src/applications/dictionary/model.js";
import { parseBundle } from "../src/files/bundle.js";
import { indicator } from "../src/functions/indicator.js";
import { linear } from "../src/functions/linear.js";
import { incidenceMatrix } from "../src/linear/incidence.js";
import { compileModel, define, type Model } from "../src/model.js";
import { random } from "../src/random.js";
import { affine } from "../src/sets/affine.js";
import { nonNegative } from "../src/sets/non-negative.js";
import { anderson } from "../src/solvers/anderson.js";
import { stepBalance } from "../src/solvers/balance.js";
import { defaultSolver } from "../src/solvers/default.js";
import { newtonGmres } from "../src/solvers/newton-gmres.js";
import { picard } from "../src/solvers/picard.js";
import { restarted } from "../src/solvers/restarted.js";
import type { Solver } from "../src/solvers/solver.js";
import { davisYin } from "../src/splitting/davis-yin.js";
import { type LinearizedAdmmOptions, linearizedAdmm } from "../src/splitting/linearized-admm.js";
import { constant } from "../src/tensor/primitives/leaf.js";
import type { Bench } from "./main.js";
import { type Cost, solve64 } from "./solve64.js";

/** Mean over the samples; `converged` counts those that came to the tolerance, the others count with the steps they were given. */
interface Row {
  readonly problem: string;
  readonly solver: string;
  readonly cost: Cost;
  readonly samples: number;
}

/** A model's splitting, replaced. */
function resplit(model: Model, options: LinearizedAdmmOptions): Model {
  return {
    ...model,
    trace: () => {
      const traced = model.trace();
      return { ...traced, operator: linearizedAdmm(traced.problem, options) };
    },
  };
}

const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Slices of the training collection, and steps a solve may take. */
const TV = { slices: 20, stride: 49, tolerance: 1e-4, most: 4000, batch: 10 };

async function tvct(log: (row: Row) => void): Promise<void> {
  const ct = tomography();
  const { slices } = await readCollection("bench solvers", dataFile("ct", "chest_iqothnccd.npy"), { size: ct.size });
  const images = Array.from({ length: TV.slices }, (_, i) => slices[i * TV.stride]!.image);
  const examples = ctExamples(ct, images, { seed: 3 });
  const tuned = totalVariation(ct, TV_RHO);
  const contests: [problem: string, solver: string, model: Model, solve: () => Solver][] = [
    ["tvct", "plain", resplit(tuned, {}), picard],
    ["tvct", "default", resplit(tuned, { balance: stepBalance() }), () => defaultSolver(tuned.trace().operator)],
    ["tvct", "restarted", resplit(tuned, { balance: stepBalance() }), restarted],
    ["tvct", "anderson", resplit(tuned, { balance: stepBalance() }), () => anderson()],
    ["tvct_tuned", "plain", tuned, picard],
    ["tvct_tuned", "default", tuned, () => defaultSolver(tuned.trace().operator)],
    ["tvct_tuned", "restarted", tuned, restarted],
    ["tvct_tuned", "anderson", tuned, () => anderson()],
  ];
  for (const [problem, solver, model, solve] of contests) {
    await using compiled = await compileModel(model, {}, { solver: solve() });
    const steps: number[] = [];
    let converged = 0;
    const start = performance.now();
    for (let i = 0; i < images.length; i += TV.batch) {
      const indices = Array.from({ length: TV.batch }, (_, k) => i + k);
      const options = { tolerance: TV.tolerance, maxSteps: TV.most, strict: false };
      const solved = await compiled.solve(examples.examples(indices, 0).data, options);
      steps.push(...solved.steps);
      converged += solved.status.filter((status) => status === "converged").length;
    }
    const seconds = (performance.now() - start) / 1000 / images.length;
    log({ problem, solver, cost: { converged, steps: average(steps), seconds }, samples: images.length });
  }
}

/** One over the other term's ratio of dual to primal progress: the model's own, and ten times it, for the last digits. */
const IDM = { samples: 2, tolerance: 1e-6, most: 40_000, ratios: [1, 10] };

async function idm(log: (row: Row) => void): Promise<void> {
  const bundle = parseBundle(new Uint8Array(readFileSync(shippedModel("dictionary"))));
  const problem = dictionaryProblem(bundle.manifest.options.seed ?? 0);
  const { d } = signals(problem, IDM.samples, "bench solvers");
  const model = implicitDictionary(problem);
  for (const factor of IDM.ratios) {
    const split = resplit(model, { ratio: { sparsity: 40 * factor, fidelity: 20 * factor } });
    const solvers: [string, () => Solver][] = [
      ["plain", picard],
      ["default", () => defaultSolver(split.trace().operator)],
      ["restarted", restarted],
      ["anderson", () => anderson({ ridge: 1e-10 })],
    ];
    for (const [solver, solve] of solvers) {
      const costs = Array.from({ length: IDM.samples }, (_, i) => {
        const data = {
          d: { shape: [1, problem.m], data: Float64Array.from(d.subarray(i * problem.m, (i + 1) * problem.m)) },
        };
        return solve64(split, bundle.weights, data, solve(), IDM);
      });
      log({ problem: factor === 1 ? "idm" : `idm_x${factor}`, solver, cost: total(costs), samples: IDM.samples });
    }
  }
}

/** γ of the quadratic, α of the splitting, costs U(0.5, 5.5). */
const PATH = { side: 20, samples: 8, gamma: 0.05, alpha: 1, tolerance: 1e-6, most: 60_000 };

function shortestPath(log: (row: Row) => void): void {
  const { side, gamma, alpha, samples } = PATH;
  const node = (i: number, j: number) => i * side + j;
  const edges = Array.from({ length: side * side }, (_, k) => [Math.floor(k / side), k % side] as const).flatMap(
    ([i, j]) => [
      ...(j + 1 < side ? [[node(i, j), node(i, j + 1)] as const] : []),
      ...(i + 1 < side ? [[node(i, j), node(i + 1, j)] as const] : []),
    ],
  );
  const flow = new Float32Array(side * side);
  flow[0] = -1;
  flow[side * side - 1] = 1;
  const balanced = affine(incidenceMatrix({ nodes: side * side, edges }), constant(flow, [side * side]));
  const model = define({
    name: "shortestPath",
    params: {},
    data: { costs: ["N", edges.length] },
    problem: (_, { costs }) => ({
      positive: { prox: indicator(nonNegative()) },
      flow: { prox: indicator(balanced) },
      cost: { smooth: linear(costs, gamma) },
    }),
    split: (problem) => davisYin(problem, { alpha, domain: ["N", edges.length] }),
  });
  const stream = random(11);
  const costs = Array.from({ length: samples }, () => Float64Array.from(edges, () => 0.5 + 5 * stream.uniform()));
  const solvers: [string, () => Solver][] = [
    ["plain", picard],
    ["default", () => defaultSolver(model.trace().operator)],
    ["restarted", restarted],
    ["anderson", () => anderson({ ridge: 1e-10 })],
    ["newton", () => newtonGmres()],
  ];
  for (const [solver, solve] of solvers) {
    const solved = costs.map((data) => solve64(model, {}, { costs: { shape: [1, data.length], data } }, solve(), PATH));
    log({ problem: "path", solver, cost: total(solved), samples });
  }
}

function total(costs: readonly Cost[]): Cost {
  return {
    converged: costs.reduce((sum, { converged }) => sum + converged, 0),
    steps: average(costs.map(({ steps }) => steps)),
    seconds: average(costs.map(({ seconds }) => seconds)),
  };
}

/**
 * Plain is Picard iteration. `tvct`: nobody tuned steps, plain has those of eq. (15) with α = β and the others find theirs;
 * `tvct_tuned`: all have the CT model's. `idm`: each at the better of two step ratios. A plain solve that did not come to the tolerance
 * counts with the steps it was given, so that gains are from below.
 */
export const solvers: Bench = async (log) => {
  const rows: Row[] = [];
  const keep = (row: Row) => {
    rows.push(row);
    const { problem, solver, cost, samples } = row;
    const came = cost.converged === samples ? "" : `, only ${cost.converged} of ${samples} came to the tolerance`;
    log(`${problem} ${solver}: ${Math.round(cost.steps)} steps, ${cost.seconds.toPrecision(3)} s a sample${came}`);
  };
  shortestPath(keep);
  await idm(keep);
  await tvct(keep);
  const of = (solver: (name: string) => boolean, ...problems: string[]) =>
    Math.min(
      ...rows.flatMap((row) =>
        solver(row.solver) &&
        problems.includes(row.problem) &&
        (row.solver === "plain" || row.cost.converged === row.samples)
          ? [row.cost.steps]
          : [],
      ),
    );
  const gain = (...problems: string[]) =>
    of((name) => name === "plain", ...problems) / of((name) => name !== "plain", ...problems);
  const ratios = [...new Set(rows.map(({ problem }) => problem))].map((problem) => {
    const steps = (name: string) => rows.find((row) => row.problem === problem && row.solver === name)!.cost.steps;
    return steps("default") / steps("plain");
  });
  return {
    figures: {
      tvct_iteration_gain: gain("tvct"),
      tvct_tuned_iteration_gain: gain("tvct_tuned"),
      idm_iteration_gain: gain("idm", `idm_x${IDM.ratios[1]}`),
      path_iteration_gain: gain("path"),
      worst_iteration_ratio: Math.max(...ratios),
      ...Object.fromEntries(
        rows.flatMap(({ problem, solver, cost }) => [
          [`steps_${problem}_${solver}`, cost.steps],
          [`s_${problem}_${solver}`, cost.seconds],
          [`converged_${problem}_${solver}`, cost.converged],
        ]),
      ),
    },
    env: {},
  };
};
