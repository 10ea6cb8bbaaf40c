/** @file Walks over the graph: order, substitution, dependence, and the check that samples stay apart. */

import { applyAll, type Node, shapeError, showShape, type Tensor } from "./tensor.js";

/** Nodes under `outputs`, inputs before users; does not walk above `known` tensors. */
export function topological(outputs: readonly Tensor[], known: { has(x: Tensor): boolean } = NONE): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const push = (x: Tensor) => {
    if (known.has(x) || seen.has(x.node)) return;
    seen.add(x.node);
    stack.push({ node: x.node, next: 0 });
  };
  for (const output of outputs) {
    push(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const child = top.node.inputs[top.next++];
      if (child) push(child);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

const NONE: ReadonlySet<Tensor> = new Set();

/** Named inputs under `outputs`, each once, in order of first use. */
export function graphInputs(outputs: readonly Tensor[]): Tensor[] {
  return topological(outputs).flatMap((node) => (node.primitive.name === "input" ? [node.outputs[0]!] : []));
}

/** The same graph with some tensors replaced. */
export function substitute(outputs: readonly Tensor[], replacement: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const now = new Map<Tensor, Tensor>(replacement);
  for (const node of topological(outputs)) {
    if (node.outputs.every((output) => now.has(output))) continue;
    const inputs = node.inputs.map((x) => now.get(x) ?? x);
    const changed = inputs.some((x, i) => x !== node.inputs[i]);
    const rebuilt = changed ? applyAll(node.primitive, inputs, node.attributes) : node.outputs;
    node.outputs.forEach((output, i) => {
      if (!now.has(output)) now.set(output, rebuilt[i]!);
    });
  }
  return outputs.map((output) => now.get(output)!);
}

/** Nodes that depend on any of `sources`. */
export function dependents(outputs: readonly Tensor[], sources: ReadonlySet<Tensor>): Set<Node> {
  const found = new Set<Node>();
  for (const node of topological(outputs)) {
    if (node.outputs.some((y) => sources.has(y)) || node.inputs.some((x) => sources.has(x) || found.has(x.node))) {
      found.add(node);
    }
  }
  return found;
}

/** Tensors that do not depend on `sources` but feed nodes that do (or are outputs): what a part closes over. */
export function frontier(outputs: readonly Tensor[], sources: ReadonlySet<Tensor>): Tensor[] {
  const dependent = dependents(outputs, sources);
  const edge = new Set<Tensor>();
  const note = (x: Tensor) => {
    if (!dependent.has(x.node) && !sources.has(x)) edge.add(x);
  };
  for (const node of dependent) node.inputs.forEach(note);
  outputs.forEach(note);
  return [...edge];
}

/** What `variable` inputs leave constant: maximal tensors made of neither them nor a sample axis, constants themselves left out. */
export function constantFrontier(outputs: readonly Tensor[], variable: ReadonlySet<Tensor>): Tensor[] {
  const sources = new Set(variable);
  for (const node of topological(outputs)) {
    for (const y of node.outputs) if (y.shape[0] === "N") sources.add(y);
  }
  return frontier(outputs, sources).filter((x) => x.node.primitive.name !== "constant");
}

/** Fails if a primitive between `sources` and `outputs` mixes samples: every value made from a batch must be a batch. */
export function requireSamplewise(name: string, outputs: readonly Tensor[], sources: ReadonlySet<Tensor>): void {
  for (const node of dependents(outputs, sources)) {
    const mixes = node.inputs.some((x) => x.shape[0] === "N") && node.outputs.some((y) => y.shape[0] !== "N");
    if (mixes) {
      throw shapeError(
        name,
        "operations within each sample",
        `${node.primitive.name} of ${node.inputs.map((x) => showShape(x.shape)).join(", ")} into ${showShape(node.outputs[0]!.shape)}`,
        "Keep the sample axis N: reduce over the other axes only.",
      );
    }
  }
}
