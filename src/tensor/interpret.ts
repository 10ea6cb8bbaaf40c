/** @file The float64 interpreter: the reference in tests, and the reader that certifies. */

import { constantFrontier, graphInputs, topological } from "./graph.js";
import { shapeError, showShape, type Tensor, type Value } from "./tensor.js";

/** Evaluate `outputs` in float64 given values for some tensors of the graph. */
export function evaluate(outputs: readonly Tensor[], given: ReadonlyMap<Tensor, Value>, batch: number): Value[] {
  const known = new Map<Tensor, Value>(given);
  for (const node of topological(outputs, given)) {
    const values = node.primitive.eval64(
      node.inputs.map((x) => known.get(x)!),
      node,
      batch,
    );
    values.forEach((value, i) => {
      const output = node.outputs[i]!;
      if (!known.has(output)) known.set(output, value);
    });
  }
  return outputs.map((output) => known.get(output)!);
}

/** Arrays of a graph's named inputs; the leading axis of a batched one gives N. */
export type Feeds = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>;

/** Evaluate a graph in float64 with its inputs given by name. */
export function interpret(outputs: readonly Tensor[], feeds: Feeds): Value[] {
  const given = new Map<Tensor, Value>();
  let batch = Number.NaN;
  for (const node of topological(outputs)) {
    if (node.primitive.name !== "input") continue;
    const { name } = node.attributes as { name: string };
    const feed = feeds[name];
    if (feed === undefined) continue;
    const declared = node.outputs[0]!.shape;
    if (declared.length !== feed.shape.length || declared.some((dim, i) => dim !== "N" && dim !== feed.shape[i])) {
      throw shapeError(`interpret: input "${name}"`, showShape(declared), showShape(feed.shape));
    }
    if (declared[0] === "N") batch = feed.shape[0]!;
    given.set(node.outputs[0]!, { shape: feed.shape, data: Float64Array.from(feed.data) });
  }
  return evaluate(outputs, given, batch);
}

/**
 * A graph evaluated again and again in float64: what no variable input and no sample decides is computed once.
 *
 * @param variable  inputs that are given by name at each call
 * @param feeds     values of all other inputs
 */
export function prepare(outputs: readonly Tensor[], variable: readonly Tensor[], feeds: Feeds): (at: Feeds) => Value[] {
  const changing = new Set(variable);
  const fixed = constantFrontier(outputs, changing);
  const known = new Map(interpret(fixed, feeds).map((value, i) => [fixed[i]!, value]));
  const open = graphInputs(outputs).filter((x) => !known.has(x));
  const nameOf = (x: Tensor) => (x.node.attributes as { name: string }).name;
  return (at) => {
    const given = new Map<Tensor, Value>(known);
    let batch = Number.NaN;
    for (const x of open) {
      const feed = (changing.has(x) ? at : feeds)[nameOf(x)];
      if (feed === undefined) continue;
      if (x.shape[0] === "N") batch = feed.shape[0]!;
      given.set(x, { shape: feed.shape, data: Float64Array.from(feed.data) });
    }
    return evaluate(outputs, given, batch);
  };
}

/** True where every primitive under `outputs` is exact: the result is bit-identical on every machine. */
export function isExact(outputs: readonly Tensor[]): boolean {
  return topological(outputs).every((node) => node.primitive.exact);
}
