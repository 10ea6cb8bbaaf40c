/** @file One step of an optimizer on a loss: its graph, and running it. */

import type { Float32, Session } from "../engine/session.js";
import { VouchError } from "../errors.js";
import { feedParams, type Param, type Weights } from "../model.js";
import { sum } from "../tensor/primitives/broadcast.js";
import { div, onesLike } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { gradient } from "../tensor/vjp.js";
import type { Optimizer } from "./optimizer.js";

type Named = Readonly<Record<string, Tensor>>;

/**
 * Losses [N], updated parameters and slots, in the order of `params`, as a flat list. Updated parameters are projected as declared.
 *
 * @param params   stored arrays as inputs of the graph
 * @param declared  what the model or network says of each
 * @param follows  next values of parameters that no gradient moves, such as running statistics
 */
export function descentStep(
  losses: Tensor,
  params: Named,
  declared: Readonly<Record<string, Pick<Param, "project">>>,
  optimizer: Optimizer,
  follows: Named = {},
): Tensor[] {
  const names = Object.keys(params);
  const gradients = gradient(
    div(sum(losses), sum(onesLike(losses))),
    names.map((name) => params[name]!),
  );
  const [t, learningRate] = [input("t", []), input("learningRate", [])];
  const updates = names.map((name, i) => {
    const raw = params[name]!;
    const slots = optimizer.slots.map((slot) => input(`slot.${slot}.${name}`, raw.shape));
    const next = follows[name];
    if (next) return { param: next, slots };
    const updated = optimizer.update(raw, gradients[i]!, slots, t, learningRate);
    const project = declared[name]?.project;
    return project ? { ...updated, param: project(updated.param) } : updated;
  });
  return [losses, ...updates.map(({ param }) => param), ...updates.flatMap(({ slots }) => slots)];
}

export interface Step {
  readonly weights: Weights;
  readonly slots: Readonly<Record<string, Float32>>;
  /** All else the graph is fed. */
  readonly feeds: Readonly<Record<string, Float32>>;
  readonly t: number;
  readonly learningRate: number;
}

/** Run a session of `descentStep`'s outputs and of what follows them. @throws convergence if the loss is not finite */
export async function descend(
  step: Session,
  names: readonly string[],
  optimizer: Optimizer,
  { weights, slots, feeds, t, learningRate }: Step,
) {
  const slotNames = names.flatMap((name) => optimizer.slots.map((slot) => `${slot}.${name}`));
  const [losses, ...updated] = await step.run({
    ...feeds,
    ...feedParams(weights),
    ...Object.fromEntries(slotNames.map((name) => [`slot.${name}`, slots[name]!])),
    t: scalar(t),
    learningRate: scalar(learningRate),
  });
  const loss = losses!.data.reduce((a, b) => a + b, 0) / losses!.data.length;
  if (!Number.isFinite(loss)) {
    throw new VouchError("convergence", {
      name: "fit",
      expected: "a finite loss",
      got: `${loss} at step ${t}`,
      remedy: "Lower the learning rate, or give the solver more steps.",
    });
  }
  return {
    weights: Object.fromEntries(names.map((name, i) => [name, updated[i]!])),
    slots: Object.fromEntries(slotNames.map((name, i) => [name, updated[names.length + i]!])),
    loss,
    rest: updated.slice(names.length + slotNames.length),
  };
}

function scalar(value: number): Float32 {
  return { shape: [], data: Float32Array.of(value) };
}
