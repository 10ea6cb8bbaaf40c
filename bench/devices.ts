/** @file How far apart devices compute, primitive by primitive and application by application, and how long a slice takes on each. */

import { CT_SOLVE, tvMethod } from "../src/applications/ct/methods.js";
import type { DeviceName } from "../src/engine/device.js";
import { compile } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import { compileModel } from "../src/model.js";
import { relaxed } from "../src/solvers/relaxed.js";
import { add } from "../src/tensor/primitives/elementwise.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { useSoftwareAdapter } from "../test/adapter.js";
import { noBrowser, openBrowser } from "../test/browser/harness.js";
import { type Computed, relativeDifference, type Subject, slice, subjects, TV_SLICE } from "../test/cases/subjects.js";
import type { Bench } from "./main.js";

/** A device that is there; what it computes of a subject. */
interface Present {
  /** Its driver or browser, and whether it is software. */
  readonly words: string;
  compute(subject: Subject): Promise<Computed>;
  close(): Promise<void>;
}

/** Each gives the device, or why it is missing. */
const DEVICES: Readonly<Record<string, () => Promise<Present | string>>> = {
  cpu: () => inNode("cpu"),
  webgpu: async () => useSoftwareAdapter() ?? inNode("webgpu"),
  browser_wasm: () => inBrowser("wasm"),
  browser_webgpu: () => inBrowser("webgpu"),
};

/**
 * `difference_DEVICE`: the worst over all subjects of max |x − r| / max |r|, r by the interpreter in float64; null where the device
 * is missing. `worst_relative_difference`: the same over all pairs of what is there, the interpreter included.
 * `ms_per_slice_DEVICE`: ms of a TV step on a 128² slice times `steps_per_slice`, the steps it takes to the tolerance of CT solves.
 */
export const devices: Bench = async (log) => {
  const results = new Map<string, Float64Array[]>([["interpreter", subjects.map((subject) => subject.reference())]]);
  const figures: Record<string, number | null> = { worst_relative_difference: null };
  const env: Record<string, string> = {};
  const steps = await stepsOfSlice();
  figures["steps_per_slice"] = steps;
  for (const [name, open] of Object.entries(DEVICES)) {
    const device = await open();
    figures[`difference_${name}`] = null;
    figures[`ms_per_slice_${name}`] = null;
    if (typeof device === "string") {
      log(`${name}: missing, ${device}`);
      continue;
    }
    env[`device_${name}`] = device.words;
    const values: Float64Array[] = [];
    try {
      for (const subject of subjects) {
        const { data, ms, steps: taken } = await device.compute(subject);
        values.push(Float64Array.from(data));
        if (subject.kind === "application") log(`${name}: ${subject.name}, ${(ms / taken).toFixed(2)} ms a step`);
        if (subject.name === TV_SLICE) figures[`ms_per_slice_${name}`] = (ms / taken) * steps;
      }
    } finally {
      await device.close();
    }
    const { difference, subject } = worst(values, results.get("interpreter")!);
    figures[`difference_${name}`] = difference;
    log(`${name}: worst relative difference to the interpreter ${difference.toExponential(2)}, in ${subject}`);
    results.set(name, values);
  }
  const all = [...results.values()];
  const pairs = all.flatMap((a, i) => all.slice(0, i).map((b) => worst(a, b).difference));
  if (pairs.length > 0) figures["worst_relative_difference"] = Math.max(...pairs);
  figures["compared"] = all.length;
  return { figures, env };
};

function worst(a: readonly Float64Array[], b: readonly Float64Array[]): { difference: number; subject: string } {
  const differences = a.map((values, i) => relativeDifference(values, b[i]!));
  const difference = Math.max(...differences);
  return { difference, subject: subjects[differences.indexOf(difference)]!.name };
}

/** Steps that the processor takes for the slice of `TV_SLICE`. */
async function stepsOfSlice(): Promise<number> {
  const { model, data } = slice(128, (ct) => tvMethod(ct).model);
  await using compiled = await compileModel(model, {}, { solver: relaxed(1.9) });
  return (await compiled.solve(data, CT_SOLVE)).steps[0]!;
}

async function inNode(device: DeviceName): Promise<Present | string> {
  try {
    await using _session = await compile([add(input("x", ["N"]), 1)], { device });
  } catch (error) {
    if (error instanceof VouchError && error.code === "engine") return error.message;
    throw error;
  }
  const words = device === "webgpu" ? `driver ${process.env["VK_DRIVER_FILES"]}` : "onnxruntime-node";
  return { words, compute: (subject) => subject.compute({ device }), close: async () => {} };
}

async function inBrowser(device: DeviceName): Promise<Present | string> {
  if (noBrowser !== undefined) return noBrowser;
  const browser = await openBrowser({ gpu: device === "webgpu" });
  const found = await browser.call("device", device);
  if (found.message !== undefined) {
    await browser.close();
    return found.message;
  }
  return {
    words: `Chromium ${browser.version}${device === "webgpu" ? ", SwiftShader" : ", one thread"}`,
    compute: async ({ name }) => {
      const { data, ...rest } = await browser.call("compute", name, device);
      return { ...rest, data: Float64Array.from(data) };
    },
    close: browser.close,
  };
}
