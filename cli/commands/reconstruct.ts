/** @file vouch reconstruct: an image or a sinogram of one's own, with certificates. */

import { join } from "node:path";
import { type Measurement, NOISE_LEVEL } from "../../src/applications/ct/examples.js";
import { noiseRadius } from "../../src/applications/ct/measure.js";
import type { Method } from "../../src/applications/ct/methods.js";
import { score } from "../../src/applications/ct/score.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import type { Calibration } from "../../src/certificates/calibration.js";
import type { Result } from "../../src/certificates/certify.js";
import { VouchError } from "../../src/errors.js";
import { formatNpy, type NpyArray } from "../../src/files/npy.js";
import { readArray } from "../arrays.js";
import { certificateFile } from "../certificate-file.js";
import { command } from "../command.js";
import {
  calibrationOption,
  certifyBatch,
  engineOf,
  engineOptions,
  gapOption,
  loadCalibrations,
  loadMethods,
  METHODS,
  modelOption,
  pickCalibration,
  scan,
  scanOptions,
  seedOption,
  simulateAll,
  solveAll,
} from "../ct.js";
import { within } from "../errors.js";
import { rasterise } from "../figure.js";
import { calibrationFigure } from "../figures/calibration.js";
import { ctFigure } from "../figures/ct.js";
import { modelFigure } from "../figures/model.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { kindOf, requireContent, requireSignal, toImages, toSinograms } from "../images.js";
import { choice, integer, number, text } from "../options.js";
import { receiptOptions, receiptsOf } from "../receipts.js";
import { certificateRows, type NamedResult, printSentences } from "../results.js";
import { requireScan } from "../scans.js";

/** Rows of the figure. */
const SHOWN = 4;

export const reconstruct = command({
  summary: "Reconstruct images or sinograms and certify each; images are measured with simulated noise first.",
  operand: {
    name: "input",
    summary:
      "images in [0, 1] (.npy, .npz, grey .png), CT slices (DICOM, NIfTI, LoDoPaB), a folder of one kind, or sinograms of rays of unit norm (.npy, or .npz of data simulate)",
  },
  options: {
    method: choice("How to reconstruct; learned ones from weights beside --model.", METHODS, "l2o"),
    ...modelOption("ct-ellipses"),
    ...calibrationOption,
    out: text("Folder for x.npy, certificate.json and figures.", "FOLDER", "out"),
    delta: number("Bound on the noise norm of a sinogram, in its units; by default that of 1.5 % noise.", undefined, {
      min: 0,
    }),
    ...gapOption,
    ...receiptOptions,
    "max-steps": integer("Most solver steps.", 3000, { min: 1 }),
    ...scanOptions,
    ...engineOptions,
    ...seedOption,
  },
  async run(context) {
    const { name, operand, options, out } = context;
    const ct = scan(options);
    const wanted = { what: "images, or sinograms", size: ct.size, members: ["sinograms", "images"] } as const;
    const input = await readArray(name, operand, wanted);
    requireScan(`${name} ${operand}`, input.scan, ct);
    if (input.noise !== undefined && input.noise !== NOISE_LEVEL && options.delta === undefined) {
      throw new VouchError("data", {
        name: `${name} ${operand}`,
        expected: `noise of ${100 * NOISE_LEVEL} %, which the default bound and the calibrations are of`,
        got: `${100 * input.noise} %`,
        remedy: "Give --delta, the bound on the norm of its noise.",
      });
    }
    const { truths, measurements } = prepare(name, operand, input, ct, options);
    const [method] = await loadMethods(context, ct, [options.method], options.model);
    const calibrations = await loadCalibrations(context, options);
    const calibration = await pickCalibration(context, calibrations, method!, ct, NOISE_LEVEL);
    await within(`${name}: --out`, () => makeFolder(options.out));
    const one = measurements.length === 1;
    out.line(
      truths
        ? `${one ? "An image" : `${measurements.length} images`}, measured here with simulated noise: 1.5 %, ${ct.sinogram[0]} views, seed ${options.seed}.`
        : `${one ? "A sinogram" : `${measurements.length} sinograms`} of ${ct.sinogram[0]} views; there is no truth to compare with.`,
    );
    if (options.delta !== undefined) out.line("δ is yours: labels hold if it bounds the noise as the default does.");

    const receipts = await receiptsOf(name, options, method!, calibration);
    const results: Result[] = [];
    const { gap } = options;
    const limits = {
      engine: engineOf(options),
      maxSteps: options["max-steps"],
      proven: true,
      ...(gap === undefined ? {} : { gap }),
    };
    await solveAll(
      context,
      method!,
      measurements,
      async (batch) => {
        results.push(...certifyBatch(batch, calibration, gap));
        await receipts?.write(batch);
      },
      limits,
    );
    const rows: Row[] = results.map((result, i) => ({
      name: one ? "input" : `input ${i + 1}`,
      method: method!.name,
      result,
      ...(truths ? { truth: truths[i]!, score: score(ct, result.x.data, truths[i]!) } : {}),
    }));
    out.table(...certificateRows(rows, out));
    for (const row of rows.slice(0, SHOWN)) printSentences(row, out);

    const rest = { method: method!, calibration };
    const inferences = rows.map(({ name: of, result }, i) => ({
      name: of,
      result,
      measurement: measurements[i]!,
      ...rest,
    }));
    const noise = { ...(options.delta === undefined ? { level: NOISE_LEVEL } : {}), simulated: truths !== undefined };
    const files: Record<string, Uint8Array> = {
      "x.npy": formatNpy(stack(results, input, ct)),
      "certificate.json": await certificateFile(inferences, ct, noise),
      "figure.png": picture(rows, ct, calibrations.data),
      ...explanation(rows[0]!, method!, calibration),
    };
    for (const [file, bytes] of Object.entries(files)) await writeFileAtomic(join(options.out, file), bytes);
    out.line();
    out.line(`Written to ${options.out}: ${Object.keys(files).join(", ")}.`);
    if (receipts) out.line(`${receipts.count()} receipts in ${options.receipts}; check one with vouch verify.`);
    return outcome(rows);
  },
});

