/** @file What an activation is: a map of a block of states, with the constants that well-posedness rests on. */

/** The map of one block of the state, on arrays in which the block lies at from … to − 1. */
export interface Activation {
  /** Each entry is a nondecreasing function of its own entry alone: |φ(u) − φ(v)| ≤ L|u − v| entry by entry. */
  readonly componentwise: boolean;
  /** Lipschitz constants in ‖·‖_∞ and ‖·‖₂. */
  readonly lipschitz: { readonly infinity: number; readonly two: number };
  /** φ(sz) = sφ(z) for s > 0: the state may be rescaled. */
  readonly homogeneous: boolean;
  /** x ← φ(z). */
  apply(z: Float64Array, x: Float64Array, from: number, to: number): void;
  /** v ← φ′(z)ᵀv; at a kink the derivative from below. */
  pullback(z: Float64Array, v: Float64Array, from: number, to: number): void;
  /** prox_{αf}(v) of one entry, where φ = prox_f: absent where it has no closed form. */
  readonly resolvent?: (v: number, alpha: number) => number;
}

/** A componentwise activation from a function of one number and its derivative. */
export function pointwise(
  phi: (z: number) => number,
  derivative: (z: number) => number,
  rest: {
    readonly constant: number;
    readonly homogeneous: boolean;
    readonly resolvent?: (v: number, alpha: number) => number;
  },
): Activation {
  const { constant, homogeneous, resolvent } = rest;
  return {
    componentwise: true,
    lipschitz: { infinity: constant, two: constant },
    homogeneous,
    apply(z, x, from, to) {
      for (let i = from; i < to; i++) x[i] = phi(z[i]!);
    },
    pullback(z, v, from, to) {
      for (let i = from; i < to; i++) v[i] = v[i]! * derivative(z[i]!);
    },
    ...(resolvent && { resolvent }),
  };
}
