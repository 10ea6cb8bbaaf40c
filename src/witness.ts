/** @file From a solve's answer to a proof: the data of one sample, feasibility repair, and the checked gap. */

import { type DualOptions, dualBounds, hasBounds, type NoBounds } from "./dual.js";
import type { Problem } from "./problem.js";
import { interpret } from "./tensor/interpret.js";
import type { Tensor, Value } from "./tensor/tensor.js";
import type { Bounds } from "./verify/bounds.js";
import { check, type Numbers, type Verdict, type Witness } from "./verify/check.js";
import { repair } from "./verify/repair.js";

/** A model's graphs: what a proof is about. */
export interface Stated {
  readonly problem: Problem;
  /** Stored parameters, inputs of the graph, and what the problem reads of them. */
  readonly params: Readonly<Record<string, Tensor>>;
  readonly read: Readonly<Record<string, Tensor>>;
  readonly data: Readonly<Record<string, Tensor>>;
}

export interface Proof {
  /** The answer the verdict is about: float32, [1, …]; moved only where it was infeasible and could be repaired. */
  readonly x: Repaired["x"];
  /** How far it was moved toward an inner point: t in [0, 1]. */
  readonly moved: number;
  readonly verdict: Verdict;
}
type Repaired = ReturnType<typeof repair>;

/** Whether a dual bound exists, or why not. */
export type Provable = { readonly provable: true } | ({ readonly provable: false } & NoBounds);

export interface Prover {
  readonly provable: Provable;
  /** Absent where there is no dual bound. */
  readonly bounds?: Bounds;
  /** Prove what can be proven of one sample, data by name, each [1, …]. */
  prove(data: Readonly<Record<string, Numbers>>, witness: Witness): Proof;
}

/**
 * A prover of a model with its weights.
 *
 * The proven problem has the parameters as the problem reads them, rounded to float32, and the exact widening of float32 data.
 */
export function prover(stated: Stated, weights: Readonly<Record<string, Numbers>>, options: DualOptions = {}): Prover {
  const bounds = dualBounds(stated.problem, options);
  if (!hasBounds(bounds)) {
    const verdict: Verdict = { verdict: "UNVERIFIABLE", ...bounds, constraints: [] };
    const provable: Provable = { provable: false, ...bounds };
    return {
      provable,
      prove: (_, { x }) => ({ x: { shape: x.shape, data: Float32Array.from(x.data) }, moved: 0, verdict }),
    };
  }
  const fixed = readParameters(stated, weights);
  return {
    provable: { provable: true },
    bounds,
    prove(data, witness) {
      const values = new Map(fixed);
      for (const [name, tensor] of Object.entries(stated.data)) {
        const { shape, data: numbers } = data[name]!;
        values.set(tensor, { shape, data: Float64Array.from(numbers) });
      }
      const repaired = repair(bounds, values, witness.x);
      return { x: repaired.x, moved: repaired.share, verdict: check(bounds, values, { x: repaired.x, y: witness.y }) };
    },
  };
}

function readParameters({ params, read }: Stated, weights: Readonly<Record<string, Numbers>>): Map<Tensor, Value> {
  const names = Object.keys(params);
  const feeds = Object.fromEntries(
    names.flatMap((name) => {
      const { name: fed } = params[name]!.node.attributes as { name: string };
      return weights[name] ? [[fed, weights[name]]] : [];
    }),
  );
  const values = interpret(
    names.map((name) => read[name]!),
    feeds,
  );
  return new Map(
    names.map((name, i) => [read[name]!, { shape: values[i]!.shape, data: values[i]!.data.map(Math.fround) }]),
  );
}
