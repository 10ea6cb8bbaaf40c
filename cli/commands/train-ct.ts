/** @file vouch train ct: the recipe, with everything around it that survives an interruption. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { CT_RECIPE, trainCt } from "../../src/applications/ct/train.js";
import type { Tomography } from "../../src/applications/ct/tomography.js";
import { digest } from "../../src/certificates/calibration.js";
import { VouchError } from "../../src/errors.js";
import { formatBundle } from "../../src/files/bundle.js";
import { formatCheckpoint, parseCheckpoint } from "../../src/files/checkpoint.js";
import type { Checkpoint } from "../../src/training/fit.js";
import { command } from "../command.js";
import { phantom, scan, scanOptions } from "../ct.js";
import { within } from "../errors.js";
import { readFileOrExplain, writeFileAtomic } from "../files.js";
import { readCollection } from "../images.js";
import { flag, integer, number, text } from "../options.js";
import { beside } from "../paths.js";

export const trainCtCommand = command({
  summary: "Train the learned CT regularizer by JFB; resumable.",
  options: {
    data: text("Training images: generated phantoms, or a file.", "ellipses|FILE.npy", "ellipses"),
    out: text("Weights, written when training is done.", "FILE", "out/ct.safetensors"),
    resume: flag("Go on from the checkpoint beside --out, to the same numbers as without the interruption."),
    phases: integer("Draws of noise and images; a checkpoint after each.", CT_RECIPE.phases, { min: 1 }),
    passes: integer("Passes over the images of a phase.", CT_RECIPE.passes, { min: 1 }),
    slices: integer("Images of a phase.", CT_RECIPE.slices, { min: 1 }),
    validation: integer("Images kept apart, which choose the phase whose weights are kept.", 40, { min: 1 }),
    batch: integer("Images of one step.", CT_RECIPE.batch, { min: 1 }),
    lr: number("Largest step size.", CT_RECIPE.learningRate, { above: 0 }),
    count: integer("Filters.", CT_RECIPE.count, { min: 1 }),
    size: integer("Side of the filters in pixels, odd.", CT_RECIPE.size, { min: 1 }),
    rho: number("Radius the model solves with, as a share of the noise's.", CT_RECIPE.rho, { above: 0, max: 1 }),
    ...scanOptions,
    seed: integer("Seed of all random draws.", CT_RECIPE.seed, { min: 0 }),
  },
  async run(context) {
    const { name, options, out, signal } = context;
    const { out: target, resume, lr, ...asked } = options;
    const files = { checkpoint: beside(target, "checkpoint.safetensors"), log: beside(target, "log.jsonl") };
    const ct = scan(options);
    const images = await trainingImages(name, ct, asked);
    const trainedOn = await Promise.all([...images.training, ...images.validation].map((image) => digest(image)));
    const identity = identify({ ...asked, lr }, trainedOn);
    const start = resume ? await readCheckpoint(name, files.checkpoint, identity) : undefined;
    if (!resume && existsSync(files.checkpoint)) {
      throw new VouchError("file", {
        name,
        expected: `no earlier training at ${target}`,
        got: `its checkpoint ${files.checkpoint}`,
        remedy: "Go on with --resume, delete the checkpoint, or choose another --out.",
      });
    }
    out.line(
      `Training ${asked.count} filters of ${asked.size} × ${asked.size} on ${images.training.length} images ` +
        `(${images.validation.length} for validation)${start ? `, from phase ${start.phase + 2}` : ""}; log in ${files.log}.`,
    );
    const log = await openLog(name, files.log, resume);
    const bar = context.progress("train", totalSteps(asked, images.training.length), "steps");
    let kept: Checkpoint | undefined = start;
    let last = { t: 0, loss: Number.NaN };
    try {
      const { bundle, result } = await trainCt(ct, images, {
        ...asked,
        learningRate: lr,
        ...(start ? { resume: start } : {}),
        signal,
        onStep(event) {
          last = event;
          log.write({ ...event, time: new Date().toISOString() });
          bar.update(
            event.t,
            `loss ${event.loss.toExponential(3)}, ${event.solverSteps} solver steps to ${event.residual.toExponential(1)}`,
          );
        },
        async onPhase(checkpoint, event) {
          await writeFileAtomic(files.checkpoint, formatCheckpoint({ checkpoint, options: identity }));
          kept = checkpoint;
          log.write({ ...event, time: new Date().toISOString() });
        },
      });
      bar.stop();
      const figures = {
        steps: last.t,
        loss: last.loss,
        validation: result.validation,
        phases: result.phases,
        parameters: Object.values(bundle.weights).reduce((sum, { data }) => sum + data.length, 0),
      };
      if (result.stopped === "cancelled") {
        out.line(
          kept
            ? `Stopped; phases up to ${kept.phase + 1} of ${asked.phases} are in ${files.checkpoint}. Go on with --resume.`
            : `Stopped before the first phase was done; there is nothing to go on from.`,
        );
        return { figures, exit: 130 };
      }
      const card = {
        ...bundle.manifest.card,
        data: asked.data,
        training: `${images.training.length} images, ${result.phases} phases of ${asked.passes} passes over ${asked.slices}`,
        recipe: JSON.stringify({ ...asked, lr }),
      };
      await writeFileAtomic(target, formatBundle({ ...bundle, manifest: { ...bundle.manifest, card, trainedOn } }));
      await rm(files.checkpoint, { force: true });
      out.line(`Validation loss ${result.validation.toExponential(3)}. Weights written to ${target}.`);
      out.line(`Next: vouch calibrate --data ${asked.data} --model ${target}`);
      return { figures };
    } finally {
      bar.stop();
      await log.close();
    }
  },
});

interface Asked {
  readonly data: string;
  readonly phases: number;
  readonly passes: number;
  readonly slices: number;
  readonly batch: number;
  readonly validation: number;
  readonly seed: number;
}

function totalSteps({ phases, passes, slices, batch }: Asked, images: number): number {
  return phases * passes * Math.ceil(Math.min(slices, images) / batch);
}

/**
 * Training and validation images: generated afresh for each phase, or of a file. Validation takes the end of a file, whose
 * neighbours are alike; a file with a split is not for training.
 */
