/** @file vouch export: a model with its solve, its certificates and their calibration as one .onnx file. */

import { basename, dirname } from "node:path";
import { z } from "zod";
import { NOISE_LEVEL } from "../../src/applications/ct/examples.js";
import { exportCt } from "../../src/applications/ct/export.js";
import { calibrateDictionary } from "../../src/applications/dictionary/evaluate.js";
import { exportDictionary } from "../../src/applications/dictionary/export.js";
import { type Calibration, parseCalibration } from "../../src/certificates/calibration.js";
import { OPSET } from "../../src/engine/onnx.js";
import { VouchError } from "../../src/errors.js";
import { type Bundle, parseBundle } from "../../src/files/bundle.js";
import { exportOnnx } from "../../src/files/onnx-export.js";
import { checkOnnx, ONNX_FORMAT } from "../../src/files/onnx-metadata.js";
import { type Context, command } from "../command.js";
import {
  engineOf,
  engineOptions,
  loadCalibrations,
  loadMethods,
  pickCalibration,
  SOLVED,
  scan,
  scanOptions,
  seedOption,
} from "../ct.js";
import { within } from "../errors.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readJson } from "../images.js";
import { readBundled } from "../model-bundle.js";
import { isModule, loadModel, weightsFile } from "../models.js";
import { choice, integer, number, text } from "../options.js";

const options = {
  method: choice("Of a CT model: how to reconstruct.", SOLVED, "l2o"),
  calibration: text("What certificates compare with; by default the file beside CT weights.", "FILE", undefined),
  tolerance: number("Worst relative KKT residual of a converged answer; the model's own by default.", undefined, {
    above: 0,
    max: 1,
  }),
  "max-steps": integer("Most solver steps; the model's own by default.", undefined, { min: 1 }),
  signals: integer("Of a dictionary without --calibration: signals to calibrate on.", 500, { min: 19 }),
  ...scanOptions,
  ...engineOptions,
  ...seedOption,
};

type Run = Context<typeof options>;

export const exportCommand = command({
  summary: "Write a model as one .onnx file that solves and certifies in any ONNX runtime.",
  operand: {
    name: "model",
    summary: "a shipped model (ct-ellipses, ct-chest, dictionary), FILE.safetensors, or FILE.js that exports model",
  },
  target: { name: "file", summary: "the .onnx file to write" },
  options,
  async run(context) {
    const { name, operand, target, out } = context;
    await within(`${name}: ${target}`, () => makeFolder(dirname(target)));
    const bytes = await (isModule(operand) ? ofModule(context) : ofWeights(context));
    const { solve, trusted, data, reference, violated } = checkOnnx(bytes, basename(target));
    await writeFileAtomic(target, bytes);
    const megabytes = bytes.length / 1e6;
    out.line(`Written to ${target}: ${megabytes.toFixed(1)} MB, operator set ${OPSET}, format version ${ONNX_FORMAT}.`);
    out.line(
      `It takes ${Object.keys(data).join(", ")}, solves to ${solve.tolerance} in at most ${solve.maxSteps} steps,`,
    );
    out.line(`and certifies against ${trusted} ${reference === "truth" ? "ground truths" : "inferences"}.`);
    for (const condition of violated) out.line(`Without guarantee, as a step condition fails: ${condition}.`);
    const figures = { megabytes, opset: OPSET, format: ONNX_FORMAT, calibration_samples: trusted };
    return { figures: { ...figures, tolerance: solve.tolerance, max_steps: solve.maxSteps } };
  },
});

async function ofWeights(context: Run): Promise<Uint8Array> {
  const { name, operand } = context;
  const path = weightsFile(name, operand, ["FILE.js"]);
  const bundle = await within(`${name} ${operand}`, async () =>
    parseBundle(await readBundled(path, "weights (.safetensors)")),
  );
  const { model } = bundle.manifest;
  if (model === "ct-convex") return ofCt(context, path);
  if (model === "dictionary") return ofDictionary(context, bundle);
  throw new VouchError("format", {
    name: `${name} ${operand}`,
    expected: "a model of ct-convex or dictionary",
    got: `one of ${model}`,
    remedy: "Give a module, FILE.js, that exports it.",
  });
}

async function ofCt(context: Run, model: string): Promise<Uint8Array> {
  const { options: asked } = context;
  const ct = scan(asked);
  const [method] = await loadMethods(context, ct, [asked.method], model);
  const calibrations = await loadCalibrations(context, { model, calibration: asked.calibration });
  return exportCt(ct, method!, await pickCalibration(context, calibrations, method!, ct, NOISE_LEVEL), stopOf(asked));
}

async function ofDictionary(context: Run, bundle: Bundle): Promise<Uint8Array> {
  const { options: asked, progress, signal } = context;
  const stop = stopOf(asked);
  const given = await calibrationGiven(context);
  if (given) return exportDictionary(bundle, given, stop);
  const bar = progress("calibrate", asked.signals, "signals");
  const solving = { calibration: asked.signals, signal, ...engineOf(asked), ...stop };
  const onProgress = ({ solved }: { readonly solved: number }) => bar.update(solved);
  const calibration = await calibrateDictionary(bundle, { ...solving, onProgress }).finally(() => bar.stop());
  return exportDictionary(bundle, calibration, stop);
}

async function ofModule(context: Run): Promise<Uint8Array> {
  const { name, operand, options: asked } = context;
  const { model, weights } = await loadModel(name, operand, asked);
  const calibration = await calibrationGiven(context);
  if (calibration) return exportOnnx(model, weights, { calibration, ...stopOf(asked) });
  throw new VouchError("parameter", {
    name: `${name}: --calibration`,
    expected: `the calibration of ${operand}`,
    got: "nothing",
    remedy: "Write the JSON of what `calibrate` returns to a file, and name it.",
  });
}

async function calibrationGiven({ name, options: { calibration } }: Run): Promise<Calibration | undefined> {
  if (calibration === undefined) return undefined;
  const called = `${name}: --calibration`;
  const json = await readJson(called, calibration, z.unknown(), "a calibration");
  return within(called, () => parseCalibration(json));
}

function stopOf({ tolerance, "max-steps": maxSteps }: Run["options"]) {
  return { ...(tolerance === undefined ? {} : { tolerance }), ...(maxSteps === undefined ? {} : { maxSteps }) };
}
