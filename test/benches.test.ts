/** @file The measures of benches, small: rates that must and must not exceed their level, attacks, areas under curves. */

import { beforeAll, describe, expect, it } from "vitest";
import { learnFpo } from "../bench/fpo-train.js";
import { ecdfRate, isAbove, jointRates, singleRate, trainedRate } from "../bench/level-rates.js";
import { benchKey, receipts } from "../bench/receipt-instances.js";
import { area, areas, type Ranked } from "../bench/riskcoverage.js";
import { attacks, KINDS, lies, trusted } from "../bench/tamper-attacks.js";
import { logAttacks } from "../bench/tamper-log.js";
import { LEVEL } from "../bench/thresholds.js";
import { noisyPathData } from "../src/applications/decisions/paths/noisy.js";
import { relativeRegret } from "../src/applications/decisions/paths/regret.js";
import { type Attested, payloadOf } from "../src/attest.js";
import { random } from "../src/random.js";
import { seal, verifyReceipt } from "../src/receipts/index.js";

describe("level", () => {
  const asked = { rounds: 2000, alpha: LEVEL.alpha };
  const above = (rate: Parameters<typeof isAbove>[0]) => isAbove(rate, LEVEL.alpha, LEVEL.confidence);

  it("is kept by conformal labels, one by one and together, and not by the controls", () => {
    const stream = random(90);
    for (const kind of ["continuous", "tied"] as const) {
      expect(above(singleRate(stream.fork(kind), 59, kind, "conservative", asked))).toBe(false);
      const joint = jointRates(
        stream.fork(`joint ${kind}`),
        59,
        kind,
        { properties: 3, correlation: 0.8 },
        asked,
      ).joint;
      expect(above(joint)).toBe(false);
      expect(joint.fails).toBeGreaterThan(0);
    }
    expect(above(trainedRate(stream.fork("trained"), { ...asked, rounds: 300 }))).toBe(true);
    expect(above(ecdfRate(stream.fork("ecdf"), asked))).toBe(true);
  });

  it("leaves the joint test no less power than Bonferroni's, round by round", () => {
    const { joint, bonferroni } = jointRates(
      random(91),
      199,
      "continuous",
      { properties: 3, correlation: 0.8, shift: 2.5 },
      { rounds: 300, alpha: 0.05 },
    );
    expect(joint.fails).toBeGreaterThanOrEqual(bonferroni.fails);
    expect(bonferroni.fails).toBeGreaterThan(100);
  });
});

describe("tampering", () => {
  let made: Attested[];
  const verified = (bundle: Parameters<typeof verifyReceipt>[0]) =>
    verifyReceipt(bundle, trusted(benchKey)).verdict === "VERIFIED";
  beforeAll(async () => {
    made = await receipts(3, 44);
  });

  it.each(KINDS)("by %s is not accepted", (kind) => {
    const all = attacks(kind, made, 0, benchKey);
    expect(all.length).toBeGreaterThan(1);
    // Each of the few hundred flips costs a verification of its signature.
    const chosen = all.filter((_, i) => i % Math.ceil(all.length / 60) === 0);
    expect(chosen.filter((attack) => verified(attack()))).toEqual([]);
  });

  it("by the signer is not believed, and honest receipts are", () => {
    for (const one of made)
      expect(verified({ envelope: seal(payloadOf(one.statement), benchKey), content: one.content })).toBe(true);
    const told = made.flatMap((one) => lies(one, benchKey));
    expect(told.length).toBeGreaterThan(30);
    expect(told.filter((lie) => verified(lie()))).toEqual([]);
  });

  it("with a log is seen", () => {
    const { tried, accepted, honest } = logAttacks(made, benchKey);
    expect([accepted, honest]).toEqual([0, true]);
    expect(tried).toBeGreaterThan(8);
  });
});

describe("risk and coverage", () => {
  const one = (error: number, p: number, patient: string): Ranked => ({ error, p, gap: error, patient });
  const answers = [one(3, 0.1, "a"), one(1, 0.9, "b"), one(2, 0.5, "c")];

  it("is the mean over coverages of the mean error of the most trusted", () => {
    expect(area(answers, ({ p }) => -p)).toBeCloseTo((1 + 1.5 + 2) / 3, 12);
    expect(area(answers, ({ p }) => p)).toBeCloseTo((3 + 2.5 + 2) / 3, 12);
    expect(area(answers, () => 0)).toBeCloseTo(2, 12);
  });

  it("has intervals around it, and none for a ranking that says nothing of one patient", () => {
    const found = areas(answers);
    expect(found["aurc_gap"]).toBe(found["aurc_best"]);
    expect(found["aurc_p"]!).toBeLessThan(found["aurc_random"]!);
    expect(found["aurc_p_low"]!).toBeLessThanOrEqual(found["aurc_p"]!);
    expect(found["aurc_p_high"]!).toBeGreaterThanOrEqual(found["aurc_p"]!);
    const single = areas(answers.map((answer) => ({ ...answer, patient: "a" })));
    expect(single["aurc_p_low"]).toBe(single["aurc_p_high"]);
  });
});

describe("noisy paths", () => {
  it("are learned to less regret than the mean costs have, and to no less than the noise makes", async () => {
    const data = noisyPathData(4, { train: 400, validation: 60, test: 60 });
    const { test, validation, seconds } = await learnFpo("two-stage", data, 1);
    const edges = data.train.costs.length / data.train.count;
    const mean = Float64Array.from({ length: data.test.costs.length }, (_, at) => {
      let sum = 0;
      for (let n = 0; n < data.train.count; n++) sum += data.train.costs[n * edges + (at % edges)]!;
      return sum;
    });
    expect(test).toBeLessThan(0.5 * relativeRegret(4, data.test, mean));
    // The conditional means are best in expectation, not on each set of 60 samples.
    expect(test).toBeGreaterThan(0.8 * relativeRegret(4, data.test, data.testMeans));
    expect(validation).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(0);
  }, 60_000);
});
