/** @file Selection of features: columns of (B; D) that a group penalty makes zero, along a path of penalties. */

import { VouchError } from "../../../errors.js";
import { type Random, random } from "../../../random.js";
import { type Dense, dense, denseOf, submatrix } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";
import { rowsOnL1Ball } from "../projections.js";
import { featureNorms } from "../sparsity.js";
import { equilibrium, gradients } from "./adjoint.js";
import type { Samples } from "./train-projected.js";

export interface SelectFeaturesOptions {
  /** Inputs and outputs of about unit variance: penalties and learning rate are absolute. */
  readonly training: Samples;
  readonly validation: Samples;
  /** ReLU states n; 0 is a linear model. */
  readonly states: number;
  /** Bound of ‖A‖_∞, below 1. */
  readonly kappa: number;
  /** μ of the unweighted levels that the path starts with. Default 0.1, 0.04. */
  readonly start?: readonly number[];
  /** μ of the weighted levels, increasing. Default 0.02 … 0.48, 10 levels. */
  readonly penalties?: readonly number[];
  /** Of a level. Default 150. */
  readonly steps?: number;
  readonly seed?: number;
}

/** A weighted level of the path: its penalty, the features left, and its mean squared error on validation samples ± one standard error. */
export interface SelectionLevel {
  readonly penalty: number;
  readonly features: Int32Array;
  readonly error: number;
  readonly standardError: number;
  /** Of all inputs: columns of B and D of other features are zero. */
  readonly model: ImplicitModel;
}

export interface Selection {
  readonly chosen: SelectionLevel;
  readonly path: readonly SelectionLevel[];
}

const PENALTIES = [0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48];
const RATE = 0.02;
/** Norms far below this share of the largest are penalised in full, those far above hardly. */
const SOFT = 0.1;
/** Relative step at which fixed points and adjoints end. */
const TOLERANCE = 1e-5;

/**
 * Choose features by
 *
 *     min ½‖Y − Ŷ‖²/m + μ Σⱼ wⱼ ‖(B; D)eⱼ‖₂   over ‖A‖_∞ ≤ κ, B, D, the constants, and C with columns of length 1
 *
 * along increasing μ, each level from the end of the one before, with wⱼ = ε/(‖(B; D)eⱼ‖ + ε) of that end, ε = 0.1 maxⱼ ‖(B; D)eⱼ‖. A
 * feature whose column is zero at the end of a level stays out. Chosen is the largest μ whose validation error is within one standard
 * error of the least: nothing decides but which columns are zero.
 *
 * Columns of C have a fixed length because ReLU states may be scaled at will: a penalty on B alone would only move their scale to C.
 *
 * deviates: a proximal gradient through the fixed point where the source descends by blocks over lifted states, and a path of weighted
 * penalties where it has one, because the one penalty shrinks what it keeps and so keeps features that make up for it
 *
 * @throws parameter, shape
 * @source El Ghaoui et al., §6.1, eq. (19) with α = 2; Candès, Wakin & Boyd 2008 (weights); Breiman et al. 1984, §3.4.3 (one standard
 * error)
 */
export function selectFeatures(options: SelectFeaturesOptions): Selection {
  const { training, validation, states, kappa, start = [0.1, 0.04], penalties = PENALTIES, steps = 150 } = options;
  const [p, q] = [training.U.columns, training.Y.columns];
  if (!(Number.isInteger(states) && states >= 0 && penalties.length > 0 && validation.U.rows > 1)) {
    throw new VouchError("parameter", {
      name: "selectFeatures",
      expected: "states ≥ 0, one penalty at least and two validation samples",
      got: `${states} states, ${penalties.length} penalties, ${validation.U.rows} samples`,
      remedy: "Hold samples out for validation.",
    });
  }
  let features = range(p);
  let model = initialModel(random(options.seed ?? 0).fork("selection"), states, p, q);
  for (const penalty of start) model = descend(model, training, new Float64Array(p).fill(penalty), kappa, steps);
  const path: SelectionLevel[] = [];
  for (const penalty of penalties) {
    const norms = featureNorms(model);
    const epsilon = SOFT * Math.max(...norms, Number.MIN_VALUE);
    const weighted = norms.map((norm) => (penalty * epsilon) / (norm + epsilon));
    model = descend(model, inputsOnly(training, features), weighted, kappa, steps);
    const left = range(features.length).filter((j) => featureNorms(model)[j]! > 0);
    model = withFeatures(model, left);
    features = Int32Array.from(left, (j) => features[j]!);
    path.push({
      penalty,
      features,
      ...squaredError(model, inputsOnly(validation, features)),
      model: widened(model, features, p),
    });
    if (features.length === 0) break;
  }
  const least = path.reduce((best, level) => (level.error < best.error ? level : best));
  const within = path.filter(({ error }) => error <= least.error + least.standardError);
  return { chosen: within.at(-1)!, path };
}

function initialModel(stream: Random, n: number, p: number, q: number): ImplicitModel {
  const B = denseOf(n, p, () => (0.5 / Math.sqrt(p)) * stream.normal());
  const C = denseOf(q, n, (i, j) => (i === 0 ? (j % 2 === 0 ? 1 : -1) : stream.normal()));
  return implicitModel({ A: dense(n, n), B, C: unitColumns(C), phi: n === 0 ? [] : [{ map: "relu", size: n }] });
}

