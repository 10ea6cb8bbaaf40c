/** @file Margins by linear programs over the relaxed states, proven from the dual vectors of any solver. */

import type { Highs } from "highs";
import { gamma, up } from "../../../tensor/rounding.js";
import { sizesOf } from "../model.js";
import type { InputSet } from "./input-set.js";
import { type Difference, differences, type MarginBounds, others } from "./margins.js";
import type { StateBox, StateBoxes } from "./state-box.js";

/** min costᵀv s.t. Gv ≥ g, low ≤ v ≤ high; rows of G one after the other, `columns` long. */
export interface LinearProgram {
  readonly columns: number;
  readonly G: readonly Float64Array[];
  readonly g: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Dual vectors of the rows, one for each cost; nothing of them is trusted. */
export type LpSolver = (program: LinearProgram, costs: readonly Float64Array[]) => Float64Array[];

/**
 * v = (x, δ) with, for every state that is not always 0,
 *
 *     x ≥ Ax + B(u⁰ + δ) + b,    x ≤ slope · (Ax + B(u⁰ + δ) + b) + offset,    x in its box, δ in the set
 *
 * where ReLU lies below the chord over its range (equality where it is always active). A bound is what weak duality gives for the solver's
 * dual vector, with bounded rounding: a wrong or early answer of the solver can only make it lower.
 *
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), Theorem 4.5; deviates: the chord of Ehlers 2017
 * besides x ≥ 0, in boxes from `stateBoxes`; Neumaier & Shcherbina 2004, Safe bounds in linear programming
 */
export function linearMargins(boxes: StateBoxes, solve: LpSolver): MarginBounds {
  const { n, p } = sizesOf(boxes.model);
  const pair = differences(boxes);
  return {
    name: "lp",
    of(box, y) {
      const { program, slack } = relaxation(boxes, box);
      const classes = Array.from({ length: boxes.model.C.rows }, (_, k) => k).filter((k) => k !== y);
      const costs = classes.map((k) => {
        const cost = new Float64Array(program.columns);
        cost.set(pair(y, k).c);
        cost.set(pair(y, k).d, n);
        return cost;
      });
      const duals = solve(program, costs);
      return others(boxes, y, (k) =>
        safeBound(boxes.set, box, pair(y, k), program, slack, duals[classes.indexOf(k)]!, { n, p }),
      );
    },
  };
}

/** The relaxation at one input; `slack` is what rounding may have moved each row's right side by. */
function relaxation({ model, A, set }: StateBoxes, box: StateBox): { program: LinearProgram; slack: Float64Array } {
  const { n, p } = sizesOf(model);
  const columns = n + p + (set.most === undefined ? 0 : p);
  const [G, g, slack]: [Float64Array[], number[], number[]] = [[], [], []];
  const rounding = gamma(n + p + 12);
  for (let i = 0; i < n; i++) {
    const [low, high] = [box.zLow[i]!, box.zHigh[i]!];
    if (high <= 0) continue;
    let [base, size] = [model.stateBias[i]!, Math.abs(model.stateBias[i]!)];
    for (let j = 0; j < p; j++) {
      const weight = model.B.data[i * p + j]!;
      base += weight * box.u[j]!;
      size += Math.abs(weight) * (Math.abs(box.u[j]!) + set.sigma[j]!);
    }
    for (let j = 0; j < n; j++) size += Math.abs(A.data[i * n + j]!) * box.high[j]!;
    const row = (share: number, sign: 1 | -1) => {
      const made = new Float64Array(columns);
      for (let j = 0; j < n; j++) made[j] = -sign * share * A.data[i * n + j]!;
      for (let j = 0; j < p; j++) made[n + j] = -sign * share * model.B.data[i * p + j]!;
      made[i]! += sign;
      return made;
    };
    const margin = up(rounding * (size + box.high[i]!));
    G.push(row(1, 1));
    g.push(base - margin);
    slack.push(margin);
    const slope = low >= 0 ? 1 : high / (high - low);
    const offset = low >= 0 ? 0 : up(Math.max(up(-slope * low), up(high - slope * high) + up(rounding * high)));
    G.push(row(slope, -1));
    g.push(-(slope * base + offset) - up(margin + rounding * offset));
    slack.push(margin);
  }
  const limits = (sign: 1 | -1) => {
    const bound = new Float64Array(columns);
    bound.set(sign === 1 ? box.high : box.low);
    bound.set(sign === 1 ? set.sigma : set.sigma.map((value) => -value), n);
    return bound;
  };
  const [low, high] = [limits(-1), limits(1)];
  if (set.most !== undefined) {
    // |δⱼ| ≤ tⱼ and Σ tⱼ/σⱼ ≤ k tell the solver of the set; the bound uses its support function.
    for (let j = 0; j < p; j++) {
      if (set.sigma[j] === 0) continue;
      low[n + p + j] = 0;
      high[n + p + j] = set.sigma[j]!;
      for (const sign of [1, -1]) {
        const row = new Float64Array(columns);
        row[n + j] = sign;
        row[n + p + j] = 1;
        G.push(row);
        g.push(0);
        slack.push(0);
      }
    }
    const total = new Float64Array(columns);
    for (let j = 0; j < p; j++) if (set.sigma[j]! > 0) total[n + p + j] = -1 / set.sigma[j]!;
    G.push(total);
    g.push(-set.most);
    slack.push(0);
  }
  return { program: { columns, G, g: Float64Array.from(g), low, high }, slack: Float64Array.from(slack) };
}

/** Rows about states, in front of those that describe a sparse set. */
function stateRows(program: LinearProgram, set: InputSet, p: number): number {
  const moving = set.sigma.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  return program.G.length - (set.most === undefined || p === 0 ? 0 : 2 * moving + 1);
}

/** λᵀg + min over the box of (c − Gᵀλ)x − max over the set of |d − Gᵀλ||δ| + d u⁰ + e, λ ≥ 0, less its rounding. */
function safeBound(
  set: InputSet,
  box: StateBox,
  { c, d, e }: Difference,
  program: LinearProgram,
  slack: Float64Array,
  dual: Float64Array,
  { n, p }: { n: number; p: number },
): number {
  const rows = stateRows(program, set, p);
  const reduced = new Float64Array(n + p);
  const size = new Float64Array(n + p);
  reduced.set(c);
  reduced.set(d, n);
  size.set(reduced.map(Math.abs));
  let [value, total] = [e, Math.abs(e)];
  for (let r = 0; r < rows; r++) {
    const lambda = Math.max(0, dual[r]!);
    if (!(lambda > 0 && Number.isFinite(lambda))) continue;
    value += lambda * program.g[r]!;
    total += lambda * (Math.abs(program.g[r]!) + slack[r]!);
    const row = program.G[r]!;
    for (let j = 0; j < n + p; j++) {
      const term = lambda * row[j]!;
      reduced[j]! -= term;
      size[j]! += Math.abs(term);
    }
  }
  for (let j = 0; j < n; j++) {
    value += reduced[j]! * (reduced[j]! > 0 ? box.low[j]! : box.high[j]!);
    total += size[j]! * box.high[j]!;
  }
  for (let j = 0; j < p; j++) {
    value += d[j]! * box.u[j]!;
    total += Math.abs(d[j]! * box.u[j]!) + size[n + j]! * set.sigma[j]!;
  }
  return value - set.radius(reduced.subarray(n)) - up(gamma(2 * rows + n + 2 * p + 10) * total);
}

/** An `LpSolver` by HiGHS: the program is passed once, and its costs changed. */
export function highsSolver(highs: Highs): LpSolver {
  return (program, costs) => {
    const { columns, G, g, low, high } = program;
    const [starts, indices, values]: [number[], number[], number[]] = [[0], [], []];
    for (const row of G) {
      row.forEach((value, j) => {
        if (value === 0) return;
        indices.push(j);
        values.push(value);
      });
      starts.push(indices.length);
    }
    const matrix = { format: "csr" as const, numRows: G.length, numCols: columns, starts, indices, values };
    const model = highs.createModel({
      ...{ numCols: columns, numRows: G.length, colCost: new Float64Array(columns) },
      ...{ colLower: low, colUpper: high, rowLower: g, rowUpper: g.map(() => highs.infinity), matrix },
    });
    try {
      model.options.set({ output_flag: false });
      return costs.map((cost) => {
        for (let j = 0; j < columns; j++) model.changeColCost(j, cost[j]!);
        model.run();
        return Float64Array.from(model.getSolution().rowDual ?? []);
      });
    } finally {
      model.dispose();
    }
  };
}
