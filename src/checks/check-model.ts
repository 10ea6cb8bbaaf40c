/** @file What can be checked of a model before it is trusted: conditions, adjoints, norms, layers, gradients, provability. */

import type { Float32 } from "../engine/session.js";
import { feedData, feedParams, type Model, requireWeights, type Weights } from "../model.js";
import { random } from "../random.js";
import { balanceFeed } from "../solvers/balance.js";
import type { Feeds } from "../tensor/interpret.js";
import { type Provable, prover } from "../witness.js";
import type { Check } from "./check.js";
import { conditionChecks } from "./conditions.js";
import { gradientChecks } from "./gradients.js";
import { layerChecks } from "./layers.js";
import { operatorChecks } from "./operators.js";

export interface ModelChecks {
  readonly checks: readonly Check[];
  /** Whether optimality can be proven, or why not: no check, as a model may do without. */
  readonly provable: Provable;
}

export interface CheckModelOptions {
  /** Of the random points and directions. Default 0. */
  readonly seed?: number;
}

/**
 * Evaluate in float64, without the engine, what a model's guarantees rest on.
 *
 * @param data  one or more samples by name, each [N, …]: points at which the gradient is checked
 * @throws shape, data
 */
export function checkModel(
  model: Model,
  weights: Weights,
  data: Readonly<Record<string, Float32>>,
  { seed = 0 }: CheckModelOptions = {},
): ModelChecks {
  requireWeights("checkModel", model, weights);
  const traced = model.trace();
  const { operator, problem } = traced;
  const fed = feedData(model, data);
  const batch =
    Object.keys(model.data).flatMap((name) => (model.data[name]![0] === "N" ? [data[name]!.shape[0]!] : []))[0] ?? 1;
  const feeds: Feeds = {
    ...feedParams(weights),
    ...fed,
    ...balanceFeed(operator.balance, new Float32Array(batch).fill(1)),
  };
  const draws = random(seed);
  const { shape } = operator.read(operator.init());
  return {
    checks: [
      ...conditionChecks(operator, feeds),
      ...operatorChecks(problem, feeds, draws.fork("operators")),
      ...layerChecks(problem, shape, feeds, draws.fork("layers")),
      ...gradientChecks(traced, feeds, batch, draws.fork("gradients")),
    ],
    provable: prover(traced, weights, model.dual).provable,
  };
}
