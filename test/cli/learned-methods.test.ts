/** @file calibrate and reconstruct with every learned CT method, and a ρ that tune wrote. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepSelection } from "../../cli/ct-methods.js";
import { learnedProxCt } from "../../src/applications/ct/methods/prox.js";
import { released } from "../../src/applications/ct/methods/released.js";
import { unet } from "../../src/applications/ct/methods/unet.js";
import { unrolledNetwork } from "../../src/applications/ct/methods/unrolled-network.js";
import { weaklyConvex } from "../../src/applications/ct/methods/weak.js";
import { type Bundle, formatBundle, parseBundle } from "../../src/files/bundle.js";
import { formatNpy } from "../../src/files/npy.js";
import { initialArrays } from "../../src/training/network.js";
import { runCommand } from "./run.js";
import { SIZE, tinyBundle, tinyCt, tinyScan } from "./tiny.js";

let folder = "";
const at = (...path: string[]) => join(folder, ...path);
const model = () => ["--model", at("tiny.safetensors"), ...tinyScan];

const weak = { count: 3, size: 3, rho: 0.8, knee: 4 };
const prox = { channels: 3, hidden: 4, rho: 0.8 };
const layers = { steps: 2, width: 3, memory: 1 };
const bundle = (of: string, options: Record<string, number>, weights: Bundle["weights"]): Bundle => ({
  manifest: { model: of, options, card: {} },
  weights,
});

/** By the end of their names: weights that were not trained. */
const files: Readonly<Record<string, () => Bundle>> = {
  unet: () => bundle("ct-unet", {}, initialArrays(unet(SIZE, 1))),
  prox: () => {
    const { gamma, ...rest } = learnedProxCt(tinyCt, { ...prox, seed: 1 }).initialWeights();
    const strong = { shape: gamma!.shape, data: gamma!.data.map((value) => value + Math.log(100)) };
    return bundle("ct-prox", prox, { ...rest, gamma: strong });
  },
  weak: () => {
    const { K, tau, epsilon } = weaklyConvex(tinyCt, weak).initialWeights();
    // Larger weights make no other problem, and few steps here.
    const strong = { shape: tau!.shape, data: tau!.data.map((value) => value + Math.log(100)) };
    return bundle("ct-weak", weak, { K: K!, tau: strong, epsilon: epsilon! });
  },
  unrolled: () => bundle("ct-unrolled", layers, initialArrays(unrolledNetwork(tinyCt, layers, 1))),
  adaptive: () => {
    const network = initialArrays(unrolledNetwork(tinyCt, layers, 1));
    // The scale of weights over their mean is that of the number of filters: with many, solves take few steps here.
    const regularizer = { ...weak, count: 24, size: 5 };
    const { K, tau, epsilon } = weaklyConvex(tinyCt, regularizer).initialWeights();
    return bundle("ct-adaptive", { ...layers, ...regularizer }, { ...network, K: K!, tau: tau!, epsilon: epsilon! });
  },
  released: () =>
    bundle(
      "ct-released",
      { channels: 2, step: 0.0169 },
      released(tinyCt, { channels: 2, step: 0.0169, seed: 1 }).initialWeights(),
    ),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-learned-"));
  await writeFile(at("tiny.safetensors"), tinyBundle());
  for (const [name, make] of Object.entries(files))
    await writeFile(at(`tiny-${name}.safetensors`), formatBundle(make()));
  const image = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % SIZE < SIZE / 2 ? 0.7 : 0.1));
  await writeFile(at("image.npy"), formatNpy({ shape: [SIZE, SIZE], data: image }));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each([
  ["unet", []],
  ["unrolled", []],
  ["l2o_prox", ["convergence"]],
  ["l2o_weak", ["convergence", "optimality"]],
  ["l2o_adaptive", ["convergence", "optimality"]],
] as const)("%s", (name, also) => {
  it("is calibrated, and reconstructs with a certificate for each term", async () => {
    const calibrated = await runCommand(["calibrate", "--methods", name, "--limit", "19", ...model()]);
    expect(calibrated.figures[`${name}_unconverged`]).toBeLessThan(0.5);
    const out = at(`out-${name}`);
    const { figures } = await runCommand(["reconstruct", at("image.npy"), "--method", name, "--out", out, ...model()]);
    expect(figures["inferences"]).toBe(1);
    const { inferences } = JSON.parse(await readFile(join(out, "certificate.json"), "utf8"));
    const properties = inferences[0].certificates.map(({ term, property }: Record<string, string>) => term ?? property);
    expect(properties).toEqual(["box", "fidelity", "regularization", ...also]);
  });
});

it("l2o_adaptive is trained from two files, of which one holds a network", async () => {
  const data = Float32Array.from({ length: 10 * SIZE ** 2 }, (_, i) => 0.5 + 0.4 * Math.sin(i * i));
  await writeFile(at("slices.npy"), formatNpy({ shape: [10, SIZE, SIZE], data }));
  const layers32 = { steps: 8, width: 32, memory: 4 };
  const paths = { first: at("first.safetensors"), second: at("second.safetensors") };
  const network = initialArrays(unrolledNetwork(tinyCt, layers32, 1));
  const one = bundle("ct-unrolled", layers32, network);
  await writeFile(paths.first, formatBundle({ ...one, manifest: { ...one.manifest, trainedOn: ["one", "two"] } }));
  const { K, tau, epsilon } = weaklyConvex(tinyCt, { ...weak, count: 3, size: 3 }).initialWeights();
  const other = bundle("ct-weak", weak, { K: K!, tau: tau!, epsilon: epsilon! });
  await writeFile(
    paths.second,
    formatBundle({ ...other, manifest: { ...other.manifest, trainedOn: ["two", "three"] } }),
  );
  const words = (init: string) => [
    ...["train", "ct", "--method", "l2o_adaptive", "--data", at("slices.npy"), "--out", at("two.safetensors")],
    ...["--init", init, "--count", "3", "--size", "3", "--phases", "1", "--passes", "1"],
    ...["--slices", "2", "--batch", "2", "--validation", "1", ...tinyScan],
  ];
  await runCommand(words(`${paths.first},${paths.second}`));
  const { manifest, weights } = parseBundle(await readFile(at("two.safetensors")));
  expect(manifest.trainedOn!.slice(0, 3)).toEqual(["one", "two", "three"]);
  expect(weights["W2"]).toEqual(network["W2"]);
  expect(weights["tau"]!.data).not.toEqual(tau!.data);
  await expect(runCommand(words(paths.second))).rejects.toThrow(/expected a trained network/);
});