interface Row extends NamedResult {
  readonly truth?: Float32Array;
}

/** Where the values of an inference lie, and the blocks of the model in the colours of their labels. */
function explanation({ name, result }: Row, { model }: Method, calibration: Calibration): Record<string, Uint8Array> {
  const { problem } = model.trace();
  const blocks = modelFigure(problem, result, { title: `${name}: the model ${model.name} and its labels` });
  const places = calibrationFigure(calibration, result, { title: `${name}: among calibration inferences` });
  return { "model.png": rasterise(blocks, 2), "calibration.png": rasterise(places, 2) };
}

/** The first few, and what their labels compare with. */
function picture(rows: readonly Row[], { size }: Tomography, data: string): Uint8Array {
  const shown = rows.slice(0, SHOWN).map(({ name: title, truth, method, result, score: s }) => ({
    title,
    ...(truth ? { truth } : {}),
    methods: [{ name: method, x: result.x.data, result, ...(s ? { score: s } : {}) }],
  }));
  const footnote = `Labels: conformal p-values against ${data}.`;
  return ctFigure(shown, { size, title: "Reconstruction and its certificates", footnote });
}

interface Prepared {
  /** Where images came in. */
  readonly truths?: readonly Float32Array[];
  readonly measurements: readonly Measurement[];
}

function prepare(
  name: string,
  path: string,
  input: NpyArray,
  ct: Tomography,
  { delta, seed }: { readonly delta: number | undefined; readonly seed: number },
): Prepared {
  const called = `${name} ${path}`;
  if (kindOf(called, input, ct) === "sinograms") {
    const sinograms = toSinograms(called, input, ct);
    requireSignal(called, sinograms);
    const measurements = sinograms.map((d) => ({
      d,
      radius: delta ?? noiseRadius(d, { level: NOISE_LEVEL, totalRows: ct.rays }),
    }));
    return { measurements };
  }
  if (delta !== undefined) {
    throw new VouchError("parameter", {
      name: `${name}: --delta`,
      expected: "a sinogram",
      got: "images, whose noise is simulated",
      remedy: "Leave --delta out.",
    });
  }
  const truths = toImages(called, input, ct.size);
  requireContent(called, truths);
  return { truths, measurements: simulateAll(ct, truths, seed, "reconstruct") };
}

/** One image [size, size] for one input, [n, size, size] for several. */
function stack(results: readonly Result[], { shape }: NpyArray, { size }: Tomography): NpyArray {
  const data = new Float32Array(results.length * size * size);
  results.forEach(({ x }, i) => {
    data.set(x.data, i * size * size);
  });
  return { shape: shape.length === 3 ? [results.length, size, size] : [size, size], data };
}

/** Largest proven gap, where every inference has one, and how many have. */
function gaps(rows: readonly Row[]): Record<string, number> {
  const proven = rows.flatMap(({ result: { optimality } }) => (optimality.verdict === "VERIFIED" ? [optimality] : []));
  const largest = Math.max(...proven.map(({ relativeGap }) => relativeGap));
  return { proven: proven.length, ...(proven.length === rows.length ? { gap_max: largest } : {}) };
}

function outcome(rows: readonly Row[]) {
  const labelled = (label: string) =>
    rows.filter(({ result }) => result.certificates.some((certificate) => certificate.label === label)).length;
  const scores = rows.flatMap(({ score: s }) => (s ? [s] : []));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const figures = {
    inferences: rows.length,
    trustworthy: rows.filter(({ result }) => result.trustworthy).length,
    failed: labelled("fail"),
    warned: labelled("warning"),
    ...gaps(rows),
    ...(scores.length > 0 ? { psnr: mean(scores.map((s) => s.psnr)), ssim: mean(scores.map((s) => s.ssim)) } : {}),
  };
  return { figures, exit: figures.failed > 0 ? (1 as const) : (0 as const) };
}
