/** @file Smaller models of equal or nearly equal outputs: features and states that do not count, low rank, and the error of either. */

import { type Matrix, SingularValueDecomposition, solve } from "ml-matrix";
import { VouchError } from "../../errors.js";
import { type Placed, placed } from "./activations/phi.js";
import { blockTriangular } from "./components.js";
import {
  absolute,
  addScaled,
  type Dense,
  dense,
  identityDense,
  submatrix,
  times,
  toMatrix,
  transposed,
} from "./dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "./model.js";
import { denseA, type LowRank } from "./state-matrix.js";
import { perron } from "./well-posed/perron.js";

/** ‖(B; D)eⱼ‖₂ of each input: 0 where the prediction does not depend on it. @source El Ghaoui et al., §6.1, eq. (19) with α = 2 */
export function featureNorms({ B, D }: Pick<ImplicitModel, "B" | "D">): Float64Array {
  const squares = new Float64Array(B.columns);
  for (const { columns, data } of [B, D]) {
    data.forEach((value, e) => {
      squares[e % columns]! += value * value;
    });
  }
  return squares.map(Math.sqrt);
}

/** A model of fewer states with the inputs and outputs of the one it was made of, and the states that it kept. */
export interface Reduced {
  readonly model: ImplicitModel;
  readonly kept: Int32Array;
}

/**
 * The same predictions without the states that no output depends on (columns of (A; C) that are zero, one after the other), and
 * without those that depend on nothing (rows of (A, B) that are zero), which become constants.
 *
 * States of a map of several stay together. @source El Ghaoui et al., §6.2
 */
export function reducedStates(model: ImplicitModel): Reduced {
  const A = denseA(model.A);
  const { n, p, q } = sizesOf(model);
  const units = blockTriangular(A, placed(model.phi)).components.flatMap((component) => component.units);
  const constant = new Map<Placed, Float64Array>();
  const fixedAt = new Float64Array(n);
  const isFixed = new Uint8Array(n);
  // Substitution order: what a unit depends on comes before it.
  for (const unit of units) {
    const states = range(unit.from, unit.to);
    const free = states.every(
      (i) =>
        range(0, n).every((j) => A.data[i * n + j] === 0 || isFixed[j] === 1) &&
        range(0, p).every((j) => model.B.data[i * p + j] === 0),
    );
    if (!free) continue;
    const z = new Float64Array(n);
    for (const i of states) {
      z[i] = model.stateBias[i]!;
      for (let j = 0; j < n; j++) z[i]! += A.data[i * n + j]! * fixedAt[j]!;
    }
    unit.activation.apply(z, fixedAt, unit.from, unit.to);
    isFixed.fill(1, unit.from, unit.to);
    constant.set(unit, fixedAt.slice(unit.from, unit.to));
  }
  const read = new Uint8Array(n);
  for (const { from, to } of units) {
    const output = range(from, to).some((j) => range(0, q).some((i) => model.C.data[i * n + j] !== 0));
    if (output) read.fill(1, from, to);
  }
  closeLoops(A, units, read);
  const keptUnits = units.filter(({ from }) => read[from] === 1 && isFixed[from] === 0).sort((a, b) => a.from - b.from);
  const kept = Int32Array.from(keptUnits.flatMap(({ from, to }) => range(from, to)));
  const shift = times(A, dense(n, 1, fixedAt)).data;
  const out = times(model.C, dense(n, 1, fixedAt)).data;
  return {
    kept,
    model: implicitModel({
      A: submatrix(A, kept, kept),
      B: submatrix(model.B, kept, range(0, p)),
      C: submatrix(model.C, range(0, q), kept),
      D: model.D,
      stateBias: Float64Array.from(kept, (i) => model.stateBias[i]! + shift[i]!),
      outputBias: model.outputBias.map((value, i) => value + out[i]!),
      phi: keptUnits.map(({ block, from, to }) => ({ ...block, size: to - from })),
    }),
  };
}

/** Marks what marked states read, until nothing is added: units of a loop read each other. */
function closeLoops(A: Dense, units: readonly Placed[], read: Uint8Array): void {
  const n = A.rows;
  for (let changed = true; changed; ) {
    changed = false;
    for (const { from, to } of units) {
      if (read[from] === 1) continue;
      const used = range(from, to).some((j) => range(0, n).some((i) => read[i] === 1 && A.data[i * n + j] !== 0));
      if (!used) continue;
      read.fill(1, from, to);
      changed = true;
    }
  }
}

/** A model with A of rank k by its largest singular values, and E = A₀ − A what was left out. @throws parameter */
export function truncatedRank(model: ImplicitModel, k: number): { readonly model: ImplicitModel; readonly E: Dense } {
  const { n } = sizesOf(model);
  if (!(Number.isInteger(k) && k >= 1 && k <= n)) {
    const remedy = "A of rank n is A itself.";
    throw new VouchError("parameter", { name: "truncatedRank", expected: `a rank in 1 … ${n}`, got: `${k}`, remedy });
  }
  const A = denseA(model.A);
  const svd = new SingularValueDecomposition(toMatrix(A), { autoTranspose: true });
  const factor = (M: Matrix, scale: (j: number) => number): Dense =>
    dense(
      n,
      k,
      Array.from({ length: n * k }, (_, e) => M.get(Math.floor(e / k), e % k) * scale(e % k)),
    );
  const low: LowRank = {
    kind: "low-rank",
    L: factor(svd.leftSingularVectors, (j) => svd.diagonal[j]!),
    R: factor(svd.rightSingularVectors, () => 1),
  };
  return { model: implicitModel({ ...model, A: low }), E: addScaled(-1, times(low.L, transposed(low.R)), A) };
}

/**
 * |x − x⁰| ≤ (I − |A|)⁻¹(|E||x⁰| + |c⁰ − c|) where x⁰ = φ(A₀x⁰ + c⁰) has the states of A₀ = A + E and x = φ(Ax + c) those of A: how
 * far compression of A, and of B and b in c = Bu + b, moves states, and |C| times it, how far it moves outputs.
 *
 * deviates: with absolute values of E, which the source leaves out and without which it is false; with |A| of the compressed matrix
 * instead of |A₀| + |E|, which is never more
 *
 * @param x0     [m, n]
 * @param drive  c⁰ − c, [m, n]; zeros by default
 * @returns bounds on the states, [m, n]
 * @throws parameter unless λ_pf(|A|) < 1 and maps are componentwise
 * @source El Ghaoui et al. 2021, Theorem 5.1
 */
export function compressionBound(compressed: ImplicitModel, E: Dense, x0: Dense, drive?: Dense): Dense {
  const N = absolute(denseA(compressed.A));
  const { value } = perron(N);
  const other = placed(compressed.phi).find(({ activation }) => !activation.componentwise);
  if (!(value < 1) || other) {
    throw new VouchError("parameter", {
      name: "compressionBound",
      expected: "λ_pf(|A|) < 1 and maps of single states",
      got: other ? other.block.map : `${value}`,
      remedy: "Compress less, or project A first.",
    });
  }
  const byA = times(absolute(x0), transposed(absolute(E)));
  const moved = drive === undefined ? byA : addScaled(1, absolute(drive), byA);
  const system = toMatrix(addScaled(-1, N, identityDense(N.rows)));
  const delta = solve(system, toMatrix(transposed(moved)));
  return dense(
    x0.rows,
    N.rows,
    Float64Array.from(delta.transpose().to1DArray(), (entry) => Math.max(entry, 0)),
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
