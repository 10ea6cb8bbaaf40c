/** @file A NaN that arises in the middle of a solve stops its own sample, at a step that is reported, and no other. */

import { expect, it } from "vitest";
import type { Float32 } from "../../src/engine/session.js";
import { compileModel } from "../../src/model.js";
import { gather } from "../../src/solvers/rows.js";
import { breaking } from "../cases/robust.js";
import { failure } from "../failure.js";

const EVERY = 5;
const how = { threads: 1, chunk: { every: EVERY, checks: 4 } };
const NEVER = 1e6;
const column = (values: readonly number[]): Float32 => ({ shape: [values.length, 1], data: Float32Array.from(values) });
/** Samples 1, 3 and 4 break: in the first chunk, in the second, at the first step. */
const last = [NEVER, 12, NEVER, 31, -1];
const rate = [0.5, 0.97, 0.9, 0.97, 0.97];
const data = { d: column([1, 2, 3, 4, 5]), rate: column(rate), last: column(last) };
const broken = last.flatMap((k, n) => (k === NEVER ? [] : [n]));

it.each([EVERY, 1])("tested every %i steps", async (every) => {
  await using compiled = await compileModel(breaking(), {}, { ...how, chunk: { every, checks: 4 } });
  const { status, steps, x, history } = await compiled.solve(data, { tolerance: 1e-6, strict: false });
  expect(status).toEqual(["converged", "non-finite", "converged", "non-finite", "non-finite"]);
  for (const n of broken) {
    const first = last[n]! + 2;
    expect(steps[n]).toBe(every * Math.ceil(first / every));
    expect(history[n]!.slice(0, -1).every(Number.isFinite)).toBe(true);
    expect(history[n]!.at(-1)).toBeNaN();
    const kept = steps[n]! - every;
    const expected = ((1 - rate[n]! ** kept) / (1 - rate[n]!)) * data.d.data[n]!;
    expect(Math.abs(x.data[n]! - expected)).toBeLessThan(1e-4 * (1 + expected));
  }
});

it("the others end as they do alone", async () => {
  await using compiled = await compileModel(breaking(), {}, how);
  const options = { tolerance: 1e-6, strict: false };
  const together = await compiled.solve(data, options);
  for (const n of [0, 2]) {
    const own = Object.fromEntries(Object.entries(data).map(([name, array]) => [name, gather(array, [n])]));
    const alone = await compiled.solve(own, options);
    expect(alone.x.data[0]).toBe(together.x.data[n]);
    expect(alone.steps[0]).toBe(together.steps[n]);
    expect(Math.abs(alone.x.data[0]! - data.d.data[n]! / (1 - rate[n]!))).toBeLessThan(1e-3);
  }
});

it("strict: the error names the sample, the step and the residual", async () => {
  await using compiled = await compileModel(breaking(), {}, how);
  const error = await failure(compiled.solve(data, { tolerance: 1e-6 }));
  expect(error.message).toContain("non-finite for sample 1 after 15 steps (residual of motion NaN)");
});
