/** @file Joint tests, rates, drift and explanations: exact rules against their definitions, levels against chance. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Certificate } from "../src/certificates/certify.js";
import { driftFrom, observe } from "../src/certificates/drift.js";
import { explain, usualAdvice } from "../src/certificates/explain.js";
import { holm, type Joint, jointRank, jointTest } from "../src/certificates/joint.js";
import {
  conformalRank,
  conformalShares,
  randomizedLabel,
  randomizedP,
  supporting,
} from "../src/certificates/labels.js";
import { binomialTail, clopperPearson, dkwBand, realisedRate } from "../src/certificates/realised-rate.js";
import { type Random, random } from "../src/random.js";
import { sha256Hex, toHex } from "../src/verify/digest.js";
import { merklePath, merkleRoot, merkleRootOf } from "../src/verify/merkle.js";

/** By scipy 1.10. */
const GOLDEN = {
  none: [0.0, 0.30849710781876294],
  seven: [0.04246878737883378, 0.3091069659648189],
  thousand: [0.04611289576250078, 0.05410298872240627],
  beta: [0.09007355819196766],
};

/** Four binomial standard errors. */
const margin = (p: number, rounds: number) => 4 * Math.sqrt((p * (1 - p)) / rounds);

describe("randomised ties", () => {
  it("lie between the p-values that count ties and that do not", () => {
    const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: 0, max: 7 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, alpha, u) => {
          const { k, of } = conformalRank(list, alpha);
          const above = list.filter((v) => v > alpha).length;
          const p = randomizedP(list, alpha, u);
          expect(p).toBeGreaterThanOrEqual(above / of);
          expect(p).toBeLessThanOrEqual(k / of);
          expect(randomizedP(list, alpha, 1)).toBeCloseTo(k / of, 12);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it("make the false-alarm rate 5 % exactly where nearly all values tie", () => {
    const [rounds, stream] = [20_000, random(7)];
    const label = randomizedLabel(stream.fork("ties"));
    const draw = () => (stream.uniform() < 0.9 ? 0 : 1);
    let fails = 0;
    for (let i = 0; i < rounds; i++) {
      if (label(Array.from({ length: 30 }, draw), draw()).label === "fail") fails++;
    }
    expect(Math.abs(fails / rounds - 0.05)).toBeLessThan(margin(0.05, rounds));
  });
});

describe("conformalShares", () => {
  const values = Array.from({ length: 99 }, (_, i) => i);
  it("are eq. (12)'s p_p, p_w, p_f", () => {
    const label = conformalShares({ pass: 0.9, warning: 0.06, fail: 0.04 });
    const labels = Array.from({ length: 100 }, (_, i) => label(values, i - 0.5).label);
    const share = (wanted: string) => labels.filter((found) => found === wanted).length;
    expect([share("pass"), share("warning"), share("fail")]).toEqual([90, 6, 4]);
  });
  it.each([
    { pass: 0.9, warning: 0.06, fail: 0.05 },
    { pass: 1, warning: 0, fail: 0 },
    { pass: 1.05, warning: -0.1, fail: 0.05 },
  ])("refuse %o", (shares) => expect(() => conformalShares(shares)).toThrow(/add up to 1/));
});

describe("jointTest", () => {
  /** The definition, counted. */
  function literal(columns: readonly (readonly number[])[], row: readonly number[]): number {
    const pool = columns[0]!.map((_, i) => columns.map((column) => column[i]!)).concat([[...row]]);
    const least = pool.map((s) => Math.min(...s.map((v, j) => pool.filter((other) => other[j]! >= v).length)));
    return least.filter((c) => c <= least.at(-1)!).length;
  }
  const table = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 25 })).chain(([m, N]) =>
    fc.tuple(
      fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: N, maxLength: N }), {
        minLength: m,
        maxLength: m,
      }),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: m, maxLength: m }),
    ),
  );

  it("counts as it is defined, is conformal for one property and never above Bonferroni", () => {
    fc.assert(
      fc.property(table, ([columns, row]) => {
        const { k, of } = jointRank(
          columns.map((c) => Float64Array.from(c)),
          Float64Array.from(row),
        );
        expect(k).toBe(literal(columns, row));
        const single = columns.map((column, j) => conformalRank(column, row[j]!).k);
        if (columns.length === 1) expect(k).toBe(single[0]);
        expect(k).toBeLessThanOrEqual(columns.length * Math.min(...single));
        expect(of).toBe(columns[0]!.length + 1);
      }),
      { numRuns: 400, seed: 2 },
    );
  });

  it("ranks a value that is not a number with the worst", () => {
    const column = Float64Array.from({ length: 19 }, (_, i) => i);
    expect(jointRank([column], Float64Array.of(Number.NaN))).toEqual({ k: 1, of: 20 });
  });

  const names = ["a", "b", "c"];
  /** Correlated scores: √ρ z + √(1 − ρ) eⱼ. */
  const draw = (stream: Random, rho: number) => {
    const z = stream.normal();
    return names.map(() => Math.sqrt(rho) * z + Math.sqrt(1 - rho) * stream.normal());
  };
  const test = (rows: readonly number[][], row: readonly number[]): Joint =>
    jointTest(
      Object.fromEntries(names.map((name, j) => [name, rows.map((r) => r[j]!)])),
      Object.fromEntries(names.map((name, j) => [name, row[j]!])),
    );

  it.each([0, 0.8])("at correlation %s fails at most 1 in 20 exchangeable inferences", (rho) => {
    const [rounds, stream] = [4000, random(11)];
    let fails = 0;
    for (let i = 0; i < rounds; i++) {
      const joint = test(
        Array.from({ length: 59 }, () => draw(stream, rho)),
        draw(stream, rho),
      );
      if (joint.verdict === "TESTED" && joint.label === "fail") fails++;
    }
    expect(fails / rounds).toBeLessThan(0.05 + margin(0.05, rounds));
    expect(fails / rounds).toBeGreaterThan(0.02);
  });

  it("names the property that is off", () => {
    const stream = random(12);
    const rows = Array.from({ length: 199 }, () => draw(stream, 0.5));
    const joint = test(rows, [0, 9, 0]);
    expect(joint).toMatchObject({ verdict: "TESTED", label: "fail", culprits: ["b"] });
    expect(test(rows, [0, 0, 0])).toMatchObject({ label: "pass", culprits: [] });
  });

  it.each([
    [3, 0.05, 59],
    [4, 0.01, 399],
    [1, 0.05, 19],
  ])("%i properties at level %s are refused below N = %i, with the N that would do", (m, fail, enough) => {
    const columns = Object.fromEntries(
      Array.from({ length: m }, (_, j) => [`p${j}`, Array.from({ length: enough }, (_, i) => i)]),
    );
    const row = Object.fromEntries(Object.keys(columns).map((name) => [name, enough]));
    expect(supporting(fail, m)).toBe(enough);
    expect(jointTest(columns, row, { fail })).toMatchObject({ verdict: "TESTED", label: "fail" });
    const fewer = Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list.slice(1)]));
    expect(jointTest(fewer, row, { fail })).toMatchObject({ verdict: "REFUSED", enough });
  });
});

