/** @file What the CT commands share: the scan and methods they name, solves in batches with progress, calibrations. */

import { z } from "zod";
import {
  type CtCalibrations,
  calibrationOf,
  methodDigest,
  parseCtCalibrations,
} from "../src/applications/ct/calibrations.js";
import { type Measurement, NOISE_LEVEL, simulate } from "../src/applications/ct/examples.js";
import { LEARNED } from "../src/applications/ct/methods/index.js";
import {
  fbpMethod,
  isSolved,
  l2oMethod,
  type Method,
  type Reconstruction,
  type Terms,
  termsOf,
  tvMethod,
} from "../src/applications/ct/methods.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { type Calibration, calibrate, digest } from "../src/certificates/calibration.js";
import { certify, type Result } from "../src/certificates/certify.js";
import { measureProperties, valuesByTerm } from "../src/certificates/measure.js";
import type { EngineOptions } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import { parseBundle } from "../src/files/bundle.js";
import { requireWeights } from "../src/model.js";
import { random } from "../src/random.js";
import type { Context } from "./command.js";
import { readLearned, weightsOf } from "./ct-methods.js";
import { within } from "./errors.js";
import { readJson } from "./images.js";
import { readBundled } from "./model-bundle.js";
import { choice, integer, number, type Options, text, type Values } from "./options.js";
import { beside, shippedModel } from "./paths.js";

/** Methods that solve a model: what they answer can be proven, exported and explained by its terms. */
export const SOLVED = ["tv", "l2o"] as const;
/** Methods whose weights, if any, are those of --model. */
export const PLAIN = ["fbp", ...SOLVED] as const;
/** And the learned ones whose weights lie beside them, see `weightsOf`. */
export const METHODS: readonly string[] = [...PLAIN, ...LEARNED.map(({ name }) => name)];

/** Slices of one solve. */
const BATCH = 8;

export const scanOptions = {
  "image-size": integer("Pixels a side.", 128, { min: 8, max: 1024 }),
  angles: integer("Views of the scan, evenly over 180 degrees.", 30, { min: 1, max: 720 }),
};

export const engineOptions = {
  device: choice("Where to compute; a device that is missing is an error.", ["auto", "cpu", "webgpu", "cuda"], "auto"),
  threads: integer("Threads of the engine; as many as there are cores by default.", undefined, { min: 1, max: 256 }),
};

export const gapOption = {
  gap: number("Stop once no feasible image is proven better by more than this share of the objective.", undefined, {
    above: 0,
    max: 0.5,
  }),
};

/** What the engine is told. */
export function engineOf({ device, threads }: Values<typeof engineOptions>): EngineOptions {
  return { device, ...(threads === undefined ? {} : { threads }) };
}

export const seedOption = { seed: integer("Seed of all random draws.", 0, { min: 0 }) };

/** Weights, by default those that come with the package under this name. */
export function modelOption(shipped: string) {
  return {
    model: { ...text("Weights of l2o.", "FILE", shippedModel(shipped)), shown: `models/${shipped}.safetensors` },
  };
}

export const calibrationOption = {
  calibration: text("Calibrations of the methods; by default those beside the weights.", "FILE", undefined),
};

type Run = Pick<Context<Options>, "name" | "progress" | "signal">;

export function scan(options: { readonly "image-size": number; readonly angles: number }): Tomography {
  return tomography({ size: options["image-size"], angles: options.angles });
}

/** A generated phantom; streams of different labels are independent. */
export function phantom(ct: Tomography, seed: number, label: string, index: number): Float32Array {
  return ellipses({ size: ct.size, random: random(seed).fork(label).fork(index) });
}

export interface LoadedMethod extends Method {
  /** Digests of the images it was trained on. */
  readonly trainedOn: readonly string[];
}

/** Methods by name; l2o from a file of weights, other learned ones from those beside it. @throws file, format, shape, named after --model */
export async function loadMethods(
  { name }: Run,
  ct: Tomography,
  names: readonly string[],
  model: string,
): Promise<LoadedMethod[]> {
  return Promise.all(
    names.map(async (method) => {
      if (method === "fbp") return { ...fbpMethod(ct), trainedOn: [] };
      if (method === "tv") return { ...tvMethod(ct), trainedOn: [] };
      const learned = LEARNED.find((one) => one.name === method);
      if (learned !== undefined) {
        const file = weightsOf(model, method);
        const { method: loaded, bundle } = await within(`${name}: --model ${file}`, () =>
          readLearned(name, ct, learned, file),
        );
        return { ...loaded, trainedOn: bundle.manifest.trainedOn ?? [] };
      }
      return within(`${name}: --model ${model}`, async () => {
        const bundle = parseBundle(await readBundled(model, "weights (.safetensors)"));
        const loaded = l2oMethod(ct, bundle);
        requireWeights(name, loaded.model, loaded.weights);
        return { ...loaded, trainedOn: bundle.manifest.trainedOn ?? [] };
      });
    }),
  );
}

/** Simulated measurements of images, noise from the stream (seed, label, index). */
export function simulateAll(
  ct: Tomography,
  images: readonly Float32Array[],
  seed: number,
  label: string,
): Measurement[] {
  return images.map((image, i) => simulate(ct, image, seed, `${label} ${i}`));
}

export interface BatchSolved {
  readonly solution: Reconstruction;
  /** Its measurements, and where they stand among all. */
  readonly measurements: readonly Measurement[];
  readonly first: number;
  /** What its images are measured by. */
  readonly terms: Terms;
}

