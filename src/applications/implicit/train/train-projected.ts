/** @file Training by projected gradient in float64: Adam on all parts of a model, A put back on its set after each step. */

import { VouchError } from "../../../errors.js";
import { random } from "../../../random.js";
import { type Dense, submatrix } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";
import type { Penalty } from "../penalties/penalty.js";
import { denseA } from "../state-matrix.js";
import { type Gradients, picardStates, type StateSolver } from "./adjoint.js";
import { PARTS, type Part, parametersOf, withParameters } from "./parameters.js";

export interface Samples {
  /** [m, p] */
  readonly U: Dense;
  /** [m, q] */
  readonly Y: Dense;
}

export interface TrainProjectedOptions {
  /** Puts A on a set of well-posed matrices. */
  readonly project: (A: Dense) => Dense;
  /** Added to the loss by its gradient, and its set projected on after each step; nothing by default. */
  readonly penalty?: Penalty;
  readonly steps: number;
  /** Samples of a step; all by default. */
  readonly batch?: number;
  /** Of Adam, at step t = 0 …. */
  readonly learningRate: (t: number) => number;
  /** Parts that stay as they are. */
  readonly fixed?: readonly (keyof Gradients)[];
  /** Finds states and gradients. Default `picardStates()`. */
  readonly solver?: StateSolver;
  readonly seed?: number;
  readonly onStep?: (t: number, loss: number) => void;
}

/**
 * Minimise ½‖Y − Ŷ‖²/m + P over A in the set, B, C, D and the constants.
 *
 * Entries that P draws to 0 come near it, and are not 0: `trainProximal` makes them so.
 *
 * @throws convergence if the loss is not finite; parameter if the penalty speaks of a fixed part
 * @source El Ghaoui et al., eq. (3); 2021, Appendices G, H; Kingma & Ba 2015
 */
export function trainProjected(
  initial: ImplicitModel,
  samples: Samples,
  options: TrainProjectedOptions,
): ImplicitModel {
  const { project, penalty, steps, learningRate, fixed = [], solver = picardStates(), seed = 0, onStep } = options;
  const m = samples.U.rows;
  const size = Math.min(options.batch ?? m, m);
  const stream = random(seed).fork("batches");
  requireApart(penalty, fixed);
  const admitted = (to: ImplicitModel) => {
    const inside = penalty ? withParameters(to, penalty.prox(parametersOf(to), 0)) : to;
    return implicitModel({ ...inside, A: project(denseA(inside.A)) });
  };
  let model = admitted(initial);
  const moments = new Map<Part, { first: Float64Array; second: Float64Array }>();
  let order: Int32Array = new Int32Array(0);
  let warm: Dense | undefined;
  for (let t = 0, at = m; t < steps; t++, at += size) {
    if (at + size > order.length) [order, at] = [stream.permutation(m), 0];
    const batch = size === m ? samples : rowsOf(samples, order.subarray(at, at + size));
    const solved = solver.equilibrium(model, batch.U, size === m ? warm : undefined);
    warm = solved.X;
    const L = { ...solved.Y, data: solved.Y.data.map((value, e) => (value - batch.Y.data[e]!) / size) };
    const loss = 0.5 * size * L.data.reduce((sum, value) => sum + value * value, 0);
    if (!Number.isFinite(loss)) throw notFinite(loss, t);
    onStep?.(t, loss);
    const found = solver.gradients(model, batch.U, solved, L);
    const pull = penalty?.gradient(parametersOf(model));
    const moved = { ...model };
    for (const part of PARTS) {
      if (fixed.includes(part)) continue;
      const [own, slope] = [numbersOf(model, part), numbersOf(found, part)];
      const g = pull ? slope.map((value, e) => value + pull[part].data[e]!) : slope;
      const kept = moments.get(part) ?? { first: new Float64Array(g.length), second: new Float64Array(g.length) };
      moments.set(part, kept);
      const next = adamStep(own, g, kept, t + 1, learningRate(t));
      Object.assign(moved, { [part]: ArrayBuffer.isView(model[part]) ? next : { ...found[part], data: next } });
    }
    model = admitted(moved);
  }
  return model;
}

function requireApart(penalty: Penalty | undefined, fixed: readonly (keyof Gradients)[]): void {
  const shared = penalty?.parts.find((part) => fixed.includes(part));
  if (shared === undefined) return;
  throw new VouchError("parameter", {
    name: "trainProjected",
    expected: "a penalty on parts that move",
    got: `${penalty!.name} on ${shared}, which is fixed`,
    remedy: "Take the part out of `fixed`, or leave the term out.",
  });
}

function adamStep(
  own: Float64Array,
  g: Float64Array,
  { first, second }: { readonly first: Float64Array; readonly second: Float64Array },
  t: number,
  rate: number,
): Float64Array {
  const [c1, c2] = [1 - 0.9 ** t, 1 - 0.999 ** t];
  return own.map((value, e) => {
    first[e] = 0.9 * first[e]! + 0.1 * g[e]!;
    second[e] = 0.999 * second[e]! + 0.001 * g[e]! ** 2;
    return value - (rate * first[e]!) / c1 / (Math.sqrt(second[e]! / c2) + 1e-8);
  });
}

function numbersOf(record: ImplicitModel | Gradients, part: Part): Float64Array {
  if (part === "A") return "phi" in record ? denseA(record.A).data : record.A.data;
  const found = record[part];
  return found instanceof Float64Array ? found : found.data;
}

export function rowsOf({ U, Y }: Samples, rows: Int32Array): Samples {
  const all = ({ columns }: Dense) => Int32Array.from({ length: columns }, (_, j) => j);
  return { U: submatrix(U, rows, all(U)), Y: submatrix(Y, rows, all(Y)) };
}

function notFinite(loss: number, t: number): VouchError {
  const remedy = "Lower the learning rate.";
  return new VouchError("convergence", {
    name: "trainProjected",
    expected: "a finite loss",
    got: `${loss} at step ${t}`,
    remedy,
  });
}
