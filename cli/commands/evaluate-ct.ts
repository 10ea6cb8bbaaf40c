/** @file vouch evaluate ct: the table of CT methods on images, by patient. */

import { basename, dirname } from "node:path";
import { feasibility, score } from "../../src/applications/ct/score.js";
import { type Slice, stratify } from "../../src/applications/ct/select.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import { VouchError } from "../../src/errors.js";
import { command } from "../command.js";
import {
  calibrationOption,
  engineOf,
  engineOptions,
  imageOf,
  modelOption,
  phantom,
  scan,
  scanOptions,
  seedOption,
  simulateAll,
  solveAll,
} from "../ct.js";
import { keepSelection, loadTable, methodsOption, requireUnseen, weightsOf } from "../ct-methods.js";
import { commonReference } from "../ct-reference.js";
import { csv, type Evaluated, figuresOf, markdown, type Row, tableRows } from "../ct-table.js";
import { within } from "../errors.js";
import { ctTableFigure } from "../figures/ct-table.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { type Collection, readCollection, requireContent } from "../images.js";
import { flag, integer, text } from "../options.js";
import { dataFile } from "../paths.js";

export const evaluateCt = command({
  summary: "Score CT methods on images measured with simulated noise: quality, constraints, gaps, by patient.",
  options: {
    images: text(
      "Images (.npy, .npz, .png, DICOM, NIfTI, LoDoPaB, or a folder), or generated phantoms; patients and split are read from X.json and X.split.json.",
      "PATH|ellipses",
      undefined,
    ),
    split: text("Another split file.", "FILE.json", undefined),
    limit: integer("Slices, drawn evenly over patients.", 96, { min: 1 }),
    methods: methodsOption(["fbp", "tv", "l2o"]),
    ...modelOption("ct-chest"),
    ...calibrationOption,
    choose: flag(
      "Score slices of the split's calibration patients in the place of test patients, and keep the PSNR of each l2o method in its file: the best of those that are kept for the same images is l2o from then on.",
    ),
    markdown: flag("Print the table as Markdown."),
    csv: text("Write all figures here, a line a method.", "FILE.csv", undefined),
    figure: text(
      "Write a figure of the first slices here: images, a region, errors, labels.",
      "FILE.png|svg",
      undefined,
    ),
    ...scanOptions,
    ...engineOptions,
    ...seedOption,
  },
  async run(context) {
    const { name, options, out } = context;
    const { seed } = options;
    const path = options.images ?? dataFile("ct", "chest_tcia.npy");
    const ct = scan(options);
    const { methods, missing } = await loadTable(name, ct, options.methods, options.model);
    if (options.choose) requireChoice(name, path, methods);
    const slices = await slicesOf(name, path, ct, options);
    await requireUnseen(`${name}: --images ${path}`, slices, methods);
    const patients = new Set(slices.map(({ patient }) => patient)).size;
    out.line(`${slices.length} slices${whose(path, slices)}. ${ct.sinogram[0]} views, noise 1.5 %, seed ${seed}.`);
    for (const { key, command: train } of missing) out.line(`${key} has no weights; train them: ${train}`);
    for (const file of [options.figure, options.csv]) {
      if (file !== undefined) await within(`${name}: ${file}`, () => makeFolder(dirname(file)));
    }
    const images = slices.map(({ image }) => image);
    requireContent(`${name}: --images ${path}`, images);
    const measurements = simulateAll(ct, images, seed, "evaluate");
    const reference = await commonReference(context, ct, options);
    const evaluated: Evaluated[] = [];
    for (const one of methods) {
      const rows: Row[] = [];
      const plain = evaluated.find(({ key }) => key === "l2o_convex")?.rows;
      const { seconds } = await solveAll(
        context,
        one.method,
        measurements,
        ({ solution, measurements: batch, first }) => {
          const failing = reference?.(batch, solution.x);
          solution.status.forEach((status, i) => {
            const [x, at] = [imageOf(solution, i), first + i];
            const verdict = solution.proofs[i]?.verdict;
            rows.push({
              ...score(ct, x, images[at]!),
              ...feasibility(ct, x, batch[i]!),
              ...(failing ? { regularization: failing[i]! } : {}),
              ...(verdict?.verdict === "VERIFIED" ? { gap: verdict.relativeGap } : {}),
              ...(plain ? { apart: apart(x, plain[at]!.x) } : {}),
              ...{ x, status, steps: solution.steps[i]! },
            });
          });
        },
        { engine: engineOf(options), proven: true },
      );
      evaluated.push({ ...one, rows, seconds });
    }
    const { figures: ofMethods, best, by } = figuresOf(evaluated, slices, seed);
    const table = tableRows(evaluated, ofMethods);
    if (options.markdown) out.line(markdown(table));
    else out.table(table.heading, table.rows);
    const peak = process.resourceUsage().maxRSS / 1024;
    const figures = { slices: slices.length, patients, ...ofMethods, peak_memory_mb: peak };
    for (const line of notes(evaluated, ofMethods, patients)) out.line(line);
    if (best && !options.choose)
      out.line(
        `l2o is ${best.key}: feasible on every slice, ${by === "selection" ? "best on calibration patients" : "least validation loss"}. Peak memory ${Math.round(peak)} MB.`,
      );
    if (options.csv !== undefined) {
      await writeFileAtomic(options.csv, new TextEncoder().encode(csv(evaluated, ofMethods)));
      out.line(`Figures written to ${options.csv}.`);
    }
    if (options.figure !== undefined) {
      await writeFileAtomic(options.figure, ctTableFigure(options.figure, evaluated, slices, ct.size));
      out.line(`Figure written to ${options.figure}.`);
    }
    if (options.choose) {
      const scanned = `${ct.sinogram[0]} views of ${ct.size}²`;
      const on = `${slices.length} slices of ${patients} calibration patients of ${basename(path)}, ${scanned}, seed ${seed}`;
      for (const { key } of evaluated.filter((one) => one.key.startsWith("l2o_"))) {
        const file = weightsOf(options.model, key);
        const psnr = ofMethods[`${key}_psnr`]!;
        await within(`${name}: ${file}`, () => keepSelection(file, psnr, on));
        out.line(`${file} says ${psnr.toFixed(3)} dB on ${on}.`);
      }
    }
    return { figures, report: { missing: missing.map(({ key }) => key), ...(best ? { l2o: best.key } : {}) } };
  },
});

