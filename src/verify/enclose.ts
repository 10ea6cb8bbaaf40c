/** @file Evaluation with proven rounding: each array with a bound on how far it is from that of real arithmetic. */

import { VouchError } from "../errors.js";
import { topological } from "../tensor/graph.js";
import type { Enclosed } from "../tensor/rounding.js";
import type { Tensor, Value } from "../tensor/tensor.js";

/** Name of a primitive between `given` and `outputs` of which no rounding is known, if there is one. */
export function inexactPrimitive(outputs: readonly Tensor[], given: ReadonlyMap<Tensor, Value>): string | undefined {
  return topological(outputs, given).find(({ primitive }) => !primitive.enclose)?.primitive.name;
}

/**
 * Evaluate `outputs` in float64 with the rounding of every step bounded; `given` arrays are exact, and not finite ones are
 * known of nothing. `uncertain` ones come with a radius.
 *
 *     |computed − real| ≤ radius for every element of every array
 *
 * @throws problem if a primitive is not exact
 * @source running error bounds, Higham 2002, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.3, with one bound an array
 */
export function enclose(
  outputs: readonly Tensor[],
  given: ReadonlyMap<Tensor, Value>,
  batch: number,
  uncertain: ReadonlyMap<Tensor, Enclosed> = new Map(),
): Enclosed[] {
  const known = new Map<Tensor, Enclosed>(uncertain);
  for (const [tensor, value] of given) {
    known.set(tensor, { value, radius: value.data.every(Number.isFinite) ? 0 : Number.POSITIVE_INFINITY });
  }
  for (const node of topological(outputs, known)) {
    const { primitive } = node;
    if (!primitive.enclose) {
      throw new VouchError("problem", {
        name: "enclose",
        expected: "exact primitives (+ − × ÷ √ min max, comparisons)",
        got: primitive.name,
        remedy: "Evaluate that part first and give its rounded value as data.",
      });
    }
    const inputs = node.inputs.map((x) => known.get(x)!);
    const values = primitive.eval64(
      inputs.map(({ value }) => value),
      node,
      batch,
    );
    primitive.enclose(inputs, values, node).forEach((made, i) => {
      const output = node.outputs[i]!;
      if (!known.has(output))
        known.set(output, { ...made, radius: Number.isNaN(made.radius) ? Infinity : made.radius });
    });
  }
  return outputs.map((output) => known.get(output)!);
}

/** Least and most that a scalar can be in real arithmetic. */
export function interval({ value, radius }: Enclosed): { readonly low: number; readonly high: number } {
  const v = value.data[0]!;
  if (Number.isNaN(v) || radius === Number.POSITIVE_INFINITY) return { low: -Infinity, high: Infinity };
  return { low: radius === 0 ? v : below(v - radius), high: radius === 0 ? v : -below(-(v + radius)) };
}

/** A float64 below every real that rounds to v. */
function below(v: number): number {
  return v - Math.abs(v) * 2 ** -52 - 2 ** -1000;
}
