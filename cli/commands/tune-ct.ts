/** @file vouch tune ct: constants of a trained CT model by Bayesian optimization, on training images. */

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { LEARNED } from "../../src/applications/ct/methods/index.js";
import { definitionOf } from "../../src/applications/ct/methods/learned.js";
import { lossAt, lossSpace, STEP_SPACE, stepDefault, stepsToGap } from "../../src/applications/ct/tune.js";
import { digest } from "../../src/certificates/calibration.js";
import { VouchError } from "../../src/errors.js";
import { type Bundle, formatBundle, parseBundle } from "../../src/files/bundle.js";
import { minimize, type Point, type Trial } from "../../src/training/bayes.js";
import { command } from "../command.js";
import { engineOf, engineOptions, modelOption, phantom, scan, scanOptions, seedOption, simulateAll } from "../ct.js";
import { within } from "../errors.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readCollection, readJson } from "../images.js";
import { readBundled, sealBundle } from "../model-bundle.js";
import { choice, flag, integer, number, text } from "../options.js";

const stored = z.object({
  asked: z.string(),
  trials: z.array(z.object({ point: z.record(z.string(), z.number()), value: z.number().nullable() })),
});

export const tuneCt = command({
  summary:
    "Tune constants of a trained CT model by Bayesian optimization: steps to a proven gap, or the loss by ρ and knee.",
  options: {
    for: choice(
      "What to lower: steps of l2o_convex to a proven gap, or the mean squared error by ρ, and by the knee of a method that has one.",
      ["steps", "loss"],
      "steps",
    ),
    ...modelOption("ct-chest"),
    data: text("Training images, never test images: generated phantoms or a file.", "ellipses|PATH", "ellipses"),
    limit: integer("Images, evenly over the file.", 4, { min: 1 }),
    trials: integer("Trials in all.", 30, { min: 1 }),
    gap: number("Proven gap that steps are counted to.", 0.01, { above: 0, max: 0.5 }),
    "max-steps": integer("Steps at which a trial gives up.", 3000, { min: 20 }),
    record: text("All trials, written after each.", "FILE.json", "out/tune.json"),
    resume: flag("Go on with the trials in --record, to the same ones as without the interruption."),
    out: text("For the loss: where to write the model with the best constants.", "FILE.safetensors", undefined),
    ...scanOptions,
    ...engineOptions,
    ...seedOption,
  },
  async run({ name, options, out, progress, signal }) {
    const { seed, trials, record: target } = options;
    requireOut(name, options);
    const ct = scan(options);
    const bundle = await within(`${name}: --model ${options.model}`, async () =>
      parseBundle(await readBundled(options.model, "weights (.safetensors)")),
    );
    const learned = LEARNED.find(({ manifest }) => manifest === bundle.manifest.model);
    const forSteps = options.for === "steps";
    const space = forSteps || learned === undefined ? STEP_SPACE : lossSpace(learned);
    if (learned === undefined || Object.keys(space).length === 0) {
      throw new VouchError("format", {
        name: `${name}: --model`,
        expected: "a learned model with ρ or a knee of its own",
        got: bundle.manifest.model,
        remedy: "Pass weights of an l2o method.",
      });
    }
    const images = await tuningImages(name, options.data, ct, options);
    const measurements = simulateAll(ct, images, seed, "tune");
    const engine = engineOf(options);
    const examples = images.map((image, i) => ({ image, measurement: measurements[i]! }));
    const limits = { gap: options.gap, maxSteps: options["max-steps"], ...engine };
    const objective = (point: Point) =>
      forSteps
        ? stepsToGap(ct, bundle, measurements, point, limits)
        : lossAt(ct, learned, bundle, examples, point, engine);
    const own = definitionOf(learned, bundle);
    const start: Point = forSteps
      ? stepDefault(ct, bundle)
      : Object.fromEntries(Object.keys(space).map((key) => [key, own[key]!]));
    const { resume: goOn, trials: _, out: __, record: _____, device: ___, threads: ____, ...identity } = options;
    const asked = JSON.stringify(identity);
    const before = goOn ? await resumed(name, target, asked) : [];
    if (!goOn && existsSync(target)) {
      throw new VouchError("file", {
        name: `${name}: --record`,
        expected: "a name without trials",
        got: target,
        remedy: "Go on with --resume, or choose another --record.",
      });
    }
    const bar = progress("tune", trials, "trials");
    const atStart = await objective(start);
    const { best } = await minimize(objective, {
      space,
      seed,
      trials,
      resume: before,
      async onTrial(trial, all) {
        await writeFileAtomic(target, new TextEncoder().encode(`${JSON.stringify({ asked, trials: all }, null, 1)}\n`));
        if (signal.aborted) {
          const remedy = `Go on with --resume: they are in ${target}.`;
          throw new VouchError("cancelled", { name, expected: `${trials} trials`, got: `${all.length}`, remedy });
        }
        bar.update(all.length, `${trial.value.toPrecision(4)}`);
      },
    }).finally(() => bar.stop());
    for (const [key, value] of Object.entries(best.point)) out.line(`${key} = ${Number(value.toPrecision(4))}`);
    const what = forSteps ? `steps to a proven gap of ${options.gap}` : "mean squared error";
    out.line(`${what}: ${best.value.toPrecision(4)}; as shipped ${atStart.toPrecision(4)}. Trials in ${target}.`);
    if (options.out !== undefined) {
      const tuned = await withConstants(bundle, best, images, `${images.length} of ${options.data}, seed ${seed}`);
      await within(`${name}: --out`, async () => {
        await makeFolder(dirname(options.out!));
        await writeFileAtomic(options.out!, formatBundle(tuned));
        await sealBundle(options.out!);
      });
      out.line(`The model with these is in ${options.out}; calibrate it anew: vouch calibrate --model ${options.out}`);
    }
    return {
      figures: { ...best.point, best: best.value, default: atStart, over_default: best.value / atStart, trials },
    };
  },
});

