/** @file What one slice costs: a product with the CT operator and its adjoint, a TV solve, a learned solve. */

import { simulate } from "../src/applications/ct/examples.js";
import { l2oMethod, type Method, tvMethod } from "../src/applications/ct/methods.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { type Tomography, tomography } from "../src/applications/ct/tomography.js";
import { compile, type EngineOptions, type Float32 } from "../src/engine/session.js";
import { parseBundle } from "../src/files/bundle.js";
import { random } from "../src/random.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { readModel } from "./chest.js";
import { interleaveTimed } from "./interleave.js";

export const COSTS = ["operator", "tv", "l2o"] as const;
export type Cost = (typeof COSTS)[number];

/** Measurements of one solve. */
const SLICES = 2;
/** Slices of one product, products of one timing, timings. */
export const BATCH = 8;
export const PRODUCTS = 10;
export const ROUNDS = 9;

/** What a thing costs on `size`² pixels and 30 views. */
export interface Costs {
  /** A slice. Of the operator: one product and one adjoint, in a batch of 8; of a method: a solve to `CT_SOLVE`, in a batch of 2. */
  readonly ms: number;
  /** Mean over slices, and the share of them that converged; of methods alone. */
  readonly steps?: number;
  readonly converged?: number;
}

export async function costOf(cost: Cost, size: number): Promise<Costs> {
  const ct = tomography({ size });
  if (cost === "operator") {
    const products = await productsOf(ct);
    const [ms] = await interleaveTimed([products.timed], ROUNDS);
    await products.dispose();
    return { ms: ms! };
  }
  return solveCost(ct, cost === "tv" ? tvMethod(ct) : l2oMethod(ct, parseBundle(await readModel("ct-ellipses"))));
}

async function solveCost(ct: Tomography, method: Method): Promise<Costs> {
  const measurements = Array.from({ length: SLICES }, (_, i) =>
    simulate(ct, ellipses({ size: ct.size, random: random(5).fork(i) }), 5, `cost ${i}`),
  );
  await using open = await method.open();
  await open.reconstruct(measurements, { maxSteps: 100 });
  const start = performance.now();
  const { steps, status } = await open.reconstruct(measurements);
  const ms = (performance.now() - start) / SLICES;
  return {
    ms,
    steps: steps.reduce((a, b) => a + b, 0) / SLICES,
    converged: status.filter((one) => one === "converged").length / SLICES,
  };
}

/** Ax and Aᵀy of a batch of 8, on the engine. */
export async function productsOf(ct: Tomography, options: EngineOptions = {}) {
  const { operator, matrix, size } = ct;
  const forward = await compile([operator.apply(input("x", operator.domain))], options);
  const backward = await compile([operator.adjoint(input("y", operator.range))], options);
  const stream = random(6);
  const uniform = (shape: readonly number[], label: string): Float32 => {
    const draws = stream.fork(label);
    return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.uniform()) };
  };
  const x = uniform([BATCH, 1, size, size], "x");
  const y = uniform([BATCH, matrix.rows], "y");
  const once = async () => {
    const [[Ax], [ATy]] = [await forward.run({ x }), await backward.run({ y })];
    return { Ax: Ax!, ATy: ATy! };
  };
  return {
    x,
    y,
    once,
    /** ms a slice. */
    async timed() {
      const start = performance.now();
      for (let k = 0; k < PRODUCTS; k++) await once();
      return (performance.now() - start) / PRODUCTS / BATCH;
    },
    dispose: async () => {
      await Promise.all([forward.dispose(), backward.dispose()]);
    },
  };
}
