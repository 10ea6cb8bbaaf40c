/** @file What a layer is: a map of samples whose Lipschitz constant is proved, not measured. */

import { VouchError } from "../errors.js";
import type { Bound } from "../linear/linear.js";
import type { Tensor } from "../tensor/tensor.js";

export interface Layer {
  readonly name: string;
  /** T(x), each sample by itself. */
  apply(x: Tensor): Tensor;
  /**
   * ‖T(x) − T(y)‖ ≤ value ‖x − y‖ in each sample, for all x and y and at any weights. A graph through which gradients flow:
   * weights that were divided by it have the exact gradient, and a loss may contain it.
   */
  readonly lipschitz: Bound;
  /** Why ‖T(x) − T(y)‖² ≤ ⟨T(x) − T(y), x − y⟩ at any weights; absent where that may fail. */
  readonly firmly?: string;
  /** φ: [N], convex with ∇φ = T; absent where T is no such gradient. */
  readonly potential?: (x: Tensor) => Tensor;
}

/** ‖T(x) − T(y)‖ ≤ ‖x − y‖ whatever the weights. */
export function isNonexpansive({ lipschitz }: Layer): boolean {
  return lipschitz.atMost !== undefined && lipschitz.atMost <= 1;
}

/** @throws parameter, naming the layer, unless it is 1-Lipschitz at any weights */
export function requireNonexpansive(caller: string, layer: Layer): void {
  if (isNonexpansive(layer)) return;
  const { atMost } = layer.lipschitz;
  throw new VouchError("parameter", {
    name: caller,
    expected: "a layer that is 1-Lipschitz at any weights",
    got: `${layer.name}, with a constant ${atMost === undefined ? "that its weights decide" : `up to ${atMost}`}`,
    remedy: "Normalize its weights with spectrallyNormalized.",
  });
}

/** @throws parameter, naming the layer, unless it is firmly nonexpansive at any weights */
export function requireFirmly(caller: string, layer: Layer): void {
  if (layer.firmly !== undefined) return;
  throw new VouchError("parameter", {
    name: caller,
    expected: "a layer that is firmly nonexpansive at any weights",
    got: `${layer.name}${isNonexpansive(layer) ? ", 1-Lipschitz alone" : ""}`,
    remedy: "Average a 1-Lipschitz layer with the identity: firmlyNonexpansive.",
  });
}

/**
 * A layer that is the gradient of a convex function: firmly nonexpansive where it is 1-Lipschitz at any weights, and then the
 * prox of the convex function φ* − ½‖·‖².
 *
 * @source Baillon & Haddad 1977; Bauschke & Combettes, 2nd ed., Corollary 18.17; Moreau 1965, Corollary 10.c
 */
export function gradientLayer(layer: Omit<Layer, "firmly"> & Required<Pick<Layer, "potential">>): Layer {
  return isNonexpansive(layer)
    ? { ...layer, firmly: "the 1-Lipschitz gradient of a convex function (Baillon–Haddad)" }
    : layer;
}
