/** @file How fast the engine runs one L-ADMM iteration, against its own matrix product and against PyTorch. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { jfb } from "../src/backward/jfb.js";
import { compile, type Float32, type Session } from "../src/engine/session.js";
import { specialiser } from "../src/engine/specialise.js";
import { chunkOutputs, feedParams, type Model, variableInputs } from "../src/model.js";
import { chunk } from "../src/solvers/chunk.js";
import { picard } from "../src/solvers/picard.js";
import { sum } from "../src/tensor/primitives/broadcast.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { matmul } from "../src/tensor/primitives/matmul.js";
import type { Tensor } from "../src/tensor/tensor.js";
import { mapTensors, tensorLeaves } from "../src/tensor/tree.js";
import { gradient } from "../src/tensor/vjp.js";
import { squaredError } from "../src/training/squared-error.js";
import { interleave } from "./interleave.js";
import type { Bench } from "./main.js";
import { CHANNELS, fill, residualBlock, SIDE } from "./residual-block.js";

/** Floating-point operations of three 5×5 convolutions 16 → 16 on one 128² slice. */
const BLOCK_FLOPS = 3 * 2 * CHANNELS * CHANNELS * 25 * SIDE * SIDE;

export const engine: Bench = async (log) => {
  const figures: Record<string, number> = {};
  const iterations = { b1: 60, b8: 20 };
  for (const [key, batch] of [
    ["b1", 1],
    ["b8", 8],
  ] as const) {
    const withBlock = await loop(residualBlock(true), batch, iterations[key]);
    const without = await loop(residualBlock(false), batch, iterations[key]);
    const product = await matrixProduct();
    const times = await interleave([withBlock.once, without.once, product.once], 9);
    const [full, bare, gemm] = times as [number, number, number];
    const perIteration = full / iterations[key];
    const block = (full - bare) / iterations[key];
    const gflops = (batch * BLOCK_FLOPS) / block / 1e6;
    const peak = (PRODUCTS * 2 * 1024 ** 3) / gemm / 1e6;
    figures[`ms_per_iteration_${key}`] = perIteration;
    figures[`conv_gflops_${key}`] = gflops;
    figures[`matmul_gflops_${key}`] = peak;
    figures[`conv_share_of_peak_${key}`] = gflops / peak;
    log(
      `batch ${batch}: ${perIteration.toFixed(2)} ms an iteration, block ${gflops.toFixed(0)} of ${peak.toFixed(0)} GFLOP/s`,
    );
    await Promise.all([withBlock.dispose(), without.dispose(), product.dispose()]);
  }
  figures["conv_share_of_peak"] = figures["conv_share_of_peak_b8"]!;
  const memory = [await jfbMemory(20), await jfbMemory(200)] as const;
  figures["jfb_memory_20_mb"] = memory[0].rssMb;
  figures["jfb_memory_200_mb"] = memory[1].rssMb;
  figures["jfb_memory_ratio_200_over_20"] = memory[1].rssMb / memory[0].rssMb;
  log(
    `one JFB training step: ${memory[0].rssMb.toFixed(0)} MB after 20 iterations, ${memory[1].rssMb.toFixed(0)} MB after 200`,
  );
  for (const [key, batch] of [
    ["b1", 1],
    ["b8", 8],
  ] as const) {
    const step = await jfbStep(residualBlock(true), batch);
    figures[`ms_jfb_step_${key}`] = (await interleave([step.once], 5))[0]!;
    await step.dispose();
  }
  const peer = await pytorch(log);
  return { figures: { ...figures, ...peer.figures }, env: peer.env };
};

interface Timed {
  once(): Promise<unknown>;
  dispose(): Promise<void>;
}

/** A solve of so many iterations with one residual test at the end. */
async function loop(model: Model, batch: number, iterations: number): Promise<Timed> {
  const traced = model.trace();
  const built = chunk(traced.operator, picard(), { every: 10, checks: iterations / 10 });
  const outputs = chunkOutputs(built);
  const weights = model.initialWeights();
  const special = await specialiser(outputs, variableInputs(outputs, traced), {});
  const session = await compile(await special.with(feedParams(weights)), {});
  await special.dispose();
  const feeds: Record<string, Float32> = {
    tolerance: { shape: [], data: Float32Array.of(0) },
    tests: { shape: [], data: Float32Array.of(iterations / 10) },
  };
  for (const [name, shape] of Object.entries(model.data)) feeds[`data.${name}`] = fill(shape, batch);
  built.paths.forEach((path, i) => {
    feeds[`state.${path}`] = fill(built.state[i]!.shape, batch);
  });
  return { once: () => session.run(feeds), dispose: () => session.dispose() };
}

/** One attached application, the loss and its gradient in all weights. */
async function jfbStep(model: Model, batch: number): Promise<Timed> {
  const { operator, params, data } = model.trace();
  const state = mapTensors(operator.init(), (leaf, path) => input(`state.${path}`, leaf.shape));
  const x = operator.read(jfb(operator, state));
  const target = input("target", x.shape);
  const gradients = gradient(sum(squaredError(x, target)), Object.values(params));
  const session = await compile(gradients, {});
  const feeds = feedParams(model.initialWeights());
  const inputs: (readonly [name: string, tensor: Tensor])[] = [["target", target]];
  for (const [name, tensor] of Object.entries(data)) inputs.push([`data.${name}`, tensor]);
  for (const [path, leaf] of tensorLeaves(state)) inputs.push([`state.${path}`, leaf]);
  for (const [name, { shape }] of inputs) feeds[name] = fill(shape, batch);
  return { once: () => session.run(feeds), dispose: () => session.dispose() };
}

/** Products of one timing: as long as the loops they are compared with, so that neither is timed in a short burst of clock. */
const PRODUCTS = 40;

async function matrixProduct(): Promise<Timed> {
  const session: Session = await compile([matmul(input("a", [1024, 1024]), input("b", [1024, 1024]))], {});
  const side = { shape: [1024, 1024], data: new Float32Array(1024 * 1024).fill(0.5) };
  return {
    once: async () => {
      for (let k = 0; k < PRODUCTS; k++) await session.run({ a: side, b: side });
    },
    dispose: () => session.dispose(),
  };
}

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Peak resident memory of one training step in a process of its own. */
async function jfbMemory(iterations: number): Promise<{ rssMb: number }> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", here("jfb-memory.ts"), String(iterations)]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

/** The same iteration and step in PyTorch, where a Python that has it is found. */
async function pytorch(
  log: (line: string) => void,
): Promise<{ figures: Record<string, number>; env: Record<string, string> }> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const found = await run(python, ["-c", "import torch, scipy"]).then(
      () => true,
      () => false,
    );
    if (!found) continue;
    const { stdout } = await run(python, [here("peers/pytorch_ladmm.py")], { maxBuffer: 2 ** 24 });
    const { figures, env } = JSON.parse(stdout.trim().split("\n").at(-1)!);
    log(`PyTorch ${env.torch}: ${figures.pytorch_ms_per_iteration_b8.toFixed(1)} ms an iteration at batch 8`);
    return { figures, env };
  }
  log("PyTorch: not found, left out");
  return { figures: {}, env: { torch: "not found" } };
}