describe("holm", () => {
  it("steps down to the first that is kept", () => {
    expect(holm({ a: 0.04, b: 0.01, c: 0.02 }, 0.05)).toEqual(["b", "c", "a"]);
    expect(holm({ a: 0.04, b: 0.01, c: 0.03 }, 0.05)).toEqual(["b"]);
    expect(holm({ a: 0.02, b: 0.02, c: 0.02 }, 0.05)).toEqual([]);
  });
});

describe("rates", () => {
  it("binomial tails add up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (n, x) => {
        let term = (1 - x) ** n;
        let below = 0;
        for (let k = 0; k <= n; k++) {
          expect(binomialTail(k, n, x)).toBeCloseTo(1 - below, 10);
          below += term;
          term *= ((n - k) / (k + 1)) * (x / (1 - x));
        }
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  // scipy.stats.binomtest(k, n).proportion_ci(c, "exact") and scipy.stats.beta.ppf(0.95, 5, 95)
  it("agree with scipy", () => {
    const close = (found: readonly number[], expected: readonly number[]) => {
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 9);
    };
    close(clopperPearson(0, 10), GOLDEN.none);
    close(clopperPearson(7, 50, 0.99), GOLDEN.seven);
    close(clopperPearson(1000, 20_000, 0.99), GOLDEN.thousand);
    close([realisedRate(99, 0.05).atMost], GOLDEN.beta);
  });

  it("say what a calibration set is worth, or refuse", () => {
    expect(realisedRate(199, 0.05).mean).toBe(0.05);
    expect(realisedRate(199, 0.05).sentence).toMatch(
      /^with 95 % confidence at most 7\.\d+ % of honest inferences fail/,
    );
    expect(() => realisedRate(18, 0.05)).toThrow(/at least 19/);
  });

  it("bound the realised rate with their confidence", () => {
    const [rounds, N, stream] = [2000, 59, random(31)];
    const { atMost } = realisedRate(N, 0.05);
    let beyond = 0;
    for (let i = 0; i < rounds; i++) {
      const u = Array.from({ length: N }, () => stream.uniform()).sort((a, b) => a - b);
      // Of uniform values the third largest is where p = 3/60.
      if (1 - u[N - 3]! > atMost) beyond++;
    }
    expect(Math.abs(beyond / rounds - 0.05)).toBeLessThan(margin(0.05, rounds));
  });

  it("the DKW band has its known widths", () => {
    expect(dkwBand(100)).toBeCloseTo(0.136, 3);
    expect(dkwBand(2000)).toBeCloseTo(0.0304, 4);
  });
});