/** @throws parameter if --choose would keep nothing, or phantoms would choose */
function requireChoice(name: string, path: string, methods: readonly { readonly key: string }[]): void {
  const learned = methods.some(({ key }) => key.startsWith("l2o_"));
  if (learned && path !== "ellipses") return;
  throw new VouchError("parameter", {
    name: `${name}: --choose`,
    expected: "an l2o method with weights, and images of calibration patients",
    got: learned ? "--images ellipses, which has no patients" : methods.map(({ key }) => key).join(", "),
    remedy: learned ? "Give a file with a split." : "Ask for --methods all, or for the l2o methods to choose from.",
  });
}

interface Asked {
  readonly split: string | undefined;
  readonly limit: number;
  readonly seed: number;
  readonly choose: boolean;
}

/** Slices of a file, evenly over its test or calibration patients; or generated phantoms, each a patient of its own. */
async function slicesOf(
  name: string,
  path: string,
  ct: Tomography,
  { split, limit, seed, choose }: Asked,
): Promise<Slice[]> {
  if (path === "ellipses") {
    const one = (index: number) => ({
      image: phantom(ct, seed, "evaluate", index),
      patient: `phantom ${index}`,
      index,
    });
    return Array.from({ length: limit }, (_, index) => one(index));
  }
  const use = choose ? "calibration" : "test";
  const collection = await readCollection(`${name}: --images`, path, { size: ct.size, split, use });
  return stratify(eligible(`${name}: --images ${path}`, collection, use), limit, seed);
}

function whose(path: string, slices: readonly Slice[]): string {
  const patients = new Set(slices.map(({ patient }) => patient)).size;
  if (path === "ellipses") return " of generated phantoms";
  return patients === slices.length ? ", each counted as a patient of its own" : ` of ${patients} patients`;
}

/** ‖x − y‖/‖y‖. */
function apart(x: Float32Array, y: Float32Array): number {
  const norm = (v: Float32Array) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
  return norm(x.map((value, i) => value - y[i]!)) / norm(y);
}

/** What the columns do not say: gains over TV, what gaps are of, distances to the plain convex answer. */
function notes(evaluated: readonly Evaluated[], figures: Readonly<Record<string, number>>, patients: number): string[] {
  const has = (key: string) => evaluated.some((one) => one.key === key);
  return [
    ...evaluated.flatMap(({ key }) => {
      const [gain, low, high] = ["", "_low", "_high"].map((end) => figures[`${key}_minus_tv_db${end}`]);
      if (gain === undefined || !key.startsWith("l2o")) return [];
      return `${key} over tv: ${signed(gain)} dB, 95 % interval ${signed(low!)} to ${signed(high!)} (bootstrap over ${patients} patients).`;
    }),
    ...(has("l2o_weak")
      ? [
          "The gap of l2o_weak is of the convex majorant at x: it bounds what that could still gain, so that 0 is stationarity, not optimality.",
        ]
      : []),
    ...(has("l2o_adaptive")
      ? ["The gap of l2o_adaptive is of its second problem, given the weights that its network's image named."]
      : []),
    ...(figures["l2o_adaptive_apart"] === undefined
      ? []
      : [
          `x of l2o_adaptive lies ${(100 * figures["l2o_adaptive_apart"]).toPrecision(2)} % from the plain convex answer (median): so much is the network's word.`,
        ]),
  ];
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

/** Slices of the patients of one side; for a test all where nothing says who was calibrated on. */
function eligible(name: string, { slices, split, known }: Collection, use: "test" | "calibration"): readonly Slice[] {
  if (!split && use === "test") return slices;
  const chosen = slices.filter(({ patient }) => split?.[use].includes(patient));
  if (chosen.length > 0) return chosen;
  throw new VouchError("data", {
    name,
    expected: `slices of the split's ${use} patients`,
    got: split === undefined ? "no split" : known ? "slices of other patients" : "no ids beside the images",
    remedy: "Put the ids (X.json) beside the images, or give the split that belongs to them.",
  });
}