/** @throws parameter if --out is given where nothing of a model is tuned, or would be the model itself */
function requireOut(name: string, { for: what, out, model }: { for: string; out: string | undefined; model: string }) {
  if (out === undefined || (what === "loss" && resolve(out) !== resolve(model))) return;
  throw new VouchError("parameter", {
    name: `${name}: --out`,
    expected: "another file than --model, with --for loss",
    got: `${out} with --for ${what}`,
    remedy: "Steps are no part of a model: leave --out out, or tune for the loss.",
  });
}

/**
 * The model with the best constants. Images that chose them count among those it was trained on; its validation loss and what `evaluate ct
 * --choose` kept were of others and are left out.
 */
async function withConstants(
  { manifest, weights }: Bundle,
  { point, value }: Trial,
  images: readonly Float32Array[],
  on: string,
): Promise<Bundle> {
  const { validation: _, selection: __, selectedOn: ___, ...card } = manifest.card;
  const seen = await Promise.all(images.map((image) => digest(image)));
  return {
    manifest: {
      ...manifest,
      options: { ...manifest.options, ...point },
      card: {
        ...card,
        tuned: `${Object.keys(point).join(" and ")} to a mean squared error of ${value.toExponential(4)} on ${on}`,
      },
      trainedOn: [...new Set([...(manifest.trainedOn ?? []), ...seen])],
    },
    weights,
  };
}

async function resumed(name: string, path: string, asked: string): Promise<Trial[]> {
  const found = await readJson(`${name}: --resume`, path, stored, "trials of this command");
  if (found.asked !== asked) {
    throw new VouchError("parameter", {
      name: `${name}: --resume`,
      expected: `the options the trials began with, ${found.asked}`,
      got: asked,
      remedy: "Resume with the same options, or choose another --record.",
    });
  }
  return found.trials.map(({ point, value }) => ({ point, value: value ?? Number.NaN }));
}

async function tuningImages(
  name: string,
  data: string,
  ct: ReturnType<typeof scan>,
  { limit, seed }: { readonly limit: number; readonly seed: number },
): Promise<Float32Array[]> {
  if (data === "ellipses") return Array.from({ length: limit }, (_, i) => phantom(ct, seed, "tune", i));
  const { slices } = await readCollection(`${name}: --data`, data, { size: ct.size, use: "training" });
  const kept = Math.min(limit, slices.length);
  return Array.from({ length: kept }, (_, i) => slices[Math.floor(((i + 0.5) * slices.length) / kept)]!.image);
}