describe("drift", () => {
  const run = (seed: number, steps: number, shift: number) => {
    const stream = random(seed);
    let state = driftFrom(Array.from({ length: 50 }, () => stream.normal()));
    for (let i = 0; i < steps && !state.alarm; i++) state = observe(state, stream.normal() + shift, stream.uniform());
    return state;
  };

  it("rarely alarms while nothing changes, and soon after a change", () => {
    const quiet = Array.from({ length: 300 }, (_, i) => run(i, 150, 0)).filter(({ alarm }) => alarm).length;
    expect(quiet / 300).toBeLessThan(0.01 + margin(0.01, 300));
    const shifted = Array.from({ length: 30 }, (_, i) => run(1000 + i, 150, 2)).filter(({ alarm }) => alarm).length;
    expect(shifted).toBe(30);
  });

  it("is ε p^(ε−1) a bet, over all values seen", () => {
    const state = observe(driftFrom([1, 2, 3]), 2, 0.5, { epsilon: 0.5 });
    expect(state.p).toBe((1 + 0.5 * 2) / 4);
    expect(state.logWealth).toBeCloseTo(Math.log(0.5 * 0.5 ** -0.5), 12);
    expect(state.seen).toEqual([1, 2, 2, 3]);
    expect(observe(state, Number.NaN, 0.5).p).toBe(0.5 / 5);
    expect(() => observe(state, 1, 1)).toThrow(/\[0, 1\)/);
    expect(() => observe(state, 1, 0, { level: 0 })).toThrow(/level/);
  });
});

describe("explain", () => {
  const certificate: Certificate = {
    property: "fidelity",
    kind: "distance to ball",
    value: 0.125,
    p: 0.02,
    rank: { k: 1, of: 50 },
    label: "fail",
    term: "fidelity",
    because: "…",
  };
  it("walks from the value to what to try", () => {
    const links = explain(certificate);
    expect(links.map(({ link }) => link)).toEqual(["value", "distribution", "term", "cause", "remedy"]);
    expect(links[0]!.text).toBe("distance to ball is 0.125");
    expect(links[1]!.text).toContain("0 of 49 calibration samples");
    expect(links[3]!.text).toContain(usualAdvice["distance to ball"]!.cause);
  });
  it("gives no cause for a pass, and the user's own advice where there is some", () => {
    expect(explain({ ...certificate, label: "pass" }).map(({ link }) => link)).toEqual([
      "value",
      "distribution",
      "term",
    ]);
    const own = explain(
      { ...certificate, kind: "slippage" },
      { slippage: { cause: "thin pools", remedy: "trade less" } },
    );
    expect(own.at(-1)!.text).toBe("try: trade less");
    expect(explain({ ...certificate, kind: "slippage" }).at(-1)!.text).toContain("check the data and operator");
  });
});

describe("Merkle trees", () => {
  const leaves = (n: number) => Array.from({ length: n }, (_, i) => new TextEncoder().encode(`leaf ${i}`));
  // RFC 6962: the empty tree, and one leaf 0x00.
  it("have the roots of RFC 6962", () => {
    expect(toHex(merkleRoot([]))).toBe(sha256Hex(new Uint8Array(0)));
    expect(toHex(merkleRoot([new Uint8Array(0)]))).toBe(
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    );
  });
  it.each([1, 2, 3, 7, 8, 13])("prove every leaf of %i, and no other", (n) => {
    const list = leaves(n);
    const root = toHex(merkleRoot(list));
    list.forEach((leaf, i) => {
      const path = merklePath(list, i);
      expect(toHex(merkleRootOf(leaf, i, n, path))).toBe(root);
      expect(toHex(merkleRootOf(Uint8Array.of(1), i, n, path))).not.toBe(root);
    });
    expect(toHex(merkleRoot(list.toReversed()))).not.toBe(n > 1 ? root : "");
  });
});
