/** @file vouch check: what a model's guarantees rest on, evaluated in float64. */

import type { Check } from "../../src/checks/check.js";
import { checkModel } from "../../src/checks/check-model.js";
import { command } from "../command.js";
import { scanOptions, seedOption } from "../ct.js";
import { within } from "../errors.js";
import { findImplicit, reportWellPosedness } from "../implicit.js";
import { loadModel, modelOperand } from "../models.js";

export const checkCommand = command({
  summary:
    "Check a model: step conditions, adjoints, norm bounds, layers, gradients, provability; of an implicit model, well-posedness.",
  operand: modelOperand,
  options: { ...scanOptions, ...seedOption },
  async run({ name, operand, options, out }) {
    const implicit = await findImplicit(operand);
    if (implicit) return reportWellPosedness(implicit, out);
    const { model, weights, data } = await loadModel(name, operand, options);
    const { seed } = options;
    const { checks, provable } = await within(`${name} ${operand}`, () => checkModel(model, weights, data, { seed }));
    out.heading(`${model.name}, ${model.size} parameters`);
    out.table(
      ["check", "of", "value", "", "limit", "", "what"],
      checks.map(({ kind, name: of, left, right, holds, text }) => [
        kind,
        of,
        shown(left),
        holds ? "≤" : "≰",
        shown(right),
        out.label(holds ? "pass" : "fail"),
        text,
      ]),
    );
    out.line(
      provable.provable
        ? "Optimality of its answers can be proven."
        : `Optimality of its answers cannot be proven (${provable.reason}): ${provable.detail}.`,
    );
    const failed = checks.filter(({ holds }) => !holds);
    const named = failed.map(({ kind, name: of }) => `${kind} ${of}`).join(", ");
    out.line(
      failed.length === 0
        ? `All ${checks.length} checks hold.`
        : `${failed.length} of ${checks.length} fail: ${named}.`,
    );
    return {
      figures: {
        checks: checks.length,
        failed: failed.length,
        provable: provable.provable ? 1 : 0,
        ...Object.fromEntries(checks.flatMap(sides)),
      },
      exit: failed.length === 0 ? 0 : 1,
    };
  },
});

/** Both sides of a check by key: adjoint_fidelity and adjoint_fidelity_limit. */
function sides({ kind, name, left, right }: Check): [key: string, value: number][] {
  return [
    [`${kind}_${name}`, left],
    [`${kind}_${name}_limit`, right],
  ];
}

function shown(value: number): string {
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4 ? value.toPrecision(5) : value.toExponential(1);
}
