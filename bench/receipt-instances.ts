/** @file Small signed receipts: piecewise constant signals from few measurements, solved, proven, labelled. */

import { type Attested, attest } from "../src/attest.js";
import { type Calibration, calibrate } from "../src/certificates/calibration.js";
import { prove } from "../src/certificates/certify.js";
import { measureProperties, valuesByTerm } from "../src/certificates/measure.js";
import type { Float32 } from "../src/engine/session.js";
import { indicator } from "../src/functions/indicator.js";
import { l1 } from "../src/functions/weighted-l1.js";
import { matrix } from "../src/linear/matrix.js";
import { compileModel, define, type Model } from "../src/model.js";
import { type Random, random } from "../src/random.js";
import { ball } from "../src/sets/ball.js";
import { box } from "../src/sets/box.js";
import { mul } from "../src/tensor/primitives/elementwise.js";
import { constant } from "../src/tensor/primitives/leaf.js";
import { sha256Hex } from "../src/verify/digest.js";

const [ROWS, UNKNOWNS] = [8, 12];
const NOISE = 0.01;
const DELTA = 2.5 * NOISE * Math.sqrt(ROWS);
/** Enough for three properties at 5 %. */
const CALIBRATION = 59;

/** minimize ‖∇x‖₁ subject to x ∈ [0, 1]ⁿ and ‖Ax − d‖ ≤ 0.9 δ. */
function piecewise(A: Float32Array): Model {
  const steps = Float32Array.from({ length: (UNKNOWNS - 1) * UNKNOWNS }, (_, k) => {
    const [row, column] = [Math.floor(k / UNKNOWNS), k % UNKNOWNS];
    return column === row + 1 ? 1 : column === row ? -1 : 0;
  });
  return define({
    name: "piecewise constant",
    params: {},
    data: { d: ["N", ROWS], delta: ["N"] },
    problem: (_, { d, delta }) => ({
      box: { prox: indicator(box(0, 1)) },
      fidelity: { prox: indicator(ball(d, mul(0.9, delta))), of: matrix(constant(A, [ROWS, UNKNOWNS])) },
      variation: { prox: l1(), of: matrix(constant(steps, [UNKNOWNS - 1, UNKNOWNS])) },
    }),
  });
}

function signal(stream: Random): number[] {
  const [cut, low, high] = [1 + stream.integer(UNKNOWNS - 2), stream.uniform(), stream.uniform()];
  return Array.from({ length: UNKNOWNS }, (_, i) => (i < cut ? low : high));
}

/** `count` statements of fresh signals, unsigned. */
export async function receipts(count: number, seed: number): Promise<Attested[]> {
  const stream = random(seed).fork("receipts");
  const A = Float32Array.from({ length: ROWS * UNKNOWNS }, () => stream.normal() / Math.sqrt(ROWS));
  const measured = () => {
    const x = signal(stream);
    return Array.from({ length: ROWS }, (_, r) => {
      return x.reduce((sum, v, c) => sum + A[r * UNKNOWNS + c]! * v, NOISE * stream.normal());
    });
  };
  const batch = (rows: readonly number[][]): { d: Float32; delta: Float32 } => ({
    d: { shape: [rows.length, ROWS], data: Float32Array.from(rows.flat()) },
    delta: { shape: [rows.length], data: new Float32Array(rows.length).fill(DELTA) },
  });
  const model = piecewise(A);
  await using compiled = await compileModel(model, {}, { threads: 1 });
  const solve = async (data: ReturnType<typeof batch>) =>
    prove(compiled, data, await compiled.solve(data, { tolerance: 1e-5, maxSteps: 20_000, strict: false }));
  const held = Array.from({ length: CALIBRATION }, measured);
  const trusted = await solve(batch(held));
  const calibration: Calibration = calibrate({
    values: valuesByTerm(measureProperties(model, {}, batch(held), trusted.x)),
    reference: "inferences",
    samples: held.map((d) => `sha256:${sha256Hex(new Uint8Array(Float32Array.from(d).buffer))}`),
  });
  const data = batch(Array.from({ length: count }, measured));
  const { x, duals, status, steps } = await solve(data);
  return Array.from({ length: count }, (_, row) =>
    attest({
      ...{ model, weights: {}, data, x, duals, row, calibration, version: "test" },
      run: { status: status[row]!, steps: steps[row]! },
    }),
  );
}

/** A key that is no secret. */
export const benchKey = new Uint8Array(32).fill(7);
