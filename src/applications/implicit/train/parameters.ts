/** @file The numbers that training moves, as a point of a vector space. */

import { type Dense, dense } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";
import { denseA } from "../state-matrix.js";

/** A, B, C, D and the constants b [n, 1] and d [q, 1]. */
export interface Parameters {
  readonly A: Dense;
  readonly B: Dense;
  readonly C: Dense;
  readonly D: Dense;
  readonly stateBias: Dense;
  readonly outputBias: Dense;
}

export type Part = keyof Parameters;
export const PARTS: readonly Part[] = ["A", "B", "C", "D", "stateBias", "outputBias"];

/** What a model, or the gradient of a loss by its parts, is made of; A with all its entries. */
export function parametersOf(of: Pick<ImplicitModel, "A" | "B" | "C" | "D" | "stateBias" | "outputBias">): Parameters {
  const column = (data: Float64Array) => dense(data.length, 1, data);
  const { A, B, C, D, stateBias, outputBias } = of;
  return { A: denseA(A), B, C, D, stateBias: column(stateBias), outputBias: column(outputBias) };
}

/** The model with other numbers. */
export function withParameters(
  model: ImplicitModel,
  { stateBias, outputBias, ...matrices }: Parameters,
): ImplicitModel {
  return implicitModel({ ...matrices, phi: model.phi, stateBias: stateBias.data, outputBias: outputBias.data });
}

/** Each part by a function of it. */
export function mapParts(f: (part: Part) => Dense): Parameters {
  return Object.fromEntries(PARTS.map((part) => [part, f(part)])) as unknown as Parameters;
}

/** alpha X + Y. */
export function axpy(alpha: number, X: Parameters, Y: Parameters): Parameters {
  return mapParts((part) => ({ ...Y[part], data: Y[part].data.map((y, e) => alpha * X[part].data[e]! + y) }));
}

/** ⟨X, Y⟩ over all entries. */
export function inner(X: Parameters, Y: Parameters): number {
  let sum = 0;
  for (const part of PARTS) for (let e = 0; e < X[part].data.length; e++) sum += X[part].data[e]! * Y[part].data[e]!;
  return sum;
}
