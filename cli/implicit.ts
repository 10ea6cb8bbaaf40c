/** @file Implicit models on the command line: which conditions for well-posedness one meets, and by how much. */

import { existsSync } from "node:fs";
import { type ImplicitModel, parseImplicit, sizesOf } from "../src/applications/implicit/model.js";
import { requireWellPosed, wellPosedness } from "../src/applications/implicit/well-posed/well-posedness.js";
import { VouchError } from "../src/errors.js";
import { parseSafetensors } from "../src/files/safetensors.js";
import type { Outcome } from "./command.js";
import { readFileOrExplain } from "./files.js";
import { readBundled } from "./model-bundle.js";
import type { Output } from "./output.js";

/** The implicit model of a file of weights; undefined where the word means another. @throws file, format, shape, parameter, data */
export async function findImplicit(word: string): Promise<ImplicitModel | undefined> {
  if (!word.endsWith(".safetensors") || !existsSync(word)) return undefined;
  const { metadata } = parseSafetensors(await readFileOrExplain(word, "weights (.safetensors)"));
  if (!metadata["phi"]) return undefined;
  return parseImplicit(await readBundled(word, "an implicit model (.safetensors)")).model;
}

/** A table of the conditions; exit 1 where a diagonal block of A meets none. */
export function reportWellPosedness(model: ImplicitModel, out: Output): Outcome {
  const { n, p, q } = sizesOf(model);
  const findings = wellPosedness(model);
  out.heading(`implicit model: ${n} states, ${p} inputs, ${q} outputs`);
  out.table(
    ["condition", "left", "margin", "", "what"],
    findings.map(({ condition, left, margin, holds, inapplicable }) => [
      condition.name,
      left === undefined ? "" : left.toPrecision(6),
      margin === undefined ? "" : margin.toPrecision(3),
      inapplicable === undefined ? out.label(holds ? "pass" : "fail") : "none",
      inapplicable ?? condition.text,
    ]),
  );
  const held = findings.filter(({ holds }) => holds).map(({ condition }) => condition.name);
  const open = held.length > 0 ? undefined : brokenBlock(model);
  out.line(
    held.length > 0
      ? `Well-posed by ${held.join(", ")}.`
      : open === undefined
        ? "Well-posed: each diagonal block of A meets a condition."
        : `Not shown to be well-posed: ${open}`,
  );
  return {
    figures: {
      ...{ states: n, inputs: p, outputs: q, holding: held.length, well_posed: open === undefined ? 1 : 0 },
      ...Object.fromEntries(
        findings.flatMap(({ condition: { name }, left, margin }) => {
          const key = name.replaceAll("-", "_");
          return left === undefined ? [] : [[key, left] as const, [`${key}_margin`, margin!] as const];
        }),
      ),
    },
    exit: open === undefined ? 0 : 1,
  };
}

function brokenBlock(model: ImplicitModel): string | undefined {
  try {
    requireWellPosed("check", model);
    return undefined;
  } catch (error) {
    if (error instanceof VouchError && error.code === "parameter") return `${error.details.got}.`;
    throw error;
  }
}
