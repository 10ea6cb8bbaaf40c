/** @file Feed-forward, residual and recurrent networks as implicit models of equal outputs. */

import type { Dense } from "../dense.js";
import type { ImplicitModel } from "../model.js";
import { addSignals, affineSignal, inputSignal, type Layered, mapped, modelOf, pick, type Signal } from "./signal.js";

/** φ(Wx + w). */
export interface DenseLayer {
  /** [out, in] */
  readonly W: Dense;
  readonly w?: Float64Array;
  readonly activation: Layered;
}

const layered = (s: Signal, { W, w, activation }: DenseLayer) => mapped(affineSignal(W, s, w), activation);

/** Layers one after the other. @throws shape @source El Ghaoui et al., §2.2 */
export function feedForward(layers: readonly DenseLayer[]): ImplicitModel {
  const u = inputSignal(layers[0]?.W.columns ?? 0);
  return modelOf(layers.reduce(layered, u), u);
}

/** φ(s + branch(s)): a branch of layers with its skip connection, and the map after the sum. */
export interface ResidualBlock {
  readonly branch: readonly DenseLayer[];
  readonly activation: Layered;
}

/** Residual blocks one after the other, and a last affine layer. @throws shape */
export function residual(blocks: readonly ResidualBlock[], last: DenseLayer): ImplicitModel {
  const u = inputSignal(blocks[0]?.branch[0]?.W.columns ?? last.W.columns);
  const body = blocks.reduce(
    (s, { branch, activation }) => mapped(addSignals(s, branch.reduce(layered, s)), activation),
    u,
  );
  return modelOf(layered(body, last), u);
}

/** h_t = φ(W h_{t−1} + V u_t + w), h₀ = 0. */
export interface RecurrentCell {
  readonly W: Dense;
  readonly V: Dense;
  readonly w?: Float64Array;
  readonly activation: Layered;
}

/** A recurrent network over a sequence (u₁, …, u_T) as one input, its last h through an affine layer. @throws shape */
export function recurrent({ W, V, w, activation }: RecurrentCell, steps: number, last: DenseLayer): ImplicitModel {
  const p = V.columns;
  const u = inputSignal(p * steps);
  let h: Signal | undefined;
  for (let t = 0; t < steps; t++) {
    const driven = affineSignal(
      V,
      pick(
        u,
        Int32Array.from({ length: p }, (_, i) => t * p + i),
      ),
      w,
    );
    h = mapped(h ? addSignals(driven, affineSignal(W, h)) : driven, activation);
  }
  return modelOf(layered(h ?? pick(u, []), last), u);
}