/** Numbers that share one step size, with what Adam keeps of them. */
interface Group {
  readonly values: Float64Array;
  readonly first: Float64Array;
  second: number;
}

const groupOf = (values: Float64Array): Group => ({ values, first: new Float64Array(values.length), second: 0 });

/**
 * Proximal Adam: one step size for each group, so that the prox of a group's norm is a scaling of the group.
 *
 * Step t of K has rate 0.02, falling to 0 over the second half. Adam: β₁ = 0.9, β₂ = 0.99, of mean squares of groups.
 */
function descend(
  initial: ImplicitModel,
  { U, Y }: Samples,
  penalties: Float64Array,
  kappa: number,
  steps: number,
): ImplicitModel {
  const { B, phi } = initial;
  const [n, p, q, m] = [B.rows, B.columns, Y.columns, U.rows];
  const columns = range(p);
  const joined = (b: Dense, d: Dense, j: number) =>
    Float64Array.from({ length: n + q }, (_, i) => (i < n ? b.data[i * p + j]! : d.data[(i - n) * p + j]!));
  const rest = [(initial.A as Dense).data, initial.C.data, initial.stateBias, initial.outputBias].map((values) =>
    groupOf(values.slice()),
  );
  const features = Array.from(columns, (j) => groupOf(joined(B, initial.D, j)));
  let model = initial;
  let warm: Dense | undefined;
  for (let t = 0; t < steps; t++) {
    const solved = equilibrium(model, U, warm, TOLERANCE);
    warm = solved.X;
    const L = { ...Y, data: solved.Y.data.map((value, e) => (value - Y.data[e]!) / m) };
    const g = gradients(model, U, solved, L, TOLERANCE);
    const rate = RATE * Math.min(1, 2 * (1 - t / steps));
    [g.A.data, g.C.data, g.stateBias, g.outputBias].forEach((slope, k) => {
      adamStep(rest[k]!, slope, t, rate);
    });
    features.forEach((group, j) => {
      const step = adamStep(group, joined(g.B, g.D, j), t, rate);
      const norm = Math.hypot(...group.values);
      const kept = norm > 0 ? Math.max(0, 1 - (step * penalties[j]!) / norm) : 0;
      for (let i = 0; i < n + q; i++) group.values[i]! *= kept;
    });
    const [A, C, stateBias, outputBias] = rest.map(({ values }) => values) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    A.set(rowsOnL1Ball(dense(n, n, A), kappa).data);
    C.set(unitColumns(dense(q, n, C)).data);
    model = {
      ...{ A: dense(n, n, A), C: dense(q, n, C), stateBias, outputBias, phi },
      B: denseOf(n, p, (i, j) => features[j]!.values[i]!),
      D: denseOf(q, p, (i, j) => features[j]!.values[n + i]!),
    };
  }
  return implicitModel(model);
}

/** The group after a step, in place; the length of the step per unit of gradient. */
function adamStep(group: Group, slope: Float64Array, t: number, rate: number): number {
  const { values, first } = group;
  let squares = 0;
  for (const value of slope) squares += value * value;
  group.second = 0.99 * group.second + (0.01 * squares) / Math.max(slope.length, 1);
  const step = rate / (Math.sqrt(group.second / (1 - 0.99 ** (t + 1))) + 1e-8);
  for (let e = 0; e < values.length; e++) {
    first[e] = 0.9 * first[e]! + 0.1 * slope[e]!;
    values[e]! -= (step * first[e]!) / (1 - 0.9 ** (t + 1));
  }
  return step;
}

function unitColumns({ rows, columns, data }: Dense): Dense {
  const squares = new Float64Array(columns);
  data.forEach((value, e) => {
    squares[e % columns]! += value * value;
  });
  return denseOf(rows, columns, (i, j) => data[i * columns + j]! / Math.sqrt(squares[j]!));
}

function squaredError(
  model: ImplicitModel,
  { U, Y }: Samples,
): { readonly error: number; readonly standardError: number } {
  const made = equilibrium(model, U).Y;
  const [m, q] = [U.rows, Y.columns];
  const errors = new Float64Array(m);
  made.data.forEach((value, e) => {
    errors[Math.floor(e / q)]! += (value - Y.data[e]!) ** 2;
  });
  const error = errors.reduce((sum, value) => sum + value, 0) / m;
  const variance = errors.reduce((sum, value) => sum + (value - error) ** 2, 0) / (m - 1);
  return { error, standardError: Math.sqrt(variance / m) };
}

function inputsOnly({ U, Y }: Samples, features: Int32Array): Samples {
  return { U: submatrix(U, range(U.rows), features), Y };
}

function withFeatures(model: ImplicitModel, kept: Int32Array): ImplicitModel {
  const { B, D } = model;
  return implicitModel({ ...model, B: submatrix(B, range(B.rows), kept), D: submatrix(D, range(D.rows), kept) });
}

/** The model of all p inputs. */
function widened(model: ImplicitModel, features: Int32Array, p: number): ImplicitModel {
  const place = new Map(Array.from(features, (feature, j) => [feature, j]));
  const wide = ({ rows, columns, data }: Dense) =>
    denseOf(rows, p, (i, j) => (place.has(j) ? data[i * columns + place.get(j)!]! : 0));
  return implicitModel({ ...model, B: wide(model.B), D: wide(model.D) });
}

function range(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}
