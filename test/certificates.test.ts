/** @file Calibration, labels and certificates: exact rules, exact levels, and a tiny model end to end. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Calibration, calibrate, digest, ofGroup, parseCalibration } from "../src/certificates/calibration.js";
import { type Certificate, certify, infer, type Result, requirePass } from "../src/certificates/certify.js";
import { conformalLabel, conformalP, ecdfLabel, type Labeller } from "../src/certificates/labels.js";
import { measureProperties, valuesByTerm } from "../src/certificates/measure.js";
import { distanceTo } from "../src/certificates/properties/distance-to.js";
import { sparsity } from "../src/certificates/properties/sparsity.js";
import type { Float32 } from "../src/engine/session.js";
import { VouchError } from "../src/errors.js";
import type { Property } from "../src/functions/function.js";
import { indicator } from "../src/functions/indicator.js";
import { l1 } from "../src/functions/weighted-l1.js";
import { identity } from "../src/linear/identity.js";
import { matrix } from "../src/linear/matrix.js";
import { type CompiledModel, compileModel, define } from "../src/model.js";
import { type Random, random } from "../src/random.js";
import { ball } from "../src/sets/ball.js";
import { gather } from "../src/solvers/rows.js";
import { linearizedAdmm } from "../src/splitting/linearized-admm.js";
import { sum } from "../src/tensor/primitives/broadcast.js";
import { sub } from "../src/tensor/primitives/elementwise.js";
import { constant } from "../src/tensor/primitives/leaf.js";

const fake = (i: number) => `sha256:${i.toString(16).padStart(64, "0")}`;
const digests = (count: number) => Array.from({ length: count }, (_, i) => fake(i));

function thrown(f: () => unknown): VouchError {
  try {
    f();
  } catch (error) {
    if (error instanceof VouchError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("ecdfLabel", () => {
  /** Eq. (12) and (13) as printed. */
  function literal(values: readonly number[], alpha: number, pp: number, pw: number): string {
    const cdf = values.filter((value) => value <= alpha).length / values.length;
    const pf = 1 - pp - pw;
    return cdf < pp ? "pass" : cdf <= 1 - pf + 1e-12 ? "warning" : "fail";
  }

  it("is eq. (12)–(13) where no two values are equal", () => {
    const seen = new Set<string>();
    const distinct = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 60 });
    const levels = fc.constantFrom([0.95, 0.04], [0.95, 0], [0.5, 0.3], [0.7, 0.1], [0.9, 0.1]);
    fc.assert(
      fc.property(distinct, levels, ([alpha, ...values], [pass, warning]) => {
        const { label } = ecdfLabel(values, alpha!, { pass: pass!, warning: warning! });
        expect(label).toBe(literal(values, alpha!, pass!, warning!));
        seen.add(label);
      }),
      { numRuns: 500, seed: 3 },
    );
    expect(seen).toEqual(new Set(["pass", "warning", "fail"]));
  });

  it("has the boundaries of eq. (12)", () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    const at = (below: number) => ecdfLabel(values, below - 0.5).label;
    expect([94, 95, 99, 100].map(at)).toEqual(["pass", "warning", "warning", "fail"]);
    const experiment = (below: number) => ecdfLabel(values, below - 0.5, { pass: 0.95, warning: 0 }).label;
    expect([94, 95, 96].map(experiment)).toEqual(["pass", "warning", "fail"]);
  });

  it("has no p, refuses an empty calibration and levels beyond 1", () => {
    expect(ecdfLabel([1], 0)).toEqual({ label: "pass" });
    expect(thrown(() => ecdfLabel([], 0)).code).toBe("certificate");
    expect(thrown(() => ecdfLabel([1], 0, { pass: 0.95, warning: 0.06 })).code).toBe("parameter");
  });
});

