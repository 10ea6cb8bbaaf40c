/** @file vouch demo: generated phantoms, measured, reconstructed and certified; one measurement is corrupted. */

import { join } from "node:path";
import { type Measurement, NOISE_LEVEL } from "../../src/applications/ct/examples.js";
import { noiseRadius } from "../../src/applications/ct/measure.js";
import { score } from "../../src/applications/ct/score.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import type { Calibration } from "../../src/certificates/calibration.js";
import type { Result } from "../../src/certificates/certify.js";
import { certificateFile } from "../certificate-file.js";
import { type Context, command } from "../command.js";
import {
  calibrateMethods,
  calibrationOption,
  certifyBatch,
  engineOf,
  engineOptions,
  type LoadedMethod,
  loadCalibrations,
  loadMethods,
  modelOption,
  phantom,
  pickCalibration,
  SOLVED,
  scan,
  scanOptions,
  seedOption,
  simulateAll,
  solveAll,
} from "../ct.js";
import { within } from "../errors.js";
import { ctFigure } from "../figures/ct.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { integer, text } from "../options.js";
import { certificateRows, type NamedResult, printSentences } from "../results.js";

/** Twice what honest phantoms need; a corrupted one would go on for ever. */
const MAX_STEPS = 2000;

/** By how much one view reads too high. */
const GAIN = 1.15;

const options = {
  phantoms: integer("Generated phantoms.", 3, { min: 1, max: 16 }),
  ...modelOption("ct-ellipses"),
  ...calibrationOption,
  calibrate: integer("Calibrate here, on this many more phantoms, instead of from a file.", undefined, { min: 19 }),
  out: text("Folder for figure.png and certificate.json.", "FOLDER", "out"),
  ...scanOptions,
  ...engineOptions,
  ...seedOption,
};

export const demo = command({
  summary: "Reconstruct generated phantoms with certificates, one from a corrupted measurement; writes a figure.",
  options,
  async run(context) {
    const { out } = context;
    const { phantoms, model, seed, out: folder } = context.options;
    const ct = scan(context.options);
    const methods = await loadMethods(context, ct, SOLVED, model);
    await within(`${context.name}: --out`, () => makeFolder(folder));
    const images = Array.from({ length: phantoms }, (_, i) => phantom(ct, seed, "demo", i));
    const honest = simulateAll(ct, images, seed, "demo");
    const view = Math.floor(ct.sinogram[0] / 2);
    const cases: Case[] = [
      ...images.map((truth, i) => ({ name: `phantom ${i + 1}`, truth, measurement: honest[i]!, corrupted: false })),
      {
        name: "phantom 1, corrupted",
        truth: images[0]!,
        measurement: withDrift(ct, honest[0]!, view),
        corrupted: true,
      },
    ];

    out.heading(
      `${phantoms} generated phantoms of ${ct.size} × ${ct.size} pixels, ${ct.sinogram[0]} views, 1.5 % noise`,
    );
    out.line(`Reconstructed by total variation (tv) and by a learned convex model (l2o); seed ${seed}.`);
    out.line(`The last measurement is corrupted: view ${view + 1} of phantom 1 reads ${percent(GAIN - 1)} too high.`);
    out.line();
    const { certified, data } = await certifyAll(context, ct, methods, cases);
    out.table(...certificateRows(certified, out));
    for (const at of [0, phantoms])
      printSentences(certified.find((one) => one.at === at && one.method === "l2o")!, out);

    const caught = certified.filter(({ at }) => cases[at]!.corrupted).every(({ result }) => fails(result, "fidelity"));
    const alarms = certified.filter(({ at, result }) => !cases[at]!.corrupted && fails(result)).length;
    out.line();
    explain(caught, alarms, out.line);
    await write(folder, ct, cases, certified, data);
    out.line();
    out.line(`Written: ${join(folder, "figure.png")} and ${join(folder, "certificate.json")}.`);
    out.line("The same on an image or a sinogram of your own:  npm run -s vouch -- reconstruct IMAGE.npy");
    const figures = { ...means(certified.filter(({ at }) => !cases[at]!.corrupted)), caught: Number(caught), alarms };
    return { figures, exit: caught && alarms === 0 ? 0 : 1 };
  },
});

interface Case {
  readonly name: string;
  readonly truth: Float32Array;
  readonly measurement: Measurement;
  readonly corrupted: boolean;
}

interface Certified extends NamedResult {
  /** Index of its case. */
  readonly at: number;
  readonly of: LoadedMethod;
  readonly calibration: Calibration;
}

