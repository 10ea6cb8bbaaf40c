/** @file Turning weights into constants: what depends on them alone is computed once and becomes part of the graph. */

import { constantFrontier, substitute } from "../tensor/graph.js";
import { constantView } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { compile, type EngineOptions, type Float32 } from "./session.js";

export interface Specialiser {
  /** `outputs` with everything made of the fed weights alone replaced by constants. */
  with(weights: Readonly<Record<string, Float32>>): Promise<Tensor[]>;
  dispose(): Promise<void>;
}

/** Prepare to specialise `outputs`, whose inputs other than `variable` are weights. */
export async function specialiser(
  outputs: readonly Tensor[],
  variable: readonly Tensor[],
  options: EngineOptions,
): Promise<Specialiser> {
  const fixed = constantFrontier(outputs, new Set(variable));
  if (fixed.length === 0) return { with: async () => [...outputs], dispose: async () => {} };
  const session = await compile(fixed, options);
  return {
    async with(weights) {
      const values = await session.run(weights);
      const constants = new Map(fixed.map((x, i) => [x, constantView(values[i]!.data, values[i]!.shape)]));
      return substitute(outputs, constants);
    },
    dispose: () => session.dispose(),
  };
}
