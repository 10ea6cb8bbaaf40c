/** @file vouch evaluate ct: quality and constraints of methods on images, by patient. */

import { dirname } from "node:path";
import type { Measurement } from "../../src/applications/ct/examples.js";
import type { Reconstruction } from "../../src/applications/ct/methods.js";
import { feasibility, type Score, score } from "../../src/applications/ct/score.js";
import { meanOverPatients, type Slice, stratify } from "../../src/applications/ct/select.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import { VouchError } from "../../src/errors.js";
import { random } from "../../src/random.js";
import { command } from "../command.js";
import {
  engineOf,
  engineOptions,
  imageOf,
  loadMethods,
  METHODS,
  modelOption,
  scan,
  scanOptions,
  seedOption,
  settled,
  simulateAll,
  solveAll,
} from "../ct.js";
import { within } from "../errors.js";
import { ctFigure } from "../figures/ct.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { type Collection, readCollection, requireContent } from "../images.js";
import { integer, list, text } from "../options.js";
import { dataFile } from "../paths.js";

interface Row extends Score {
  readonly x: Float32Array;
  readonly box: number;
  readonly fidelity: number;
  readonly status: Reconstruction["status"][number];
  readonly steps: number;
}

interface Evaluated {
  readonly name: string;
  readonly parameters: number;
  /** One a slice. */
  readonly rows: readonly Row[];
  readonly seconds: number;
}

export const evaluateCt = command({
  summary: "Score reconstructions of images measured with simulated noise, mean over patients.",
  options: {
    images: text(
      "Images (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB, or a folder); patients and split are read from X.json and X.split.json.",
      "PATH",
      undefined,
    ),
    split: text("Another split file.", "FILE.json", undefined),
    limit: integer("Slices, drawn evenly over patients.", 96, { min: 1 }),
    methods: list("Methods to score.", METHODS, METHODS),
    ...modelOption("ct-chest"),
    figure: text("Write a figure of the first slices here.", "FILE.png", undefined),
    ...scanOptions,
    ...engineOptions,
    ...seedOption,
  },
  async run(context) {
    const { name, options, out } = context;
    const path = options.images ?? dataFile("ct", "chest_tcia.npy");
    const ct = scan(options);
    const methods = await loadMethods(context, ct, options.methods, options.model);
    const collection = await readCollection(`${name}: --images`, path, {
      size: ct.size,
      split: options.split,
      use: "test",
    });
    const slices = stratify(eligible(`${name}: --images ${path}`, collection), options.limit, options.seed);
    const patients = new Set(slices.map(({ patient }) => patient)).size;
    const whose = collection.split
      ? `of ${patients} test patients`
      : collection.known
        ? `of ${patients} patients; there is no split file, so all are scored`
        : "whose patients are not known: each counts as its own";
    out.line(`${slices.length} slices ${whose}. ${ct.sinogram[0]} views, noise 1.5 %, seed ${options.seed}.`);

    if (options.figure !== undefined) {
      const folder = dirname(options.figure);
      await within(`${name}: --figure`, () => makeFolder(folder));
    }
    const images = slices.map(({ image }) => image);
    requireContent(`${name}: --images ${path}`, images);
    const measurements = simulateAll(ct, images, options.seed, "evaluate");
    const evaluated: Evaluated[] = [];
    for (const method of methods) {
      const rows: Row[] = [];
      const { seconds } = await solveAll(
        context,
        method,
        measurements,
        ({ solution, first }) => {
          solution.status.forEach((status, i) => {
            const [x, truth, measurement] = [imageOf(solution, i), images[first + i]!, measurements[first + i]!];
            rows.push({
              ...score(ct, x, truth),
              ...feasibility(ct, x, measurement),
              x,
              status,
              steps: solution.steps[i]!,
            });
          });
        },
        { engine: engineOf(options) },
      );
      evaluated.push({ name: method.name, parameters: method.parameters, rows, seconds });
    }
    printTable(evaluated, slices, out);
    const figures: Record<string, number> = {
      slices: slices.length,
      patients,
      ...figuresOf(evaluated, slices, options.seed),
    };
    if (figures["l2o_minus_tv_db"] !== undefined) {
      const [gain, low, high] = ["", "_low", "_high"].map((end) => signed(figures[`l2o_minus_tv_db${end}`]!));
      out.line(`l2o over tv: ${gain} dB, 95 % interval ${low} to ${high} (bootstrap over ${patients} patients).`);
    }
    if (options.figure !== undefined) {
      await writeFileAtomic(options.figure, figureOf(evaluated, slices, measurements, ct));
      out.line(`Figure written to ${options.figure}.`);
    }
    return { figures };
  },
});

/** Test patients' slices, or all where nothing says who was calibrated on. */
function eligible(name: string, { slices, split, known }: Collection): readonly Slice[] {
  if (!split) return slices;
  const chosen = slices.filter(({ patient }) => split.test.includes(patient));
  if (chosen.length > 0) return chosen;
  throw new VouchError("data", {
    name,
    expected: "slices of the split's test patients",
    got: known ? "slices of other patients" : "no ids beside the images",
    remedy: "Put the ids (X.json) beside the images, or give the split that belongs to them.",
  });
}

