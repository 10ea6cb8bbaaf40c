import { describe, expect, it } from "vitest";
import { type Random, random } from "../src/random.js";

const N = 200_000;
const draw = (f: () => number, count = N) => Float64Array.from({ length: count }, f);
const mean = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length;
const moment = (v: Float64Array, k: number) => {
  const m = mean(v);
  return mean(v.map((a) => (a - m) ** k));
};
const correlation = (a: Float64Array, b: Float64Array) => {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(a.map((v, i) => (v - ma) * (b[i]! - mb))) / Math.sqrt(moment(a, 2) * moment(b, 2));
};

describe("random", () => {
  // Bounds are five standard errors of the moment.
  const laws: [string, (r: Random) => number, number, number, number][] = [
    ["uniform", (r) => r.uniform(), 1 / 2, 1 / 12, 1 / 80],
    ["normal", (r) => r.normal(), 0, 1, 3],
    ["integer(6)", (r) => r.integer(6), 2.5, 35 / 12, 14.7291667],
    ["poisson(0.3)", (r) => r.poisson(0.3), 0.3, 0.3, 0.3 + 3 * 0.09],
    ["poisson(50)", (r) => r.poisson(50), 50, 50, 50 + 3 * 2500],
    ["exponential(0.4)", (r) => r.exponential(0.4), 0.4, 0.16, 9 * 0.4 ** 4],
  ];
  it.each(laws)("%s has its mean and variance", (_, law, expectedMean, variance, fourth) => {
    const stream = random(7);
    const v = draw(() => law(stream));
    expect(Math.abs(mean(v) - expectedMean)).toBeLessThan(5 * Math.sqrt(variance / N));
    expect(Math.abs(moment(v, 2) - variance)).toBeLessThan(5 * Math.sqrt((fourth - variance ** 2) / N));
  });

  it("normal has the tails of a normal", () => {
    const stream = random(8);
    const v = draw(() => stream.normal());
    expect(Math.abs(moment(v, 3))).toBeLessThan(5 * Math.sqrt(15 / N));
    expect(Math.abs(moment(v, 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / N));
    expect(Math.abs(v.filter((a) => a > 1.959964).length / N - 0.025)).toBeLessThan(5 * Math.sqrt(0.025 / N));
  });

  it("uniform lies in [0, 1) with 53 bits", () => {
    const stream = random(9);
    const v = draw(() => stream.uniform(), 10_000);
    expect(v.every((u) => u >= 0 && u < 1 && Number.isInteger(u * 2 ** 53))).toBe(true);
    expect(v.some((u) => !Number.isInteger(u * 2 ** 52))).toBe(true);
  });

  it("starts at unrelated values for neighbouring seeds", () => {
    const first = Float64Array.from({ length: 20_000 }, (_, seed) => random(seed - 10_000).uniform());
    expect(Math.abs(mean(first) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / first.length));
    expect(Math.abs(correlation(first.subarray(1), first.subarray(0, -1)))).toBeLessThan(5 / Math.sqrt(first.length));
  });

  it("permutes uniformly", () => {
    const stream = random(10);
    const counts = new Map<string, number>();
    for (let k = 0; k < 24_000; k++) {
      const order = stream.permutation(4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const statistic = [...counts.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
    expect(statistic).toBeLessThan(49.73); // χ²(23) at 0.999
    expect(stream.permutation(0)).toEqual(new Int32Array());
    expect([...stream.permutation(1000)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("repeats itself for the same seed", () => {
    const record = (r: Random) => [
      r.uniform(),
      r.normal(),
      r.integer(10),
      r.poisson(5),
      r.exponential(2),
      r.permutation(9),
    ];
    expect(record(random(2021))).toEqual(record(random(2021)));
    expect(record(random(2021))).not.toEqual(record(random(2022)));
  });

  it("forks by label, whatever was drawn before", () => {
    const used = random(3);
    draw(() => used.normal(), 17);
    expect(used.fork("a").uniform()).toBe(random(3).fork("a").uniform());
    const labels = [
      random(3),
      random(3).fork("a"),
      random(3).fork(1),
      random(3).fork("1"),
      random(3).fork("a").fork(1),
    ];
    expect(new Set([...labels, random(3).fork('a",1'), random(4).fork("a")].map((r) => r.uniform())).size).toBe(7);
  });

  it("forks are uncorrelated with each other and with their parent", () => {
    const streams = [random(5), random(5).fork(0), random(5).fork(1), random(5).fork("test"), random(6).fork(0)];
    const samples = streams.map((r) => draw(() => r.normal()));
    samples.forEach((a, i) => {
      for (const b of samples.slice(i + 1)) expect(Math.abs(correlation(a, b))).toBeLessThan(5 / Math.sqrt(N));
    });
  });

  it.each<[string, () => unknown]>([
    ["random", () => random(0.5)],
    ["integer", () => random(1).integer(0)],
    ["poisson", () => random(1).poisson(Number.NaN)],
    ["exponential", () => random(1).exponential(-1)],
    ["permutation", () => random(1).permutation(1.5)],
    ["fork", () => random(1).fork(Number.NaN)],
  ])("%s refuses a parameter outside its range", (name, call) => {
    expect(call).toThrow(expect.objectContaining({ code: "parameter", details: expect.objectContaining({ name }) }));
  });
});
