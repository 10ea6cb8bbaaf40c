/** @file JFB on images: the full training's accuracy and time, and every backward rule on 10,000 images beside torchdeq. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { imagesFolder, imagesRemedy } from "../cli/labelled-images.js";
import { IMAGES_RECIPE } from "../src/applications/images/train.js";
import type { Bench } from "./main.js";
import { pythons } from "./python.js";

const RULES = ["explicit", "jfb", "neumann", "implicit", "cg"] as const;
const GAMMAS = [0.5, 0.95];
const COUNT = 10_000;
const EPOCHS = 3;
/** All training images but those that choose the weights and those left out. */
const ALL = 58_000;

interface Run {
  /** Of optimizer steps and their solves; without reading, compiling and validation. */
  readonly seconds: number;
  readonly products: number;
  /** Peak above what is held before training, the images included. */
  readonly mb: number;
  readonly accuracy: number;
  /** Applications of T of the sample that takes most, mean over batches. */
  readonly solver_steps: number;
}

export const jfb: Bench = async (log) => {
  const folder = imagesFolder("fashion");
  if (folder === undefined) {
    log(`skipped: no Fashion-MNIST here. ${imagesRemedy("fashion")}`);
    return { figures: { jfb_accuracy: null, jfb_speedup_over_cg: null }, env: { images: "none" } };
  }
  const figures: Record<string, number | null> = {};
  const speedups: number[] = [];
  for (const gamma of GAMMAS) {
    const runs: Partial<Record<string, Run>> = {};
    for (const rule of RULES) {
      const found = await train(rule, gamma, COUNT, EPOCHS);
      runs[rule] = found;
      for (const [name, value] of Object.entries(found)) figures[`${name}_${rule}_${gamma}`] = value;
      log(
        `γ = ${gamma}, ${rule}: ${found.seconds.toFixed(1)} s, ${found.products} products, ${found.mb.toFixed(0)} MB, accuracy ${found.accuracy.toFixed(4)}, ${found.solver_steps.toFixed(1)} steps`,
      );
    }
    speedups.push(runs["cg"]!.seconds / runs["jfb"]!.seconds);
    figures[`jfb_speedup_over_cg_${gamma}`] = speedups.at(-1)!;
  }
  const peer = await torchdeq(folder);
  const env: Record<string, string> = { images: "Fashion-MNIST", torchdeq: peer.version };
  for (const gamma of GAMMAS) {
    const theirs = peer.runs[`jfb_${gamma}`];
    const ours = figures[`seconds_jfb_${gamma}`]! / EPOCHS;
    if (theirs !== undefined) log(`γ = ${gamma}: ${ours.toFixed(1)} s an epoch, torchdeq ${theirs.toFixed(1)} s`);
    figures[`speedup_torchdeq_${gamma}`] = theirs === undefined ? null : theirs / ours;
    const implicit = peer.runs[`implicit_${gamma}`];
    figures[`speedup_torchdeq_implicit_${gamma}`] =
      implicit === undefined ? null : (implicit * EPOCHS) / figures[`seconds_implicit_${gamma}`]!;
  }
  const full = await train("jfb", IMAGES_RECIPE.gamma, ALL, IMAGES_RECIPE.epochs);
  log(`all images, ${IMAGES_RECIPE.epochs} epochs: ${full.seconds.toFixed(0)} s, accuracy ${full.accuracy.toFixed(4)}`);
  const against = GAMMAS.map((gamma) => figures[`speedup_torchdeq_${gamma}`]!);
  return {
    figures: {
      jfb_accuracy: full.accuracy,
      jfb_seconds: full.seconds,
      jfb_seconds_an_epoch: full.seconds / IMAGES_RECIPE.epochs,
      // The less favourable contraction factor of the two.
      jfb_speedup_over_cg: Math.min(...speedups),
      speedup_torchdeq: against.includes(null as never) ? null : Math.min(...against),
      ...figures,
    },
    env,
  };
};

async function train(rule: string, gamma: number, count: number, epochs: number): Promise<Run> {
  const script = fileURLToPath(new URL("jfb-run.ts", import.meta.url));
  const args = ["--import", "tsx", script, rule, gamma, count, epochs].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Run;
}

/** Seconds an epoch by rule and γ, of the first Python that has torchdeq. */
async function torchdeq(folder: string): Promise<{ version: string; runs: Readonly<Record<string, number>> }> {
  const run = promisify(execFile);
  for (const python of pythons) {
    const found = await run(python, ["-c", "import torchdeq"]).catch(() => undefined);
    if (found === undefined) continue;
    const script = fileURLToPath(new URL("peers/torchdeq_images.py", import.meta.url));
    const { stdout } = await run(python, [script, folder, ...GAMMAS.map(String)]);
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Awaited<ReturnType<typeof torchdeq>>;
  }
  return { version: "none installed", runs: {} };
}