it("an iteration that never converges is not calibrated, and weights that are not there are named", async () => {
  const words = ["calibrate", "--limit", "2", ...model(), "--methods"];
  await expect(runCommand([...words, "released"])).rejects.toThrow(/converged inferences of released, got none of 2/);
  await expect(runCommand([...words, "ffpn"])).rejects.toThrow(/tiny-ffpn\.safetensors/);
});

describe("evaluate --choose", () => {
  const keys = ["l2o_convex", "l2o_prox"] as const;
  const file = (key: (typeof keys)[number]) => at(key === "l2o_prox" ? "tiny-prox.safetensors" : "tiny.safetensors");
  const words = (images: string, methods: string) => {
    return ["evaluate", "ct", "--images", images, "--limit", "2", ...model(), "--methods", methods];
  };

  it("makes l2o the feasible method that is best on calibration patients, whatever its validation loss", async () => {
    const images = Float32Array.from({ length: 4 * SIZE ** 2 }, (_, i) => 0.5 + 0.4 * Math.sin(i * i));
    await writeFile(at("chosen.npy"), formatNpy({ shape: [4, SIZE, SIZE], data: images }));
    const items = ["a", "b", "c", "d"].map((patient) => ({ patient }));
    await writeFile(at("chosen.json"), JSON.stringify({ items }));
    await writeFile(at("chosen.split.json"), JSON.stringify({ calibration: ["a", "b"], test: ["c", "d"] }));
    const asked = words(at("chosen.npy"), keys.join());
    const { figures: other } = await runCommand([...asked, "--choose"]);
    const cards = await Promise.all(keys.map(async (key) => parseBundle(await readFile(file(key))).manifest.card));
    expect(cards.map(({ selection }) => Number(selection))).toEqual(
      keys.map((key) => Number(other[`${key}_psnr`]!.toFixed(3))),
    );
    expect(new Set(cards.map(({ selectedOn }) => selectedOn))).toEqual(
      new Set([`2 slices of 2 calibration patients of chosen.npy, ${tinyCt.sinogram[0]} views of ${SIZE}², seed 0`]),
    );
    for (const better of [0, 1] as const) {
      for (const [i, key] of keys.entries()) await keepSelection(file(key), i === better ? 30 : 20, "the test");
      const { figures } = await runCommand(asked);
      for (const key of keys) expect(figures[`${key}_psnr`]).not.toBe(other[`${key}_psnr`]);
      expect(figures["l2o_psnr"]).toBe(figures[`${keys[better]}_psnr`]);
    }
    // Kept for other images than the other's: the validation loss decides, and of files without one the first.
    await keepSelection(file("l2o_prox"), 40, "others");
    const { figures } = await runCommand(asked);
    expect(figures["l2o_psnr"]).toBe(figures["l2o_convex_psnr"]);
  });

  it("is refused where it would keep nothing, or phantoms would choose", async () => {
    await expect(runCommand([...words("ellipses", keys.join()), "--choose"])).rejects.toThrow(/has no patients/);
    await expect(runCommand([...words(at("chosen.npy"), "fbp,tv"), "--choose"])).rejects.toThrow(/got fbp, tv/);
  });
});

describe("tune ct --for loss --out", () => {
  const words = (record: string) => ["tune", "ct", "--limit", "2", "--trials", "3", "--record", at(record), ...model()];

  it("writes the model with the best ρ, its images among those of the training", async () => {
    await keepSelection(at("tiny.safetensors"), 30, "of another ρ");
    const { figures } = await runCommand([...words("a.json"), "--for", "loss", "--out", at("tuned.safetensors")]);
    const [before, after] = await Promise.all(
      ["tiny", "tuned"].map(async (name) => parseBundle(await readFile(at(`${name}.safetensors`)))),
    );
    expect(after!.manifest.options["rho"]).toBe(figures["rho"]);
    expect(after!.weights).toEqual(before!.weights);
    expect(after!.manifest.trainedOn).toHaveLength(2);
    expect(after!.manifest.card["tuned"]).toContain("2 of ellipses");
    expect(after!.manifest.card).not.toHaveProperty("selection");
    const tuned = ["--model", at("tuned.safetensors"), ...tinyScan];
    const scored = await runCommand([
      "evaluate",
      "ct",
      "--images",
      "ellipses",
      "--limit",
      "2",
      "--methods",
      "l2o",
      ...tuned,
    ]);
    expect(scored.figures["l2o_psnr"]).toBeGreaterThan(5);
  });

  it("is refused for steps, and over the model itself", async () => {
    await expect(runCommand([...words("b.json"), "--out", at("x.safetensors")])).rejects.toThrow(/with --for steps/);
    const over = [...words("c.json"), "--for", "loss", "--out", at("tiny.safetensors")];
    await expect(runCommand(over)).rejects.toThrow(/another file than --model/);
  });
});
