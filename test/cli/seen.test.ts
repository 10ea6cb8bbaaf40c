/** @file evaluate ct scores no slice that a model was trained on, and names it. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { digest } from "../../src/certificates/calibration.js";
import { formatBundle, parseBundle } from "../../src/files/bundle.js";
import { formatNpy } from "../../src/files/npy.js";
import { random } from "../../src/random.js";
import { runCommand } from "./run.js";
import { SIZE, tinyBundle, tinyScan } from "./tiny.js";

let folder = "";
const at = (path: string) => join(folder, path);
const counts = [0, 1, 2].map((i) =>
  Uint16Array.from(ellipses({ size: SIZE, random: random(21).fork(i) }), (value) => Math.round(65535 * value)),
);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-seen-"));
  const all = Uint16Array.from(counts.flatMap((image) => [...image]));
  await writeFile(at("images.npy"), formatNpy({ shape: [3, SIZE, SIZE], data: all }));
  await writeFile(at("images.json"), JSON.stringify({ items: ["a", "b", "c"].map((patient) => ({ patient })) }));
});
afterAll(() => rm(folder, { recursive: true }));

/** Weights of a training on the image of this number; of none without. */
async function trainedOn(index?: number): Promise<string[]> {
  const { manifest, weights } = parseBundle(tinyBundle());
  const image = index === undefined ? undefined : Float32Array.from(counts[index]!, (value) => value / 65535);
  const own = { ...manifest, trainedOn: image ? [await digest(image)] : [`sha256:${"0".repeat(64)}`] };
  await writeFile(at("model.safetensors"), formatBundle({ manifest: own, weights }));
  return ["--images", at("images.npy"), "--model", at("model.safetensors"), ...tinyScan];
}

it("refuses a slice of the training, by its place, its patient and the method", async () => {
  const words = ["evaluate", "ct", ...(await trainedOn(1)), "--methods", "tv,l2o_convex"];
  await expect(runCommand(words)).rejects.toMatchObject({ code: "certificate" });
  await expect(runCommand(words)).rejects.toThrow(/slice 1 of b, which l2o_convex was trained on/);
});

it("scores the same slices by methods that did not see them", async () => {
  const others = await runCommand(["evaluate", "ct", ...(await trainedOn(1)), "--methods", "fbp,tv"]);
  expect(others.figures["slices"]).toBe(3);
  const honest = await runCommand(["evaluate", "ct", ...(await trainedOn()), "--methods", "fbp,l2o_convex"]);
  expect(honest.figures["l2o_convex_psnr"]).toBeGreaterThan(0);
});
