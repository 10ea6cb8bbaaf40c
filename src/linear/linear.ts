/** @file What a linear operator is: apply, adjoint, and a norm bound that says how it was bounded. */

import { max, sqrt } from "../tensor/primitives/elementwise.js";
import { constant } from "../tensor/primitives/leaf.js";
import type { Stated } from "../tensor/stated.js";
import type { Shape, Tensor } from "../tensor/tensor.js";

/** An upper bound ‖S‖₂ ≤ value and the argument behind it. */
export interface Bound {
  /** Scalar of shape []; a graph where the operator has learned weights. */
  readonly value: Tensor;
  readonly how: string;
  /** A number that `value` never exceeds, whatever the weights; absent where there is none. */
  readonly atMost?: number;
}

export interface LinearOperator {
  readonly name: string;
  /** Shape of x, sample axis first. */
  readonly domain: Shape;
  readonly range: Shape;
  apply(x: Tensor): Tensor;
  adjoint(y: Tensor): Tensor;
  norm(): Bound;
  /** What a receipt says of it; absent where receipts cannot. */
  readonly stated?: Stated;
}

/** Float32 evaluation of a bound may round down; this factor puts it back above. */
export const ROUNDING_MARGIN = 1 + 1e-4;

/** Least square that a root is taken of: a bound stays above 0 and its gradient finite where the weights vanish. */
export const TINY = 1e-30;

export function numberBound(value: number, how: string): Bound {
  return { value: constant(value), how, atMost: value };
}

export function squareRootBound(square: Tensor, how: string): Bound {
  return { value: sqrt(max(square, TINY)), how };
}

/** x^(1/q) for q a power of two. */
export function root(x: Tensor, q: number): Tensor {
  let y = x;
  for (let k = q; k > 1; k /= 2) y = sqrt(y);
  return y;
}
