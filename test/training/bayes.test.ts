/** @file Bayesian optimization: known minima in few trials, constraints that are never broken, the same numbers when resumed. */

import { expect, it } from "vitest";
import { random } from "../../src/random.js";
import { type BayesOptions, minimize, type Point, suggest, type Trial } from "../../src/training/bayes.js";

const branin = ({ x, y }: Point) =>
  (y! - (5.1 / (4 * Math.PI ** 2)) * x! ** 2 + (5 / Math.PI) * x! - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x!) +
  10;
const BRANIN_LEAST = 0.397887;
const plane: BayesOptions = {
  space: { x: { low: -5, high: 10, scale: "linear" }, y: { low: 0, high: 15, scale: "linear" } },
  seed: 1,
};

it.each([1, 2, 3])(
  "comes near the least value of Branin's function in 30 trials, nearer than chance, seed %s",
  async (seed) => {
    const { best, trials } = await minimize(branin, { ...plane, seed, trials: 30 });
    expect(trials.length).toBe(30);
    expect(best.value - BRANIN_LEAST).toBeLessThan(0.5);
    const rng = random(seed).fork("chance");
    const chance = Array.from({ length: 30 }, () => branin({ x: -5 + 15 * rng.uniform(), y: 15 * rng.uniform() }));
    expect(best.value).toBeLessThan(Math.min(...chance));
  },
);

it("finds a constant over decades by its logarithm", async () => {
  const space = { step: { low: 1e-4, high: 1e4, scale: "log" } } as const;
  const { best } = await minimize(({ step }) => Math.abs(Math.log10(step! / 30)), { space, seed: 4, trials: 20 });
  expect(best.point["step"]).toBeGreaterThan(20);
  expect(best.point["step"]).toBeLessThan(45);
});

it("never asks for a point that is not allowed, though the least value lies outside", async () => {
  const allowed = ({ x, y }: Point) => x! + y! >= 8;
  const { best, trials } = await minimize(({ x, y }) => x! ** 2 + y! ** 2, { ...plane, allowed, trials: 25 });
  expect(trials.every(({ point }) => allowed(point))).toBe(true);
  expect(best.value).toBeLessThan(34);
});

it("goes on from any number of trials to the same ones, and round failed ones", async () => {
  const failing = (point: Point) => (point["x"]! > 6 ? Number.NaN : branin(point));
  const whole = await minimize(failing, { ...plane, trials: 16 });
  expect(whole.trials.some(({ value }) => Number.isNaN(value))).toBe(true);
  expect(Number.isFinite(whole.best.value)).toBe(true);
  const stored = JSON.parse(JSON.stringify(whole.trials.slice(0, 9))) as Trial[];
  const resume = stored.map(({ point, value }) => ({ point, value: value ?? Number.NaN }));
  expect((await minimize(failing, { ...plane, trials: 16, resume })).trials).toEqual(whole.trials);
});

it("refuses empty ranges, constraints that nothing meets, and searches in which all fails", async () => {
  const empty = { ...plane, space: { x: { low: 2, high: 2, scale: "linear" as const } } };
  expect(() => suggest(empty, [])).toThrow(/^suggest: range of x: expected low < high/);
  const zero = { ...plane, space: { x: { low: 0, high: 2, scale: "log" as const } } };
  expect(() => suggest(zero, [])).toThrow(/^suggest: range of x: expected 0 < low < high/);
  expect(() => suggest({ ...plane, allowed: () => false }, [])).toThrow(/^suggest: allowed/);
  await expect(minimize(() => Number.NaN, { ...plane, trials: 3 })).rejects.toThrow(
    /^minimize: expected a finite value/,
  );
});
