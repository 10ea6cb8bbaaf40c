/** @file A model card as Markdown with the front matter of Hugging Face, and as JSON. */

import { z } from "zod";

/** What people say of a model beside its file: NAME.card.json. */
export const aboutSchema = z.strictObject({
  /** Of the weights: an SPDX identifier in lower case. */
  licence: z.string(),
  summary: z.string(),
  data: z.array(
    z.strictObject({
      name: z.string(),
      use: z.string(),
      source: z.string(),
      licence: z.string(),
      sha256: z.string().optional(),
    }),
  ),
  metrics: z.array(
    z.strictObject({
      name: z.string(),
      value: z.number(),
      unit: z.string(),
      /** What the number is, so that another could compute it. */
      definition: z.string(),
      on: z.string(),
      command: z.string(),
    }),
  ),
});
export type About = z.infer<typeof aboutSchema>;

export interface ModelCard {
  readonly name: string;
  /** Definition the weights belong to. */
  readonly model: string;
  /** Of the model file. */
  readonly digest: string;
  readonly parameters: number;
  readonly options: Readonly<Record<string, number>>;
  /** What the file says of itself: data, licences, training, metrics with their definitions. */
  readonly stated: Readonly<Record<string, string>>;
  readonly about?: About;
  /** Images, and the digest of their sorted digests. */
  readonly trainedOn: { readonly count: number; readonly digest: string };
  /** What calibrations hold for. */
  readonly conditions?: {
    readonly size: number;
    readonly angles: number;
    readonly noise: number;
    readonly data: string;
  };
  readonly calibrations: readonly CalibrationReport[];
}

export interface CalibrationReport {
  readonly method: string;
  /** Digest of what the method computes with. */
  readonly model: string;
  readonly samples: number;
  readonly reference: string;
  readonly commitment: string;
  readonly properties: readonly {
    readonly property: string;
    readonly median: number;
    readonly high: number;
    readonly largest: number;
  }[];
  readonly levels: readonly {
    readonly level: number;
    readonly single: boolean;
    readonly joint: boolean;
    readonly singleNeeds: number;
    readonly jointNeeds: number;
  }[];
  /** What the false-alarm rate of this calibration set is worth; absent where it cannot support 5 %. */
  readonly realised?: string;
}

/** What no certificate of this family can see. */
export const BLIND_SPOTS = [
  "What the operator does not see, no certificate of the measurements sees: an error in its null space passes (docs/proofs.md shows one).",
  "A pass says that a property is like that of calibration inferences, not that the answer is right.",
  "Labels hold on average over inputs exchangeable with the calibration samples: another scanner, dose, anatomy or population is not.",
  "A proof of optimality is about the stated objective; where the model prefers a wrong answer, the proof stands behind it.",
] as const;

export function cardJson(card: ModelCard): string {
  return `${JSON.stringify({ ...card, blindSpots: BLIND_SPOTS }, null, 2)}\n`;
}

/** @source Hugging Face Hub, Model Cards: metadata in YAML between lines of three hyphens */
export function cardMarkdown(card: ModelCard): string {
  const { name, model, digest, parameters, options, stated, about, trainedOn, conditions, calibrations } = card;
  const rows = Object.entries({
    definition: model,
    file: digest,
    parameters: `${parameters}`,
    options: Object.entries(options)
      .map(([key, value]) => `${key} = ${value}`)
      .join(", "),
    ...stated,
    "trained on": `${trainedOn.count} images, digest of their digests ${trainedOn.digest}`,
  });
  return [
    "---",
    "library_name: vouch",
    `license: ${yaml(about?.licence ?? "unknown")}`,
    "tags:",
    "- inverse-problems",
    "- learned-optimization",
    "- conformal-prediction",
    `model_name: ${yaml(name)}`,
    ...(about && about.metrics.length > 0 ? modelIndex(name, about) : []),
    "---",
    "",
    `# ${name}`,
    "",
    ...(about ? [about.summary, ""] : []),
    "| | |",
    "|---|---|",
    ...rows.map(([key, value]) => `| ${cell(key)} | ${cell(value)} |`),
    "",
    ...(about ? aboutLines(about) : []),
    "## Calibration",
    "",
    ...(calibrations.length === 0 ? ["None: no label can be given.", ""] : []),
    ...(conditions
      ? [
          `Holds for ${conditions.size} × ${conditions.size} pixels, ${conditions.angles} views and a relative noise of ${conditions.noise}, on inputs like ${conditions.data}.`,
          "",
        ]
      : []),
    ...calibrations.flatMap(calibrationLines),
    "## What no certificate of it sees",
    "",
    ...BLIND_SPOTS.map((line) => `- ${line}`),
    "",
  ].join("\n");
}

/** @source Hugging Face Hub, Model Cards, "Evaluation results": model-index */
function modelIndex(name: string, { metrics }: About): string[] {
  return [
    "model-index:",
    `- name: ${yaml(name)}`,
    "  results:",
    ...metrics.flatMap((metric) => [
      "  - task:",
      "      type: image-to-image",
      "    dataset:",
      `      name: ${yaml(metric.on)}`,
      "      type: custom",
      "    metrics:",
      `    - type: ${yaml(metric.name)}`,
      `      value: ${metric.value}`,
      `      name: ${yaml(`${metric.name} (${metric.definition})`)}`,
    ]),
  ];
}

function aboutLines({ data, metrics }: About): string[] {
  return [
    "## Data",
    "",
    "| data | use | licence | source | SHA-256 |",
    "|---|---|---|---|---|",
    ...data.map(
      ({ name, use, licence, source, sha256 = "–" }) =>
        `| ${[name, use, licence, source, sha256].map(cell).join(" | ")} |`,
    ),
    "",
    "## Metrics",
    "",
    "| metric | value | definition | on | command |",
    "|---|---|---|---|---|",
    ...metrics.map(
      ({ name, value, unit, definition, on, command }) =>
        `| ${[name, `${value}${unit === "" ? "" : ` ${unit}`}`, definition, on, `\`${command}\``].map(cell).join(" | ")} |`,
    ),
    "",
  ];
}

function calibrationLines({
  method,
  samples,
  reference,
  commitment,
  properties,
  levels,
  realised,
}: CalibrationReport): string[] {
  return [
    `### ${method}`,
    "",
    `${samples} ${reference === "truth" ? "ground truths" : "inferences"}, committed to by \`${commitment}\`.`,
    ...(realised ? [`At a level of 5 % for one property, ${realised}.`] : []),
    "",
    "| property | median | 95 % | largest |",
    "|---|---|---|---|",
    ...properties.map(
      ({ property, ...values }) => `| ${cell(property)} | ${Object.values(values).map(short).join(" | ")} |`,
    ),
    "",
    "| level | one property | all together |",
    "|---|---|---|",
    ...levels.map(
      ({ level, single, joint, singleNeeds, jointNeeds }) =>
        `| ${100 * level} % | ${granted(single, singleNeeds)} | ${granted(joint, jointNeeds)} |`,
    ),
    "",
  ];
}

function granted(yes: boolean, needs: number): string {
  return yes ? "yes" : `REFUSED: ${needs} samples would do`;
}

function short(value: number): string {
  return `${Number(value.toPrecision(4))}`;
}

/** A scalar of YAML that reads as text whatever it holds: JSON's strings are YAML's. */
function yaml(text: string): string {
  return JSON.stringify(text);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
