/** @file Learned methods of CT: each trains, survives its file, resumes to the same numbers, and reconstructs. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { simulate } from "../../src/applications/ct/examples.js";
import { ffpn } from "../../src/applications/ct/methods/ffpn.js";
import { LEARNED } from "../../src/applications/ct/methods/index.js";
import type { LearnedMethod, TrainCtOptions } from "../../src/applications/ct/methods/learned.js";
import { released } from "../../src/applications/ct/methods/released.js";
import { unet } from "../../src/applications/ct/methods/unet.js";
import { unrolledNetwork } from "../../src/applications/ct/methods/unrolled-network.js";
import { ellipses } from "../../src/applications/ct/phantom.js";
import { tomography } from "../../src/applications/ct/tomography.js";
import { formatBundle, parseBundle } from "../../src/files/bundle.js";
import { parseSafetensors } from "../../src/files/safetensors.js";
import { csrApply } from "../../src/linear/csr.js";
import type { Weights } from "../../src/model.js";
import { random } from "../../src/random.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { mapTensors, tensorLeaves } from "../../src/tensor/tree.js";
import type { Checkpoint } from "../../src/training/fit.js";
import { initialArrays, networkSize } from "../../src/training/network.js";

const ct = tomography({ size: 16, angles: 8 });
const images = Array.from({ length: 12 }, (_, i) => ellipses({ size: 16, random: random(5).fork(i) }));
const sets = { training: images.slice(0, 4), validation: images.slice(8, 10) };

interface Small {
  readonly definition?: Record<string, number>;
  readonly rate: number;
  readonly passes?: number;
  readonly initial?: Weights;
}

const layers = { steps: 2, width: 8, memory: 2 };
/** What makes each small enough for a test, and a rate at which a few steps show. */
const small: Readonly<Record<string, Small>> = {
  unet: { rate: 2e-3 },
  ffpn: { rate: 1e-4 },
  released: { definition: { channels: 4 }, rate: 2e-3 },
  released_c28: { definition: { channels: 4 }, rate: 2e-3 },
  l2o_convex: { definition: { count: 4, size: 3 }, rate: 0.05, passes: 4 },
  l2o_prox: { definition: { channels: 4, hidden: 6 }, rate: 0.05, passes: 4 },
  unrolled: { definition: layers, rate: 5e-3 },
  l2o_adaptive: {
    ...{ definition: { ...layers, count: 4, size: 3 }, rate: 0.05, passes: 4 },
    initial: initialArrays(unrolledNetwork(ct, layers, 3)),
  },
  l2o_weak: { definition: { count: 4, size: 3 }, rate: 0.05, passes: 4 },
};

function asked(learned: LearnedMethod): TrainCtOptions {
  const { definition, rate, passes = 1, initial } = small[learned.name]!;
  const recipe = { phases: passes > 1 ? 2 : 4, passes, slices: 4, batch: 2, learningRate: rate };
  const own = { definition: { ...learned.definition, ...definition }, ...(initial ? { initial } : {}) };
  return { ...own, ...recipe, seed: 3, vary: false, threads: 1 };
}

describe.each(LEARNED.map((learned) => [learned.name, learned] as const))("%s", (_, learned) => {
  it("lowers the loss in a few steps, resumes to the same numbers, survives its file and reconstructs", async () => {
    const losses: number[] = [];
    const kept: Checkpoint[] = [];
    const { bundle, result } = await learned.train(ct, sets, {
      ...asked(learned),
      onStep: ({ loss }) => losses.push(loss),
      onPhase: (checkpoint) => {
        kept.push(checkpoint);
      },
    });
    const { phases, passes } = asked(learned);
    expect(losses.length).toBe(2 * phases * passes);
    // Passes of the first phase have one draw of noise; where there is one pass, phases are compared.
    const end = passes > 1 ? 2 * passes : losses.length;
    const [first, last] = [losses.slice(0, 2), losses.slice(end - 2, end)].map((pair) => pair[0]! + pair[1]!);
    expect(last!).toBeLessThan(0.999 * first!);
    expect(Number.isFinite(result.validation)).toBe(true);
    const again = await learned.train(ct, sets, { ...asked(learned), resume: kept.at(-2)! });
    expect(again.bundle.weights).toEqual(bundle.weights);

    const read = parseBundle(formatBundle(bundle));
    const method = learned.method(ct, read);
    await using open = await method.open({ threads: 1 });
    const measurements = images.slice(10).map((image, i) => simulate(ct, image, 9, `image ${i}`));
    const { x, status } = await open.reconstruct(measurements, { maxSteps: 50 });
    expect(x.shape).toEqual([2, 1, 16, 16]);
    expect(x.data.every((value) => Number.isFinite(value))).toBe(true);
    expect(status.length).toBe(2);
    const other = { ...read, manifest: { ...read.manifest, model: "another" } };
    expect(() => learned.method(ct, other)).toThrow(
      new RegExp(`^${learned.name}: expected a ${learned.manifest} model`),
    );
  });
});