describe.each<[string, Labeller]>([
  ["ecdfLabel", ecdfLabel],
  ["conformalLabel", conformalLabel],
])("%s", (_, label) => {
  const zeros = new Array<number>(40).fill(0);

  it("passes a tie of a hard constraint and fails what is above it", () => {
    expect(label(zeros, 0).label).toBe("pass");
    expect(label(zeros, 1e-6).label).toBe("fail");
  });

  it("fails a value above all, and one that is not a number", () => {
    const values = zeros.map((_, i) => i);
    expect(label(values, 40).label).toBe("fail");
    expect(label(values, Number.NaN).label).toBe("fail");
    expect(label(values, Number.POSITIVE_INFINITY).label).toBe("fail");
    expect(label(values, 3).label).toBe("pass");
  });

  it("never improves as the value grows", () => {
    const order = ["pass", "warning", "fail"];
    const values = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 19, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }), (list, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(order.indexOf(label(list, low).label)).toBeLessThanOrEqual(order.indexOf(label(list, high).label));
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});

describe("conformalLabel", () => {
  it("is (1 + #{αᵢ ≥ α})/(N + 1)", () => {
    const values = Array.from({ length: 19 }, (_, i) => i);
    expect(conformalP(values, 100)).toBe(1 / 20);
    expect(conformalP(values, 18)).toBe(2 / 20);
    expect(conformalP(values, 0)).toBe(1);
    expect(conformalLabel(values, 100)).toEqual({ label: "fail", p: 0.05, rank: { k: 1, of: 20 } });
    expect(conformalLabel(values, 18)).toEqual({ label: "warning", p: 0.1, rank: { k: 2, of: 20 } });
    expect(conformalLabel(values, 17)).toEqual({ label: "pass", p: 0.15, rank: { k: 3, of: 20 } });
  });

  it.each([
    [0.05, 19],
    [0.01, 99],
    [0.1, 9],
    [0.05 / 3, 59],
    [0.3, 3],
  ])("at level %s is refused below N = %i, and given there", (fail, enough) => {
    const values = Array.from({ length: enough }, (_, i) => i);
    expect(conformalLabel(values, enough, { fail }).label).toBe("fail");
    const refusal = thrown(() => conformalLabel(values.slice(1), enough, { fail }));
    expect(refusal.code).toBe("certificate");
    expect(refusal.message).toContain(`at least ${enough} calibration values`);
  });

  it("refuses levels that are none", () => {
    for (const options of [{ fail: 0 }, { fail: 1 }, { fail: 0.1, warning: 0.05 }, { fail: Number.NaN }]) {
      expect(thrown(() => conformalLabel([1, 2], 1, options)).code).toBe("parameter");
    }
  });
});

describe("false-alarm rate on exchangeable values", () => {
  const rounds = 20_000;
  /** Share of rounds in which the last of N + 1 draws fails. */
  function rate(label: Labeller, N: number, draw: (r: Random) => number): number {
    const stream = random(2024);
    let fails = 0;
    for (let k = 0; k < rounds; k++) {
      const values = Array.from({ length: N }, () => draw(stream));
      if (label(values, draw(stream)).label === "fail") fails++;
    }
    return fails / rounds;
  }
  const continuous = (r: Random) => Math.exp(r.normal());
  const tied = (r: Random) => r.poisson(0.5);
  /** Four binomial standard errors. */
  const margin = (p: number) => 4 * Math.sqrt((p * (1 - p)) / rounds);

  it.each([19, 39, 59])("conformalLabel at N = %i is exactly 5 %", (N) => {
    expect(Math.abs(rate(conformalLabel, N, continuous) - 0.05)).toBeLessThan(margin(0.05));
  });

  it.each([20, 50])("conformalLabel at N = %i is at most 5 %, and alarms", (N) => {
    const exact = Math.floor(0.05 * (N + 1)) / (N + 1);
    expect(Math.abs(rate(conformalLabel, N, continuous) - exact)).toBeLessThan(margin(exact));
    expect(exact).toBeLessThanOrEqual(0.05);
  });

  it("conformalLabel stays below 5 % with ties", () => {
    expect(rate(conformalLabel, 39, tied)).toBeLessThan(0.05 + margin(0.05));
    expect(rate(conformalLabel, 39, tied)).toBeGreaterThan(0);
  });

  // Why conformal labels are the default: fail is nominally at most 1 − 0.95.
  it.each([
    [5, 1 / 6],
    [10, 1 / 11],
  ])("ecdfLabel at N = %i fails 1 in N + 1", (N, expected) => {
    const paper: Labeller = (values, alpha) => ecdfLabel(values, alpha, { pass: 0.95, warning: 0 });
    const measured = rate(paper, N, continuous);
    expect(Math.abs(measured - expected)).toBeLessThan(margin(expected));
    expect(measured).toBeGreaterThan(0.05 + margin(0.05));
  });
});

describe("calibrate", () => {
  const values = { fidelity: [0.3, 0, 0.1], sparsity: [4, 2, 9] };
  const options = { values, reference: "inferences", samples: digests(3) } as const;

  it("keeps values with their samples, sorts samples and survives JSON", () => {
    const calibration = calibrate({ ...options, samples: [fake(2), fake(0), fake(1)] });
    expect(calibration.samples).toEqual(digests(3));
    expect(calibration.values).toEqual({ fidelity: [0, 0.1, 0.3], sparsity: [2, 9, 4] });
    expect(values.fidelity).toEqual([0.3, 0, 0.1]);
    expect(parseCalibration(JSON.parse(JSON.stringify(calibration)))).toEqual(calibration);
  });

  it("commits to every sample, value, group and name, in any order of the samples", () => {
    const groups = ["a", "b", "a"];
    const { commitment } = calibrate({ ...options, groups });
    const order = [2, 0, 1];
    const pick = <T>(list: readonly T[]) => order.map((i) => list[i]!);
    const same = calibrate({
      values: { sparsity: pick(values.sparsity), fidelity: pick(values.fidelity) },
      reference: "inferences",
      samples: pick(options.samples),
      groups: pick(groups),
    });
    expect(same.commitment).toBe(commitment);
    const others: Parameters<typeof calibrate>[0][] = [
      { ...options, groups: ["a", "b", "b"] },
      options,
      { ...options, groups, reference: "truth" },
      { ...options, groups, samples: [fake(0), fake(1), fake(3)] },
      { ...options, groups, values: { ...values, fidelity: [0.3, 0, 0.1 + 2 ** -55] } },
      { ...options, groups, values: { fidelity: values.sparsity, sparsity: values.fidelity } },
      { ...options, groups, values: { fidelity: values.fidelity, nonzeros: values.sparsity } },
    ];
    const found = new Set([commitment, ...others.map((other) => calibrate(other).commitment)]);
    expect(found.size).toBe(1 + others.length);
  });

  it("gives the samples of a group, and refuses a group it has not", () => {
    const all = calibrate({ ...options, groups: ["low", "high", "low"] });
    const low = ofGroup(all, "low");
    expect(low.samples).toEqual([fake(0), fake(2)]);
    expect(low.values).toEqual({ fidelity: [0.3, 0.1], sparsity: [4, 9] });
    expect(parseCalibration(JSON.parse(JSON.stringify(low)))).toEqual(low);
    expect(thrown(() => ofGroup(all, "medium")).message).toContain("low, high");
    expect(thrown(() => calibrate({ ...options, groups: ["low"] })).code).toBe("data");
  });

  it("refuses a sample that was trained on, by number", () => {
    const refusal = thrown(() => calibrate({ ...options, trainedOn: [fake(77), fake(1)] }));
    expect(refusal.code).toBe("certificate");
    expect(refusal.message).toContain("sample 1");
    expect(calibrate({ ...options, trainedOn: [fake(77)] }).samples).toHaveLength(3);
  });

  it("refuses one sample twice and what is no digest", () => {
    expect(thrown(() => calibrate({ ...options, samples: [fake(0), fake(1), fake(0)] })).message).toContain("sample 2");
    expect(thrown(() => calibrate({ ...options, samples: [fake(0), fake(1), "scan-3"] })).code).toBe("certificate");
    expect(thrown(() => calibrate({ ...options, trainedOn: ["scan-3"] })).code).toBe("certificate");
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a value of %s, naming its property", (bad) => {
    const refusal = thrown(() => calibrate({ ...options, values: { ...values, fidelity: [0, bad, 1] } }));
    expect(refusal.code).toBe("data");
    expect(refusal.message).toContain('"fidelity"');
    expect(refusal.message).toContain("sample 1");
  });

  it("refuses a property with more or fewer values than samples", () => {
    expect(thrown(() => calibrate({ ...options, values: { fidelity: [1, 2] } })).code).toBe("data");
  });

  it.each<[string, (c: Record<string, unknown>) => unknown]>([
    ["nothing", () => null],
    ["another version", (c) => ({ ...c, version: 1 })],
    ["another commitment", (c) => ({ ...c, commitment: fake(0) })],
    [
      "a value changed after the commitment",
      (c) => ({ ...c, values: { fidelity: [0.3, 0, 0.2], sparsity: [4, 2, 9] } }),
    ],
    ["samples out of order", (c) => ({ ...c, samples: [fake(1), fake(0), fake(2)] })],
    ["another reference", (c) => ({ ...c, reference: "training" })],
    ["a field more", (c) => ({ ...c, note: "" })],
    ["values of another property", (c) => ({ ...c, values: { fidelity: [1, 0, 2] } })],
    ["a negative value", (c) => ({ ...c, values: { fidelity: [-1, 0, 2] } })],
    ["a value that is null", (c) => ({ ...c, values: { fidelity: [null, 0, 2] } })],
    ["a value too few", (c) => ({ ...c, values: { fidelity: [0, 2] } })],
    ["a sample twice", (c) => ({ ...c, samples: [fake(0), fake(0), fake(1)] })],
    ["a digest of another kind", (c) => ({ ...c, samples: [fake(0), fake(1), "md5:0"] })],
  ])("parseCalibration refuses %s", (_, change) => {
    const good = JSON.parse(JSON.stringify(calibrate(options))) as Record<string, unknown>;
    expect(thrown(() => parseCalibration(change(good))).code).toBe("format");
  });
});

describe("digest", () => {
  it("is SHA-256 of the bytes, of a view's own bytes only", async () => {
    const expected = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const bytes = Uint8Array.from({ length: 99 }, (_, i) => 7 * i);
    expect(await digest(bytes)).toBe(expected(bytes));
    expect(await digest(bytes.subarray(3, 40))).toBe(expected(bytes.slice(3, 40)));
    const numbers = Float32Array.of(1, -2.5, 0.1, 4);
    expect(await digest(numbers)).toBe(expected(new Uint8Array(numbers.buffer)));
    expect(await digest(numbers.subarray(1, 3))).toBe(expected(new Uint8Array(numbers.slice(1, 3).buffer)));
    expect(await digest(new Uint8Array(0))).toMatch(/^sha256:e3b0c44298fc1c14/);
  });
});

describe("sparse recovery of 10 unknowns from 16 measurements", () => {
  const [unknowns, rows, noise] = [10, 16, 0.02];
  const delta = 2 * noise * Math.sqrt(rows);
  const A = (() => {
    const stream = random(5).fork("A");
    return Float32Array.from({ length: rows * unknowns }, () => stream.normal() / Math.sqrt(rows));
  })();
  const problem = (d: Parameters<typeof ball>[0]) => {
    const near = ball(d, delta);
    return {
      sparsity: { prox: l1(1), of: identity(["N", unknowns]), property: sparsity() },
      fidelity: { prox: indicator(near), of: matrix(constant(A, [rows, unknowns])), property: distanceTo(near) },
    };
  };
  const model = define({ name: "recovery", params: {}, data: { d: ["N", rows] }, problem: (_, { d }) => problem(d) });
  const weights = {};

  /** d = Ax + noise for x with `nonzeros` entries of size 1 to 2. */
  function measure(seed: number, nonzeros: number): number[] {
    const stream = random(seed);
    const x = new Array<number>(unknowns).fill(0);
    stream
      .permutation(unknowns)
      .slice(0, nonzeros)
      .forEach((i) => {
        x[i] = (1 + stream.uniform()) * (stream.uniform() < 0.5 ? -1 : 1);
      });
    return Array.from({ length: rows }, (_, r) => {
      const clean = x.reduce((sum, value, i) => sum + A[r * unknowns + i]! * value, 0);
      return clean + noise * stream.normal();
    });
  }
  const batch = (list: readonly (readonly number[])[]): { d: Float32 } => ({
    d: { shape: [list.length, rows], data: Float32Array.from(list.flat()) },
  });
  const byName = (result: Result): Record<string, Certificate> =>
    Object.fromEntries(result.certificates.map((certificate) => [certificate.property, certificate]));

  let compiled: CompiledModel;
  let calibration: Calibration;

  beforeAll(async () => {
    compiled = await compileModel(model, weights, { threads: 1 });
    const heldOut = Array.from({ length: 40 }, (_, i) => measure(1000 + i, 2));
    const { x, z } = await compiled.solve(batch(heldOut));
    calibration = calibrate({
      values: valuesByTerm(measureProperties(model, weights, batch(heldOut), x, z)),
      reference: "inferences",
      samples: await Promise.all(heldOut.map((d) => digest(Float32Array.from(d)))),
    });
  });
  afterAll(() => compiled.dispose());

  it("has distances of 0 where the solve converged", () => {
    expect(calibration.values["fidelity"]).toEqual(new Array(40).fill(0));
    expect(Math.min(...calibration.values["sparsity"]!)).toBeGreaterThanOrEqual(1);
  });

  it("passes honest inferences, certificates in the model's order", async () => {
    const data = batch(Array.from({ length: 20 }, (_, i) => measure(2000 + i, 2)));
    const results = await infer(compiled, model, weights, data, { calibration });
    expect(results).toHaveLength(20);
    for (const result of results) {
      expect(result.certificates.map(({ property }) => property)).toEqual(["sparsity", "fidelity", "convergence"]);
      expect(result.certificates.map(({ term }) => term)).toEqual(["sparsity", "fidelity", "convergence"]);
      expect(result.x.shape).toEqual([unknowns]);
      expect(byName(result)["fidelity"]).toMatchObject({ label: "pass", value: 0, p: 1 });
      expect(byName(result)["convergence"]!.label).toBe("pass");
      expect(result.trustworthy).toBe(result.certificates.every(({ label }) => label === "pass"));
      expect(result).toMatchObject({ objective: "explicit", optimality: { verdict: "unchecked" } });
    }
    expect(results.filter(({ trustworthy }) => trustworthy).length).toBeGreaterThanOrEqual(15);
    const good = results.find(({ trustworthy }) => trustworthy)!;
    expect(requirePass(good)).toBe(good);
    expect(byName(good)["sparsity"]!.because).toMatch(
      /^nonzeros \d+: of 40 held-out inferences, \d+ were at least this bad \(p = [\d.]+\)$/,
    );
  });

  it("fails by the name of the term a datum breaks", async () => {
    const corrupt = measure(3000, 2).map((value, i) => (i === 4 ? value + 5 : value));
    const dense = measure(3001, unknowns);
    const [broken, crowded] = await infer(compiled, model, weights, batch([corrupt, dense]), {
      calibration,
      maxSteps: 1000,
    });
    expect(byName(broken!)["fidelity"]!.label).toBe("fail");
    expect(byName(broken!)["fidelity"]!.because).toMatch(
      /^distance to ball [\d.]+ \([\d.]+ % of ‖Sx‖\): more than all 40 held-out inferences \(p = 0\.0244\)$/,
    );
    expect(byName(crowded!)["sparsity"]!.label).toBe("fail");
    expect(byName(crowded!)["fidelity"]!.label).toBe("pass");
    expect([broken!.trustworthy, crowded!.trustworthy]).toEqual([false, false]);
    const error = thrown(() => requirePass(crowded!));
    expect(error.code).toBe("certificate");
    expect(error.message).toContain("sparsity: fail (nonzeros");
    expect(error.message).toContain("data and operator of sparsity,");
    expect(error.message).not.toContain("fidelity");
  });

  it("never trusts a solve that has not converged", async () => {
    await using short = await compileModel(model, weights, { threads: 1, chunk: { every: 2, checks: 1 } });
    const data = batch([measure(2000, 2)]);
    const [result] = await infer(short, model, weights, data, { calibration, maxSteps: 2 });
    expect(result!.status).toBe("max-steps");
    expect(byName(result!)["convergence"]).toMatchObject({ label: "fail", kind: "KKT residual" });
    expect(byName(result!)["convergence"]!.because).toMatch(
      /^max-steps after 2 steps at relative KKT residual [\d.]+ \(\w+\)$/,
    );
    const generous: Labeller = () => ({ label: "pass" });
    const [lenient] = await infer(short, model, weights, data, { calibration, maxSteps: 2, label: generous });
    expect(lenient!.certificates.map(({ label }) => label)).toEqual(["pass", "pass", "fail"]);
    expect(lenient!.trustworthy).toBe(false);
    const error = thrown(() => requirePass(lenient!));
    expect(error.message).toContain("convergence: fail");
    expect(error.message).toContain("Raise maxSteps");
    expect(error.message).not.toContain("data and operator");
  });

  it("certifies an answer from elsewhere without convergence", async () => {
    const data = batch([measure(2000, 2), measure(2000, 2)]);
    const { x } = await compiled.solve(data);
    x.data.fill(0, unknowns);
    const [same, zero] = certify({ model, weights, data, x, calibration });
    for (const result of [same!, zero!]) {
      expect(result.status).toBe("external");
      expect(result.certificates.map(({ property }) => property)).toEqual(["sparsity", "fidelity"]);
    }
    expect(byName(same!)["fidelity"]!.label).toBe("pass");
    expect(byName(zero!)["fidelity"]!.label).toBe("fail");
    expect(byName(zero!)["sparsity"]).toMatchObject({ label: "pass", value: 0 });
  });

  it("labels with the rule it is given", async () => {
    const data = batch([measure(2000, 2)]);
    const solution = await compiled.solve(data);
    const [result] = certify({ model, weights, data, solution, calibration, label: ecdfLabel });
    expect(byName(result!)["fidelity"]).not.toHaveProperty("p");
    expect(byName(result!)["fidelity"]!.because).toBe(
      "distance to ball 0: of 40 held-out inferences, 40 were at least this bad",
    );
    const strict: Labeller = (values, alpha) => conformalLabel(values, alpha, { fail: 0.01 });
    expect(thrown(() => certify({ model, weights, data, solution, calibration, label: strict })).message).toContain(
      "at least 99",
    );
  });

  it("reads the returned bytes: an x changed after the solve is not that of its z", async () => {
    const data = batch([measure(2000, 2)]);
    const solution = await compiled.solve(data);
    const changed = {
      shape: solution.x.shape,
      data: solution.x.data.map((value, i) => (i === 3 ? value + 0.5 : value)),
    };
    const error = thrown(() => certify({ model, weights, data, solution: { ...solution, x: changed }, calibration }));
    expect(error.code).toBe("certificate");
    expect(error.message).toContain("element 3");
  });

  it("counts the nonzeros of the solver's copy where it has the point, by threshold where it has not", async () => {
    const data = batch(Array.from({ length: 20 }, (_, i) => measure(2000 + i, 2)));
    const { x, z } = await compiled.solve(data, { tolerance: 0.03 });
    const [copies, alone] = [measureProperties(model, weights, data, x, z), measureProperties(model, weights, data, x)];
    const nonzeros = (n: number) => x.data.subarray(n * unknowns, (n + 1) * unknowns).filter((v) => v !== 0).length;
    copies.forEach((measured, n) => {
      expect(measured["sparsity"]!.value).toBeLessThanOrEqual(nonzeros(n));
      expect(measured["sparsity"]!.value).toBeGreaterThanOrEqual(1);
      expect(alone[n]!["sparsity"]!.value).toBeLessThanOrEqual(nonzeros(n));
    });
    const total = (list: typeof copies) => valuesByTerm(list)["sparsity"]!.reduce((a, b) => a + b);
    // A loose solve: x still keeps above the threshold what the copy has at 0.
    expect(total(copies)).toBeLessThan(total(alone));
    expect(() => measureProperties(model, weights, data, x, { x: z["x"]! })).toThrow(/z "nu\.\w+": expected/);
  });

  it.each<[string, Property["measure"], RegExp]>([
    ["that is not one value a sample", (v) => v, /"sparsity": expected a property of shape \[N\], got \[N, 10\]/],
    ["that mixes samples", (v) => sub(sum(v, [1]), sum(v)), /expected operations within each sample/],
  ])("refuses a property %s", (_, property, message) => {
    const odd = define({
      name: "odd",
      params: {},
      data: { d: ["N", rows] },
      problem: (_params, { d }) => {
        const { sparsity: term, fidelity } = problem(d);
        return { sparsity: { ...term, property: { kind: "odd", measure: property } }, fidelity };
      },
    });
    const x = { shape: [1, unknowns], data: new Float32Array(unknowns) };
    expect(() => measureProperties(odd, weights, batch([measure(1, 2)]), x)).toThrow(message);
  });

  it("certifies each sample as it would alone", async () => {
    const data = batch([measure(2000, 2), measure(3001, unknowns), measure(2002, 2)]);
    const solution = await compiled.solve(data);
    const together = certify({ model, weights, data, x: solution.x, calibration });
    together.forEach((result, n) => {
      const [alone] = certify({
        model,
        weights,
        data: { d: gather(data.d, [n]) },
        x: gather(solution.x, [n]),
        calibration,
      });
      expect(alone).toEqual(result);
    });
  });

  it("fails every term of an x that is not finite", () => {
    const x = { shape: [1, unknowns], data: new Float32Array(unknowns).fill(Number.NaN, 2, 3) };
    const [result] = certify({ model, weights, data: batch([measure(2000, 2)]), x, calibration });
    expect(result!.certificates.map(({ label }) => label)).toEqual(["fail", "fail"]);
    expect(result!.certificates.map(({ because }) => because)).toEqual([
      "nonzeros is not a number",
      "distance to ball is not a number",
    ]);
  });

  it("says so where a step condition fails", async () => {
    const solution = await compiled.solve(batch([measure(2000, 2)]));
    const violated = ["β Σ αᵢ‖Sᵢ‖² ≤ 1 (2.000 against 1.000)"];
    const options = { model, weights, data: batch([measure(2000, 2)]), calibration };
    const [warned] = certify({ ...options, solution: { ...solution, violated } });
    const [quiet] = certify({ ...options, solution });
    expect(byName(warned!)["convergence"]!.because).toContain(violated[0]);
    expect(byName(quiet!)["convergence"]!.because).toMatch(
      /^converged after \d+ steps at relative KKT residual [\d.e-]+ \(\w+\)$/,
    );
  });

  it("refuses a term that was not calibrated, and an x of another batch", async () => {
    const data = batch([measure(2000, 2)]);
    const { fidelity } = calibration.values as { fidelity: number[] };
    const part: Calibration = { ...calibration, values: { fidelity } };
    await expect(infer(compiled, model, weights, data, { calibration: part })).rejects.toMatchObject({
      code: "certificate",
      message: expect.stringContaining('"sparsity"'),
    });
    const x = { shape: [2, unknowns], data: new Float32Array(2 * unknowns) };
    expect(thrown(() => certify({ model, weights, data, x, calibration })).code).toBe("shape");
  });

  it("certifies a term without an objective by its property, and says what it cannot verify", () => {
    const bare = define({
      name: "bare",
      params: {},
      data: { d: ["N", rows] },
      problem: (_, { d }) => {
        const { sparsity: term, fidelity } = problem(d);
        const { prox, property } = term.prox;
        return { sparsity: { ...term, prox: { name: "learned", prox, property } }, fidelity };
      },
      split: linearizedAdmm,
    });
    const x = { shape: [1, unknowns], data: new Float32Array(unknowns) };
    const [result] = certify({ model: bare, weights, data: batch([measure(2000, 2)]), x, calibration });
    expect(result).toMatchObject({
      objective: "none",
      optimality: { verdict: "UNVERIFIABLE", reason: "no-objective" },
    });
    expect(byName(result!)["sparsity"]!.label).toBe("pass");
  });

  it("keeps the name of the solver's certificate", () => {
    const odd = define({
      name: "odd",
      params: {},
      data: { d: ["N", rows] },
      problem: (_, { d }) => ({ convergence: problem(d).fidelity }),
    });
    const x = { shape: [1, unknowns], data: new Float32Array(unknowns) };
    expect(thrown(() => certify({ model: odd, weights, data: batch([measure(1, 2)]), x, calibration })).code).toBe(
      "problem",
    );
  });
});