const fails = (row: Row) => ({ box: row.box > 0, fidelity: !(row.fidelity <= 1) });

function figuresOf(evaluated: readonly Evaluated[], slices: readonly Slice[], seed: number): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const { name, rows, seconds, parameters } of evaluated) {
    const mean = (value: (row: Row) => number) => meanOverPatients(byPatient(rows, slices, value));
    const count = (is: (row: Row) => boolean) => rows.filter(is).length;
    Object.assign(figures, {
      [`${name}_psnr`]: mean((row) => row.psnr),
      [`${name}_ssim`]: mean((row) => row.ssim),
      [`${name}_psnr_fr`]: mean((row) => row.psnrFr),
      [`${name}_ssim_fr`]: mean((row) => row.ssimFr),
      [`${name}_ssim_wang`]: mean((row) => row.ssimWang),
      [`${name}_box_fail`]: count((row) => fails(row).box) / rows.length,
      [`${name}_box_failures`]: count((row) => fails(row).box),
      [`${name}_fidelity_fail`]: count((row) => fails(row).fidelity) / rows.length,
      [`${name}_fidelity_failures`]: count((row) => fails(row).fidelity),
      [`${name}_fidelity_ratio_max`]: Math.max(...rows.map((row) => row.fidelity)),
      [`${name}_unconverged`]: count((row) => !settled(row.status)) / rows.length,
      [`${name}_steps`]: median(rows.map((row) => row.steps)),
      [`${name}_ms_per_slice`]: (1000 * seconds) / rows.length,
      [`${name}_params`]: parameters,
    });
  }
  const [tv, l2o] = ["tv", "l2o"].map((wanted) => evaluated.find(({ name }) => name === wanted));
  if (tv && l2o) {
    const gains = byPatient(l2o.rows, slices, (row, i) => row.psnr - tv.rows[i]!.psnr);
    const [low, high] = bootstrap(gains, seed);
    Object.assign(figures, {
      l2o_minus_tv_db: meanOverPatients(gains),
      l2o_minus_tv_db_low: low,
      l2o_minus_tv_db_high: high,
    });
  }
  return figures;
}

function byPatient(rows: readonly Row[], slices: readonly Slice[], value: (row: Row, i: number) => number) {
  return rows.map((row, i) => ({ patient: slices[i]!.patient, value: value(row, i) }));
}

const RESAMPLES = 2000;

/** 95 % percentile interval of the mean over patients, patients drawn with replacement. @source Efron & Tibshirani 1993, §13.3 */
function bootstrap(rows: readonly { patient: string; value: number }[], seed: number): [low: number, high: number] {
  const names = [...new Set(rows.map(({ patient }) => patient))];
  const means = names.map((name) => meanOverPatients(rows.filter(({ patient }) => patient === name)));
  const draws = random(seed).fork("bootstrap");
  const resampled = Array.from({ length: RESAMPLES }, () => {
    const drawn = means.map(() => means[draws.integer(means.length)]!);
    return drawn.reduce((a, b) => a + b, 0) / drawn.length;
  }).sort((a, b) => a - b);
  const at = (share: number) => resampled[Math.round(share * (RESAMPLES - 1))]!;
  return [at(0.025), at(0.975)];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

function printTable(
  evaluated: readonly Evaluated[],
  slices: readonly Slice[],
  out: { table(heading: readonly string[], rows: (string | number)[][]): void },
): void {
  out.table(
    ["method", "PSNR dB", "SSIM", "box fails", "fidelity fails", "unconverged", "steps", "ms/slice", "parameters"],
    evaluated.map(({ name, rows, seconds, parameters }) => [
      name,
      meanOverPatients(byPatient(rows, slices, (row) => row.psnr)).toFixed(2),
      meanOverPatients(byPatient(rows, slices, (row) => row.ssim)).toFixed(4),
      rows.filter((row) => fails(row).box).length,
      rows.filter((row) => fails(row).fidelity).length,
      rows.filter(({ status }) => !settled(status)).length,
      median(rows.map(({ steps }) => steps)),
      Math.round((1000 * seconds) / rows.length),
      parameters,
    ]),
  );
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

/** The first slice of each of up to four patients. */
function figureOf(
  evaluated: readonly Evaluated[],
  slices: readonly Slice[],
  measurements: readonly Measurement[],
  ct: Tomography,
): Uint8Array {
  const firsts = slices.flatMap(({ patient }, i) =>
    slices.findIndex((slice) => slice.patient === patient) === i ? [i] : [],
  );
  const rows = firsts.slice(0, 4).map((i) => ({
    title: slices[i]!.patient,
    truth: slices[i]!.image,
    methods: evaluated.map(({ name, rows }) => ({
      name,
      x: rows[i]!.x,
      score: rows[i]!,
      notes: [`‖Ax − d‖ = ${rows[i]!.fidelity.toFixed(3)} δ`, rows[i]!.status],
    })),
  }));
  return ctFigure(rows, {
    size: ct.size,
    title: "Reconstructions from few views",
    footnote: `${measurements.length} slices scored; the first of each patient is shown. PSNR and SSIM with the truth's maximum as data range.`,
  });
}