export interface SolveAllOptions {
  readonly engine: EngineOptions;
  readonly maxSteps?: number;
  /** Stop at this proven gap. */
  readonly gap?: number;
  /** Prove what can be proven of every answer; not part of the seconds. */
  readonly proven?: boolean;
}

/** Solve batch after batch with progress; seconds of solving alone. @throws cancelled */
export async function solveAll(
  { progress, signal }: Run,
  method: Method,
  measurements: readonly Measurement[],
  onBatch: (solved: BatchSolved) => void | Promise<void>,
  { engine, proven = false, ...options }: SolveAllOptions,
): Promise<{ seconds: number }> {
  const bar = progress(method.name, measurements.length, "slices");
  const solver = await method.open(engine);
  let seconds = 0;
  try {
    for (let first = 0; first < measurements.length; first += BATCH) {
      const batch = measurements.slice(first, first + BATCH);
      const started = performance.now();
      const solution = await solver.reconstruct(batch, {
        ...options,
        signal,
        onProgress: ({ steps, residual, running }) =>
          bar.update(first + batch.length - running, `step ${steps}, residual ${residual.toExponential(1)}`),
      });
      seconds += (performance.now() - started) / 1000;
      const terms = termsOf(solver, batch, solution);
      await onBatch({
        solution: proven ? solver.prove(batch, solution) : solution,
        measurements: batch,
        first,
        terms,
      });
      bar.update(first + batch.length);
    }
  } finally {
    bar.stop();
    await solver.dispose();
  }
  return { seconds };
}

/** Nothing was left to iterate. */
export function settled(status: Reconstruction["status"][number]): boolean {
  return status === "converged" || status === "external";
}

/** Image `row` of a batch of solutions. */
export function imageOf({ x }: Reconstruction, row: number): Float32Array {
  const size = x.data.length / x.shape[0]!;
  return x.data.slice(row * size, (row + 1) * size);
}

/** Calibrations of a file, or those beside the weights. @throws file, format, named after --calibration */
export async function loadCalibrations(
  { name }: Run,
  options: { readonly model: string; readonly calibration: string | undefined },
): Promise<CtCalibrations> {
  const path = options.calibration ?? beside(options.model, "calibration.json");
  const json = await readJson(`${name}: --calibration`, path, z.unknown(), "calibrations made by `vouch calibrate`");
  return within(`${name}: --calibration ${path}`, () => parseCtCalibrations(json));
}

/** The calibration of one method. @throws format, named after --calibration */
export function pickCalibration(
  { name }: Run,
  calibrations: CtCalibrations,
  method: Method,
  ct: Tomography,
  noise: number,
): Promise<Calibration> {
  return within(`${name}: --calibration`, () => calibrationOf(calibrations, method, ct, noise));
}

/** Certify a batch; where nothing was solved there is no certificate of convergence. */
export function certifyBatch({ solution, terms }: BatchSolved, calibration: Calibration, gap?: number): Result[] {
  const common = { ...terms, calibration, ...(gap === undefined ? {} : { gap }) };
  return certify(isSolved(solution) ? { ...common, solution } : { ...common, x: solution.x });
}

/**
 * Calibrate methods on the inferences of held-out images, each measured with noise of its own. Inferences that did not
 * converge are not trusted and left out.
 *
 * @throws certificate if an image was trained on or comes twice; convergence if none converged
 */
export async function calibrateMethods(
  run: Run,
  ct: Tomography,
  methods: readonly LoadedMethod[],
  images: readonly Float32Array[],
  { seed, data, engine }: { readonly seed: number; readonly data: string; readonly engine: EngineOptions },
): Promise<{ calibrations: CtCalibrations; left: Record<string, number> }> {
  const digests = await Promise.all(images.map((image) => digest(image)));
  for (const { trainedOn } of methods) calibrate({ values: {}, reference: "inferences", samples: digests, trainedOn });
  const measurements = simulateAll(ct, images, seed, "calibration noise");
  const left: Record<string, number> = {};
  const entries: [string, CtCalibrations["methods"][string]][] = [];
  for (const method of methods) {
    const measured: ReturnType<typeof measureProperties> = [];
    const samples: string[] = [];
    await solveAll(
      run,
      method,
      measurements,
      ({ solution, first, terms: { model, weights, data: fed } }) => {
        const z = isSolved(solution) ? solution.z : undefined;
        measureProperties(model, weights, fed, solution.x, z).forEach((values, row) => {
          if (!settled(solution.status[row]!)) return;
          measured.push(values);
          samples.push(digests[first + row]!);
        });
      },
      { engine },
    );
    left[method.name] = images.length - samples.length;
    if (samples.length === 0) {
      throw new VouchError("convergence", {
        name: run.name,
        expected: `converged inferences of ${method.name}`,
        got: `none of ${images.length}`,
        remedy: "Check the weights; an iteration without a guarantee is not calibrated.",
      });
    }
    const values = valuesByTerm(measured);
    const calibration = calibrate({ values, reference: "inferences", samples, trainedOn: method.trainedOn });
    entries.push([method.name, { model: await methodDigest(method), calibration }]);
  }
  const { size } = ct;
  const geometry = { size, angles: ct.sinogram[0] };
  const calibrations: CtCalibrations = {
    version: 1,
    scan: geometry,
    noise: NOISE_LEVEL,
    data,
    methods: Object.fromEntries(entries),
  };
  return { calibrations, left };
}
