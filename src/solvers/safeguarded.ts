/** @file Steps that are tried, tested, and taken back where they fail. */

import type { Operator } from "../operator.js";
import { choose, dot, zip } from "../points.js";
import { zeros } from "../tensor/primitives/broadcast.js";
import { abs, add, less, lessEqual, mul, select, sqrt, sub } from "../tensor/primitives/elementwise.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Tree } from "../tensor/tree.js";
import { picard } from "./picard.js";
import type { Solver } from "./solver.js";

type Memory = Readonly<Record<string, Tree>>;

/** Where to try next. */
export interface Proposal {
  readonly name: string;
  /** What it remembers between looks, empty; samples first. */
  memory(z: Tree): Memory;
  /** From a block of steps that led from `start` to `z`, and T(z): the point to try, and what to remember. */
  propose(
    T: Operator,
    block: {
      readonly start: Tree;
      readonly z: Tree;
      readonly Tz: Tree;
      readonly memory: Memory;
    },
  ): { readonly point: Tree; readonly memory: Memory };
  /** Products with the Jacobian of T that a proposal takes. Default 0. */
  readonly products?: number;
}

interface State {
  readonly [name: string]: Tree;
  readonly now: Tree;
  /** `now` of the last look, from which the block at hand began. */
  readonly start: Tree;
  /** The last T(z) that was kept. */
  readonly point: Tree;
  readonly memory: Memory;
  /** ‖T(z) − z‖ in the metric of T at the last look that was kept. */
  readonly motion: Tensor;
  /** 1 where the block at hand began at a proposal. */
  readonly trial: Tensor;
  readonly rejected: Tensor;
  /** The balance of steps that T had at the last look. */
  readonly balance: Tensor;
}

/** Squared length beyond which a proposal counts as not finite. */
const HUGE = 1e30;
/** Share of the motion that a proposal must get below. */
const DESCENT = 0.9999;

/**
 * Steps of `inner`, and at every look a proposal: a block of steps that began at one is kept if it passes the descent test
 *
 *     ‖T(z) − z‖_P at its end ≤ 0.9999 ‖T(z) − z‖_P where it was proposed,
 *
 * in the metric P of T, and taken back otherwise, sample by sample: the next block then begins at T(z) of before, as it would have
 * without the proposal, and is not tested. Either proposals pass for ever and the motion goes to 0, or T decides in the end: converges
 * whatever is proposed, learned steps too. Blocks taken back are counted. With one step a look (`chunk: { every: 1 }`) every
 * step is a proposal. Where T's steps were rebalanced since the last look, nothing is tested and what was remembered is forgotten.
 *
 * P(z − T(z)) is the residual of the KKT conditions at T(z), so that this is its length in P⁻¹; the relative residuals by which a
 * solve stops may shrink while a proposal runs away.
 *
 * @param inner  steps between proposals; default `picard()`
 * @source Heaton, Chen, Wang & Yin 2023, Safeguarded Learned Convex Optimization, with μ the last motion
 */
export function safeguarded(proposal: Proposal, inner: Solver = picard()): Solver {
  const stateOf = (tree: Tree) => tree as unknown as State;
  return {
    name: proposal.name,
    counts: { rejected: "rejected" },
    products: proposal.products ?? 0,
    init: (z) => ({
      now: z,
      start: z,
      point: z,
      memory: proposal.memory(z),
      motion: zeros(["N"]),
      trial: zeros(["N"]),
      rejected: zeros(["N"]),
      balance: zeros(["N"]),
    }),
    step: (T, tree) => {
      const state = stateOf(tree);
      const { next, z, Tz } = inner.step(T, state.now);
      return { next: { ...state, now: next }, z, Tz };
    },
    last: (T, tree) => {
      const state = stateOf(tree);
      const z = state.now;
      const Tz = T.apply(z);
      const motion = sqrt(abs(T.metric(zip(Tz, z, sub))));
      const held = select(lessEqual(motion, mul(DESCENT, state.motion)), 1, 0);
      const balance = add(T.balance?.factor ?? 0, zeros(["N"]));
      const rebalanced = less(0, abs(sub(balance, state.balance)));
      const kept = less(0.5, select(rebalanced, 1, select(less(0.5, state.trial), held, 1)));
      const memory = choose(rebalanced, proposal.memory(z), state.memory) as Memory;
      const made = proposal.propose(T, { start: state.start, z, Tz, memory });
      const finite = less(dot(made.point, made.point), HUGE);
      const now = choose(kept, choose(finite, made.point, Tz), state.point);
      return {
        next: {
          now,
          start: now,
          point: choose(kept, Tz, state.point),
          memory: choose(kept, made.memory, proposal.memory(z)) as Memory,
          motion: select(kept, motion, state.motion),
          trial: select(kept, select(finite, 1, 0), 0),
          rejected: add(state.rejected, select(kept, 0, 1)),
          balance,
        },
        z,
        Tz,
        kept,
      };
    },
    point: (tree) => stateOf(tree).point,
  };
}
