/** @file Turning weights into constants: what depends on them alone is computed once and becomes part of the graph. */

import { constantFrontier, substitute } from "../tensor/graph.js";
import { constantView } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { lifetime } from "./lifetime.js";
import { compile, type EngineOptions, type Float32 } from "./session.js";

export interface Specialiser {
  /** `outputs` with everything made of the fed weights alone replaced by constants. */
  with(weights: Readonly<Record<string, Float32>>): Promise<Tensor[]>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Prepare to specialise `outputs`, whose inputs other than `variable` are weights. */
export async function specialiser(
  outputs: readonly Tensor[],
  variable: readonly Tensor[],
  options: EngineOptions,
): Promise<Specialiser> {
  const fixed = constantFrontier(outputs, new Set(variable));
  const session = fixed.length === 0 ? undefined : await compile(fixed, options);
  const life = lifetime("specialiser", async () => session?.dispose());
  return {
    async with(weights) {
      life.require("with");
      if (session === undefined) return [...outputs];
      const values = await session.run(weights);
      const constants = new Map(fixed.map((x, i) => [x, constantView(values[i]!.data, values[i]!.shape)]));
      return substitute(outputs, constants);
    },
    dispose: life.dispose,
    [Symbol.asyncDispose]: life.dispose,
  };
}