it("begin with the weights they are given, where they lack some with the seed's, and refuse others", async () => {
  const weak = LEARNED.find(({ name }) => name === "l2o_weak")!;
  const K = { shape: [4, 1, 3, 3], data: Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)) };
  const options = { ...asked(weak), phases: 1, passes: 1, learningRate: 1e-7 };
  const trained = async (initial: Weights) => (await weak.train(ct, sets, { ...options, initial })).bundle.weights;
  const tau = { shape: [4], data: Float32Array.of(0.1, 0.2, 0.3, 0.4) };
  const { K: kept, tau: keptToo, epsilon } = await trained({ K, tau });
  for (const [i, value] of keptToo!.data.entries()) expect(value).toBeCloseTo(tau.data[i]!, 5);
  for (const [i, value] of kept!.data.entries()) expect(value).toBeCloseTo(K.data[i]!, 5);
  for (const value of epsilon!.data) expect(value).toBeCloseTo(0, 5);
  await expect(trained({ other: K })).rejects.toThrow(
    'weights of "l2o_weak": expected K, tau, epsilon, got also other',
  );
});

it("have the numbers of parameters that are stated", () => {
  expect(networkSize(unet(128, 0))).toBe(533_593);
  expect(ffpn(ct, 0).size).toBe(99_133);
  for (const channels of [16, 28]) {
    expect(released(ct, { channels, seed: 0 }).size).toBe(75 * channels ** 2 + 12 * channels + 1);
  }
});

describe("F-FPN", () => {
  const data = process.env["VOUCH_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
  const weights = `${data}/weights/ffpn_lodopab.safetensors`;
  const golden = JSON.parse(readFileSync(new URL("../golden/networks.json", import.meta.url), "utf8")) as {
    readonly ffpn: { readonly at: readonly number[]; readonly values: readonly number[]; readonly norm: number };
  };

  it.skipIf(!existsSync(weights))(
    "of the official weights is PyTorch's on one input (skipped without the weights)",
    async () => {
      const full = tomography();
      const { tensors } = parseSafetensors(readFileSync(weights));
      const model = ffpn(full, 0);
      const { operator } = model.trace();
      const z = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
      const next = tensorLeaves(operator.apply(z)).map(([, leaf]) => leaf);
      const pixels = Float64Array.from({ length: 128 * 128 }, (_, p) => p);
      const u = pixels.map((p) => 0.25 + 0.2 * Math.sin(0.003 * p) * Math.cos(0.05 * (p % 128)));
      const truth = pixels.map((p) => 0.3 + 0.1 * Math.cos(0.002 * p));
      const d = csrApply(full.matrix, truth);
      const named = Object.fromEntries(Object.entries(tensors).map(([name, array]) => [`params.${name}`, array]));
      const feeds = {
        ...named,
        "state.x": { shape: [1, 1, 128, 128], data: u },
        "data.d": { shape: [1, d.length], data: Float64Array.from(d) },
      };
      const [result] = interpret(next, feeds);
      golden.ffpn.at.forEach((p, k) => {
        expect(Math.abs(result!.data[p]! - golden.ffpn.values[k]!)).toBeLessThan(1e-4);
      });
      expect(Math.abs(Math.hypot(...result!.data) - golden.ffpn.norm)).toBeLessThan(1e-4 * golden.ffpn.norm);
    },
  );
});
