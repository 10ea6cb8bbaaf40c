/** @file vouch card: what a model is, on what its labels rest, and what nothing of it sees. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { type CtCalibrations, parseCtCalibrations } from "../../src/applications/ct/calibrations.js";
import { supporting } from "../../src/certificates/labels.js";
import { realisedRate } from "../../src/certificates/realised-rate.js";
import { VouchError } from "../../src/errors.js";
import { type Bundle, parseBundle } from "../../src/files/bundle.js";
import { sha256Hex } from "../../src/receipts/index.js";
import { type About, aboutSchema, cardJson, cardMarkdown, type ModelCard } from "../card.js";
import { command } from "../command.js";
import { within } from "../errors.js";
import { readFileOrExplain, writeFileAtomic } from "../files.js";
import { readJson } from "../images.js";
import { text } from "../options.js";
import { beside } from "../paths.js";

/** Levels whose support a card states. */
const LEVELS = [0.1, 0.05, 0.01] as const;

export const card = command({
  summary:
    "Print the card of a model, from its file and calibrations: Markdown with Hugging Face front matter, or JSON.",
  operand: { name: "model", summary: "a model file (.safetensors)" },
  options: {
    calibration: text("Calibrations; by default those beside the model, if there are any.", "FILE", undefined),
    out: text("Write CARD.md and CARD.json instead of printing.", "CARD", undefined),
  },
  async run({ name, operand, options, out }) {
    const bytes = await readFileOrExplain(operand, "a model file (.safetensors)");
    const bundle = await within(`${name} ${operand}`, () => parseBundle(bytes));
    const path = options.calibration ?? beside(operand, "calibration.json");
    const calibrations =
      options.calibration !== undefined || existsSync(path)
        ? parseCtCalibrations(
            await readJson(`${name}: --calibration`, path, z.unknown(), "calibrations made by `vouch calibrate`"),
          )
        : undefined;
    const described = beside(operand, "card.json");
    const about = existsSync(described)
      ? await readJson(name, described, aboutSchema, "licence, data and metrics")
      : undefined;
    const title = basename(operand).replace(/\.safetensors$/, "");
    const made = modelCard(title, sha256Hex(bytes), bundle, { calibrations, about });
    const encoder = new TextEncoder();
    if (options.out === undefined) out.line(cardMarkdown(made));
    else {
      await writeFileAtomic(`${options.out}.md`, encoder.encode(cardMarkdown(made)));
      await writeFileAtomic(`${options.out}.json`, encoder.encode(cardJson(made)));
      out.line(`Written: ${options.out}.md and ${options.out}.json.`);
    }
    const samples = made.calibrations.map(({ samples: N }) => N);
    return {
      figures: {
        parameters: made.parameters,
        trained_on: made.trainedOn.count,
        calibration_samples: Math.min(...samples, Infinity),
      },
      report: { card: made },
    };
  },
});

/** @throws certificate if a calibration sample is among the images the model was trained on */
export function modelCard(
  name: string,
  digest: string,
  { manifest, weights }: Bundle,
  { calibrations, about }: { readonly calibrations: CtCalibrations | undefined; readonly about: About | undefined },
): ModelCard {
  const trained = new Set(manifest.trainedOn ?? []);
  const entries = Object.entries(calibrations?.methods ?? {});
  for (const [method, { calibration }] of entries) {
    const leaked = calibration.samples.find((sample) => trained.has(sample));
    if (method === "l2o" && leaked !== undefined) {
      throw new VouchError("certificate", {
        name: "vouch card",
        expected: "calibration samples that were not trained on",
        got: leaked,
        remedy: "Calibrate anew on held-out images.",
      });
    }
  }
  return {
    name,
    model: manifest.model,
    digest: `sha256:${digest}`,
    parameters: Object.values(weights).reduce((sum, { data }) => sum + data.length, 0),
    options: manifest.options,
    stated: manifest.card,
    ...(about ? { about } : {}),
    trainedOn: {
      count: trained.size,
      digest: `sha256:${sha256Hex(new TextEncoder().encode([...trained].sort().join("\n")))}`,
    },
    ...(calibrations
      ? { conditions: { ...calibrations.scan, noise: calibrations.noise, data: calibrations.data } }
      : {}),
    calibrations: entries.map(([method, { model, calibration }]) => {
      const N = calibration.samples.length;
      const properties = Object.entries(calibration.values).map(([property, values]) => ({
        property,
        ...quartiles(values),
      }));
      return {
        method,
        model,
        samples: N,
        reference: calibration.reference,
        commitment: calibration.commitment,
        properties,
        levels: LEVELS.map((level) => {
          const [single, joint] = [supporting(level), supporting(level, properties.length)];
          return { level, single: N >= single, joint: N >= joint, singleNeeds: single, jointNeeds: joint };
        }),
        ...(N >= supporting(0.05) ? { realised: realisedRate(N, 0.05).sentence } : {}),
      };
    }),
  };
}

function quartiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { median: at(0.5), high: at(0.95), largest: at(1) };
}
