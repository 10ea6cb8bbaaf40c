/** @file What a proximable and what a smooth function is, and the prox of a conjugate. */

import type { ConvexSet } from "../sets/set.js";
import { div, mul, sub } from "../tensor/primitives/elementwise.js";
import type { Stated } from "../tensor/stated.js";
import type { Shape, Tensor } from "../tensor/tensor.js";

/** Which scalar of an inference speaks for a term: ≥ 0, small is good. */
export interface Property {
  /** "distance", "value", "proximal residual": heading of the value in tables. */
  readonly kind: string;
  /** [N] from v = Sx and, where a solver made x, the copy p of Sx in its state. */
  measure(v: Tensor, p?: Tensor): Tensor;
  /** What a receipt says of it; absent where receipts cannot. */
  readonly stated?: Stated;
}

export interface Proximable {
  readonly name: string;
  /** Shape of v, sample axis first, where data inside say it. */
  readonly domain?: Shape;
  /** argmin_u f(u) + ‖u − v‖²/(2λ), per sample; λ > 0 a scalar. */
  prox(v: Tensor, lambda: Tensor): Tensor;
  /** f(v): [N]. Absent where no objective is known. */
  readonly value?: (v: Tensor) => Tensor;
  /** f*(y) = sup_v ⟨v, y⟩ − f(v): [N]; what a dual bound needs. */
  readonly conjugate?: (y: Tensor) => Tensor;
  /** prox of α f* at u, where it is cheaper than by Moreau's identity. */
  readonly proxConjugate?: (u: Tensor, alpha: Tensor) => Tensor;
  /** A point of dom f* near y, y itself where it is one: what makes any dual vector fit for a bound. Absent where dom f* is the space. */
  readonly admit?: (y: Tensor) => Tensor;
  /** λ is ignored, so that what is solved depends on the step: it may not change during a solve. */
  readonly ignoresStep?: true;
  /** Of indicators: the set. */
  readonly set?: ConvexSet;
  readonly property: Property;
  /** What a receipt says of it; absent where receipts cannot. */
  readonly stated?: Stated;
}

/** A convex function with a Lipschitz continuous gradient. */
export interface Smooth {
  readonly name: string;
  /** Shape of v, sample axis first, where data inside say it. */
  readonly domain?: Shape;
  /** f(v): [N]. */
  value(v: Tensor): Tensor;
  grad(v: Tensor): Tensor;
  /** Lipschitz constant of the gradient in v: a scalar. */
  lipschitz(): Tensor;
}

/**
 * prox_{αf*}(u) = u − α prox_{f/α}(u/α).
 *
 * @source Moreau's identity; Bauschke & Combettes, 2nd ed., Theorem 14.3
 */
export function proxConjugate(f: Proximable, u: Tensor, alpha: Tensor): Tensor {
  if (f.proxConjugate) return f.proxConjugate(u, alpha);
  return sub(u, mul(alpha, f.prox(div(u, alpha), div(1, alpha))));
}
