/** @file Reverse mode, graph to graph: gradients are graphs too. */

import { topological } from "./graph.js";
import { zeros } from "./primitives/broadcast.js";
import { add } from "./primitives/elementwise.js";
import { constant } from "./primitives/leaf.js";
import { shapeError, showShape, type Tensor } from "./tensor.js";

/** Gradients of a scalar with respect to tensors of its graph; zeros where it does not depend on one. */
export function gradient(y: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (y.shape.length !== 0) {
    throw shapeError("gradient", "a scalar of shape []", showShape(y.shape), "Sum the loss over its axes.");
  }
  return vjp([y], [constant(1)], wrt);
}

/** Σ_i cotangent_iᵀ ∂output_i/∂x for each x of `wrt`. */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const cotangentOf = new Map<Tensor, Tensor>();
  const collect = (x: Tensor, g: Tensor) => {
    const sum = cotangentOf.get(x);
    cotangentOf.set(x, sum === undefined ? g : add(sum, g));
  };
  outputs.forEach((output, i) => {
    collect(output, cotangents[i]!);
  });
  const wanted = new Set(wrt);
  const nodes = topological(outputs);
  const needed = new Set<unknown>();
  for (const node of nodes) {
    if (node.outputs.some((y) => wanted.has(y)) || node.inputs.some((x) => needed.has(x.node))) needed.add(node);
  }
  for (const node of nodes.reverse()) {
    if (!needed.has(node)) continue;
    const arrived = node.outputs.map((output) => cotangentOf.get(output));
    if (arrived.every((g) => g === undefined)) continue;
    node.primitive.vjp(node, arrived).forEach((g, i) => {
      const x = node.inputs[i]!;
      if (g !== undefined && needed.has(x.node)) collect(x, g);
    });
  }
  return wrt.map((x) => cotangentOf.get(x) ?? zeros(x.shape));
}

/**
 * Σ_i ∂output/∂x_i tangent_i for each of `outputs`: the vjp, linear in its cotangents, differentiated in them.
 *
 * @source Townsend 2017, A new trick for calculating Jacobian vector products
 */
export function jvp(outputs: readonly Tensor[], wrt: readonly Tensor[], tangents: readonly Tensor[]): Tensor[] {
  const cotangents = outputs.map(({ shape }) => zeros(shape));
  return vjp(vjp(outputs, cotangents, wrt), tangents, cotangents);
}