async function trainingImages(name: string, ct: Tomography, asked: Asked) {
  const { data, phases, slices, validation, seed } = asked;
  if (data === "ellipses") {
    const make = (label: string, length: number) => Array.from({ length }, (_, i) => phantom(ct, seed, label, i));
    return { training: make("training", phases * slices), validation: make("validation", validation) };
  }
  const collection = await readCollection(name, data, ct);
  if (collection.split) {
    throw new VouchError("data", {
      name: `${name}: --data ${data}`,
      expected: "images for training",
      got: "a file with a split into test and calibration patients",
      remedy: "Train on other patients.",
    });
  }
  const images = collection.slices.map(({ image }) => image);
  const cut = Math.floor(0.9 * images.length);
  const tail = images.slice(cut);
  const kept = Math.min(validation, tail.length);
  if (cut === 0) {
    throw new VouchError("data", {
      name: `${name}: --data ${data}`,
      expected: "at least 2 images",
      got: `${images.length}`,
      remedy: "One in ten is kept for validation.",
    });
  }
  return {
    training: images.slice(0, cut),
    validation: Array.from({ length: kept }, (_, i) => tail[Math.floor(((i + 0.5) * tail.length) / kept)]!),
  };
}

/** What must be equal for a resumed training to reach the same numbers. */
function identify(asked: Readonly<Record<string, unknown>>, trainedOn: readonly string[]): Record<string, string> {
  const kept = Object.entries(asked).filter(([key]) => !["json", "trace", "help"].includes(key));
  const images = createHash("sha256").update(trainedOn.join()).digest("hex");
  return { ...Object.fromEntries(kept.map(([key, value]) => [key, String(value)])), images };
}

async function readCheckpoint(name: string, path: string, identity: Record<string, string>): Promise<Checkpoint> {
  const called = `${name}: --resume`;
  const { checkpoint, options } = await within(`${called} ${path}`, async () =>
    parseCheckpoint(await readFileOrExplain(path, "a checkpoint")),
  );
  for (const key of Object.keys({ ...options, ...identity })) {
    if (options[key] === identity[key]) continue;
    throw new VouchError("parameter", {
      name: called,
      expected: key === "images" ? "the images of the checkpoint" : `--${key} ${options[key]}, as in the checkpoint`,
      got: key === "images" ? "others" : `${identity[key]}`,
      remedy: "Resume with the options and data that training began with.",
    });
  }
  return checkpoint;
}

/** A log of one JSON object a line: begun anew, or gone on with. */
async function openLog(name: string, path: string, goOn: boolean) {
  const handle = await open(path, goOn ? "a" : "w").catch((error: unknown) => {
    throw new VouchError("file", {
      name,
      expected: `${path} to be writable`,
      got: error instanceof Error ? error.message : String(error),
      remedy: "Check the folder of --out and its permissions.",
    });
  });
  let queue: Promise<unknown> = Promise.resolve();
  return {
    write(entry: object) {
      queue = queue.then(() => handle.write(`${JSON.stringify(entry)}\n`));
    },
    async close() {
      await queue;
      await handle.close();
    },
  };
}