/** The measurement with one view scaled, as where the source drifts, and the radius that its values imply. */
function withDrift(ct: Tomography, { d }: Measurement, view: number): Measurement {
  const detectors = ct.sinogram[1];
  const drifted = d.map((value, i) => (Math.floor(ct.kept[i]! / detectors) === view ? GAIN * value : value));
  return { d: drifted, radius: noiseRadius(drifted, { level: NOISE_LEVEL, totalRows: ct.rays }) };
}

/** Every case by every method, in the order of the cases, and what the labels were calibrated on. */
async function certifyAll(
  context: Context<typeof options>,
  ct: Tomography,
  methods: readonly LoadedMethod[],
  cases: readonly Case[],
): Promise<{ certified: Certified[]; data: string }> {
  const calibrations = await calibrated(context, ct, methods);
  const measurements = cases.map(({ measurement }) => measurement);
  const certified: Certified[] = [];
  for (const of of methods) {
    const calibration = await pickCalibration(context, calibrations, of, ct, NOISE_LEVEL);
    await solveAll(
      context,
      of,
      measurements,
      (batch) => {
        certifyBatch(batch, calibration).forEach((result, row) => {
          const at = batch.first + row;
          const { name, truth } = cases[at]!;
          const scores = result.x.data.every(Number.isFinite) ? { score: score(ct, result.x.data, truth) } : {};
          certified.push({ name, method: of.name, result, at, of, calibration, ...scores });
        });
      },
      { engine: engineOf(context.options), maxSteps: MAX_STEPS, proven: true },
    );
  }
  return { certified: certified.sort((a, b) => a.at - b.at), data: calibrations.data };
}

/** Calibrations of the file, or made here. */
async function calibrated(context: Context<typeof options>, ct: Tomography, methods: readonly LoadedMethod[]) {
  const { calibrate, seed } = context.options;
  if (calibrate === undefined) return loadCalibrations(context, context.options);
  const images = Array.from({ length: calibrate }, (_, i) => phantom(ct, seed, "calibration", i));
  const data = `${calibrate} generated Ellipses phantoms`;
  return (await calibrateMethods(context, ct, methods, images, { seed, data, engine: engineOf(context.options) }))
    .calibrations;
}

function explain(caught: boolean, alarms: number, line: (text: string) => void): void {
  if (caught) {
    line(
      "All views of one object see the same total attenuation. The corrupted view disagrees with the others by more than",
    );
    line(
      "noise, so no image with values in [0, 1] explains it: fidelity fails and says by how much, the solver, sent for a",
    );
    line("point that does not exist, does not converge, and what it makes up on the way is not smooth.");
    line("A pass is not correctness: what no ray sees, no certificate of Ax sees.");
  } else {
    line("The corrupted measurement was not caught by fidelity: noise hides the disagreement of its views.");
  }
  if (alarms > 0) line(`${alarms} honest inferences failed a label: about 5 % do, for each property.`);
}

async function write(
  folder: string,
  ct: Tomography,
  cases: readonly Case[],
  certified: readonly Certified[],
  data: string,
): Promise<void> {
  const rows = cases.map(({ name: title, truth }, at) => ({
    title,
    truth,
    methods: certified
      .filter((one) => one.at === at)
      .map(({ method: name, result, score: s }) => ({ name, x: result.x.data, result, ...(s ? { score: s } : {}) })),
  }));
  const inferences = certified.map(({ at, name, of: method, calibration, result }) => ({
    name,
    method,
    calibration,
    result,
    measurement: cases[at]!.measurement,
  }));
  const footnote =
    `Labels: conformal p-values against ${data}; of honest inferences at most 5 % fail and 10 % fail or warn, for each property. ` +
    "PSNR and SSIM with the truth's maximum as data range.";
  const figure = ctFigure(rows, { size: ct.size, title: "Vouch: reconstructions and their certificates", footnote });
  await writeFileAtomic(join(folder, "figure.png"), figure);
  const noise = { level: NOISE_LEVEL, simulated: true };
  await writeFileAtomic(join(folder, "certificate.json"), await certificateFile(inferences, ct, noise));
}

function fails({ certificates }: Result, property?: string): boolean {
  return certificates.some((c) => c.label === "fail" && (property === undefined || c.property === property));
}

/** Mean quality by method. */
function means(certified: readonly Certified[]): Record<string, number> {
  const entries = SOLVED.flatMap((name) => {
    const scores = certified.flatMap(({ method, score: s }) => (method === name && s ? [s] : []));
    const mean = (key: "psnr" | "ssim") => scores.reduce((sum, s) => sum + s[key], 0) / scores.length;
    return [
      [`${name}_psnr`, mean("psnr")],
      [`${name}_ssim`, mean("ssim")],
    ] as const;
  });
  return Object.fromEntries(entries);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
