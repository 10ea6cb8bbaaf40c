/** @file Optimizers and schedules: the paths of PyTorch, minima that are reached, parameters that are refused. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { interpret } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { constantRate, cosineDecay, type Schedule, stepDecay, warmUp } from "../../src/training/schedule.js";
import { nesterov, sgd } from "../../src/training/sgd.js";
import { optimizerCases } from "../cases/optimizers.js";

interface Golden {
  readonly start: readonly number[];
  readonly curvature: readonly number[];
  readonly rate: number;
  readonly paths: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly rates: Readonly<Record<"cosine" | "step" | "linear", readonly number[]>>;
}
const golden: Golden = JSON.parse(readFileSync(new URL("../golden/optimizers.json", import.meta.url), "utf8"));
const shape = [golden.start.length];
const vector = (data: Float64Array) => ({ shape, data });
const scalar = (value: number) => ({ shape: [], data: Float64Array.of(value) });

describe.each(optimizerCases.map((row) => [row.golden, row] as const))("%s", (name, row) => {
  const optimizer = row.build();
  const slots = optimizer.slots.map((slot) => input(slot, shape));
  const made = optimizer.update(input("x", shape), input("g", shape), slots, input("t", []), input("rate", []));
  const outputs = [made.param, ...made.slots];

  /** Points of the path from `start` by float64 updates, the gradient given by the point and the step. */
  function path(start: Float64Array, steps: number, gradient: (x: Float64Array, t: number) => Float64Array) {
    let x = start;
    let kept: Float64Array[] = optimizer.slots.map(() => new Float64Array(start.length));
    return Array.from({ length: steps }, (_, i) => {
      const state = Object.fromEntries(optimizer.slots.map((slot, k) => [slot, vector(kept[k]!)]));
      const feeds = {
        x: vector(x),
        g: vector(gradient(x, i + 1)),
        t: scalar(i + 1),
        rate: scalar(golden.rate),
        ...state,
      };
      const [next, ...rest] = interpret(outputs, feeds).map(({ data }) => data);
      [x, kept] = [next!, rest];
      return x;
    });
  }

  it("takes PyTorch's path", () => {
    const points = golden.paths[name]!;
    const gradient = (x: Float64Array, t: number) =>
      x.map((value, i) => golden.curvature[i]! * value + Math.sin(t + i));
    path(Float64Array.from(golden.start), points.length, gradient).forEach((x, t) => {
      x.forEach((value, i) => {
        expect(Math.abs(value - points[t]![i]!)).toBeLessThan(row.tolerance);
      });
    });
  });

  it("ends at the minimum of a quadratic", () => {
    const found = path(Float64Array.from(golden.start), 600, (x) =>
      x.map((value, i) => golden.curvature[i]! * (value - 3)),
    );
    found.at(-1)!.forEach((value) => {
      expect(Math.abs(value - 3)).toBeLessThan(1e-6);
    });
  });

  it("engine = interpreter within float32 error", async () => {
    await using session = await compile(outputs, { threads: 1 });
    const single = (...data: number[]) => ({ shape, data: Float32Array.from(data) });
    const feeds = {
      x: single(1, -2, 3),
      g: single(0.5, 0.25, -1),
      t: { shape: [], data: Float32Array.of(3) },
      rate: { shape: [], data: Float32Array.of(0.1) },
      ...Object.fromEntries(optimizer.slots.map((slot) => [slot, single(0.25, 0.5, 0.75)])),
    };
    const found = await session.run(feeds);
    interpret(outputs, feeds).forEach(({ data }, i) => {
      data.forEach((value, k) => {
        expect(Math.abs(found[i]!.data[k]! - value)).toBeLessThan(1e-5);
      });
    });
  });
});

describe("schedules", () => {
  const steps = Array.from({ length: 10 }, (_, i) => i + 1);
  const { cosine, step, linear } = golden.rates;
  const cases: [string, Schedule, (t: number) => number][] = [
    ["cosineDecay", cosineDecay(0.5, 0.05), (t) => cosine[t]!],
    ["stepDecay", stepDecay(0.5, { every: 3, factor: 0.2 }), (t) => step[t - 1]!],
    ["warmUp of constantRate", warmUp(4, constantRate(0.5)), (t) => linear[t - 1]!],
  ];
  it.each(cases)("%s is PyTorch's", (_, schedule, expected) => {
    for (const t of steps) expect(Math.abs(schedule(t, 10) - expected(t))).toBeLessThan(1e-12);
  });

  it("a warm-up goes up to what follows it, and follows it", () => {
    const schedule = warmUp(3, cosineDecay(1));
    expect(schedule(1, 10)).toBeCloseTo(cosineDecay(1)(1, 10) / 3, 12);
    for (const t of steps.slice(2)) expect(schedule(t, 10)).toBe(cosineDecay(1)(t, 10));
  });
});

describe("parameters out of range are refused by name", () => {
  const wrong: [string, () => unknown][] = [
    ["sgd", () => sgd({ momentum: 1 })],
    ["nesterov", () => nesterov({ momentum: -0.1 })],
    ["constantRate", () => constantRate(0)],
    ["cosineDecay", () => cosineDecay(0.1, 0.2)],
    ["cosineDecay", () => cosineDecay(Number.NaN)],
    ["stepDecay", () => stepDecay(0.1, { every: 0, factor: 0.5 })],
    ["stepDecay", () => stepDecay(0.1, { every: 1, factor: 2 })],
    ["warmUp", () => warmUp(0, constantRate(1))],
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });
});
