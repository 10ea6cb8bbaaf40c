/** @file The solve of a training run, with the weights of the step: built into a new session, or fed to one that stays. */

import { lifetime } from "../engine/lifetime.js";
import { compile, type EngineOptions, type Float32 } from "../engine/session.js";
import { specialiser } from "../engine/specialise.js";
import { feedParams, type Trace, variableInputs, type Weights } from "../model.js";
import { constantFrontier, dependents, topological } from "../tensor/graph.js";
import type { Tensor } from "../tensor/tensor.js";

/** Solves with one set of weights. */
export interface Opened {
  run(feeds: Readonly<Record<string, Float32>>): Promise<Float32[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Solving {
  with(weights: Weights): Promise<Opened>;
  dispose(): Promise<void>;
}

/**
 * Where a loop takes arrays made of weights alone, such as filters, each set of weights gets a session of its own with them as
 * constants of the loop, as convolutions want. Where weights enter loops through data alone, as predicted costs do, one
 * session serves all and is fed.
 */
export async function solving(outputs: readonly Tensor[], traced: Trace, options: EngineOptions): Promise<Solving> {
  const variable = variableInputs(outputs, traced);
  if (loopsTakeWeights(outputs, variable, Object.values(traced.params))) {
    const special = await specialiser(outputs, variable, options);
    return {
      with: async (weights) => compile(await special.with(feedParams(weights)), options),
      dispose: special.dispose,
    };
  }
  const session = await compile(outputs, options);
  const life = lifetime("solving", () => session.dispose());
  return {
    with: async (weights) => ({
      run: (feeds) => session.run({ ...feeds, ...feedParams(weights) }),
      [Symbol.asyncDispose]: async () => {},
    }),
    dispose: life.dispose,
  };
}

function loopsTakeWeights(outputs: readonly Tensor[], variable: readonly Tensor[], params: readonly Tensor[]): boolean {
  const fixed = constantFrontier(outputs, new Set(variable));
  const learned = dependents(fixed, new Set(params));
  const made = new Set(fixed.filter((x) => learned.has(x.node) || params.includes(x)));
  return topological(outputs).some(
    ({ primitive, inputs }) => primitive.name === "fixedPoint" && inputs.some((x) => made.has(x)),
  );
}
