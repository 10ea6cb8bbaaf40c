/** @file Anderson acceleration. */

import { VouchError } from "../errors.js";
import { choose, dot, plus, zip } from "../points.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { less, neg, onesLike, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import { mapTensors, type Tree } from "../tensor/tree.js";
import { solvePositive } from "./cholesky.js";
import { picard } from "./picard.js";
import { type Proposal, safeguarded } from "./safeguarded.js";
import type { Solver } from "./solver.js";

export interface AndersonOptions {
  /** Differences remembered, an integer ≥ 1. Default 5. */
  readonly memory?: number;
  /** Regularization of the least squares relative to the trace of its Gram matrix, > 0. Default 1e-6, what float32 can tell. */
  readonly ridge?: number;
  /** Steps between extrapolations. Default `picard()`; `relaxed(ω)` for averaged operators. */
  readonly inner?: Solver;
}

/** Least squares of up to `memory` differences. */
interface Memory {
  readonly [name: string]: Tree;
  /** The last f and g, and the differences of each, newest first; 0 where there are none. */
  readonly f: Tree;
  readonly g: Tree;
  readonly df: Readonly<Record<string, Tree>>;
  readonly dg: Readonly<Record<string, Tree>>;
  /** 1 where f and g are of a block. */
  readonly filled: Tensor;
}

/**
 * Anderson acceleration of type II over blocks of steps, safeguarded: with u the start of a block, g = T(z) its end, f = g − u,
 *
 *     c = argmin ‖f − ΔF c‖² + ridge tr(ΔFᵀΔF) ‖c‖²,    u⁺ = g − ΔG c,
 *
 * ΔF, ΔG the last differences of f and g; sample by sample, taken back where the residual grows (`safeguarded`). Good for smooth maps and slow contractions;
 * where the active constraints keep changing it is taken back often and gains little.
 *
 * @throws parameter if memory or ridge is out of range
 * @source Walker & Ni 2011, Anderson Acceleration for Fixed-Point Iterations, Algorithm AA; blocks and safeguard after Zhang,
 * O'Donoghue & Boyd 2020, Globally Convergent Type-I Anderson Acceleration; deviates: type II, for no inverse of a change of z
 */
export function anderson({ memory = 5, ridge = 1e-6, inner = picard() }: AndersonOptions = {}): Solver {
  if (!(Number.isInteger(memory) && memory >= 1 && ridge > 0)) {
    throw new VouchError("parameter", {
      name: "anderson",
      expected: "memory an integer ≥ 1 and ridge > 0",
      got: `memory ${memory}, ridge ${ridge}`,
      remedy: "Leave them out for the defaults.",
    });
  }
  const slots = Array.from({ length: memory }, (_, i) => `${i}`);
  const bySlot = (make: (slot: string, i: number) => Tree) => Object.fromEntries(slots.map((s, i) => [s, make(s, i)]));
  const proposal: Proposal = {
    name: `anderson ${memory}`,
    memory: (z) => {
      const nothing = mapTensors(z, (leaf) => zeros(leaf.shape));
      return {
        f: nothing,
        g: nothing,
        df: bySlot(() => nothing),
        dg: bySlot(() => nothing),
        filled: zeros(["N"]),
      } satisfies Memory;
    },
    propose: (_, { start, Tz: g, memory: kept }) => {
      const last = kept as unknown as Memory;
      const f = zip(g, start, sub);
      const filled = less(0.5, last.filled);
      const none = mapTensors(f, (leaf) => zeros(leaf.shape));
      const newest = (now: Tree, before: Tree) => choose(filled, zip(now, before, sub), none);
      const df = bySlot((_, i) => (i === 0 ? newest(f, last.f) : last.df[slots[i - 1]!]!));
      const dg = bySlot((_, i) => (i === 0 ? newest(g, last.g) : last.dg[slots[i - 1]!]!));
      const columns = Object.values(df);
      const gram = columns.map((a, i) => columns.slice(0, i + 1).map((b) => dot(a, b)));
      const c = solvePositive(
        gram,
        columns.map((a) => dot(a, f)),
        ridge,
      );
      const point = slots.reduce((u, slot, i) => plus(u, neg(c[i]!), dg[slot]!), g);
      return { point, memory: { f, g, df, dg, filled: onesLike(last.filled) } satisfies Memory };
    },
  };
  return safeguarded(proposal, inner);
}
