/** @file The solve of a training run, with the weights of the step: built into a new session, or fed to one that stays. */

import { lifetime } from "../engine/lifetime.js";
import { compile, type EngineOptions, type Float32 } from "../engine/session.js";
import { specialiser } from "../engine/specialise.js";
import { feedParams, type Trace, variableInputs, type Weights } from "../model.js";
import { constantFrontier, dependents, topological } from "../tensor/graph.js";
import { elements, type Tensor } from "../tensor/tensor.js";

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
 * Where a loop takes large arrays made of weights alone, or takes any of them to a convolution, each set of weights gets a session of
 * its own with them as constants of the loop, as convolutions want. Where they are small, or weights enter loops through data alone,
 * as predicted costs do, one session serves all and is fed: making a session takes as long as some hundred steps of such a loop.
 */
export async function solving(outputs: readonly Tensor[], traced: Trace, options: EngineOptions): Promise<Solving> {
  const variable = variableInputs(outputs, traced);
  if (wantsConstants(outputs, variable, Object.values(traced.params))) {
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

/** Numbers up to which arrays made of weights are small: a matrix of 128 rows and columns. */
const SMALL = 2 ** 14;

function wantsConstants(outputs: readonly Tensor[], variable: readonly Tensor[], params: readonly Tensor[]): boolean {
  const fixed = constantFrontier(outputs, new Set(variable));
  const learned = dependents(fixed, new Set(params));
  const made = new Set(fixed.filter((x) => learned.has(x.node) || params.includes(x)));
  return topological(outputs).some(({ primitive, inputs, attributes }) => {
    if (primitive.name !== "fixedPoint") return false;
    const taken = inputs.filter((x) => made.has(x));
    const { next, again } = attributes as { readonly next: readonly Tensor[]; readonly again: Tensor };
    const convolves = topological([again, ...next]).some((node) => node.primitive.name.startsWith("conv2d"));
    return taken.length > 0 && (convolves || taken.reduce((sum, { shape }) => sum + elements(shape), 0) > SMALL);
  });
}
