import { describe, expect, it } from "vitest";
import { dictionaryProblem, signals } from "../../src/applications/dictionary/data.js";

const problem = dictionaryProblem(2021);
const { m, n, r, A, M } = problem;

describe("dictionaryProblem", () => {
  it("has unit columns in A and a Gaussian M", () => {
    expect([A.length, M.length]).toEqual([100 * 250, 250 * 50]);
    for (let j = 0; j < n; j++) {
      let squares = 0;
      for (let i = 0; i < m; i++) squares += A[i * n + j]! ** 2;
      expect(Math.abs(squares - 1)).toBeLessThan(1e-6);
    }
    expect(Math.abs(M.reduce((a, b) => a + b * b, 0) / M.length - 1)).toBeLessThan(5 * Math.sqrt(2 / M.length));
  });

  it("repeats for a seed", () => {
    expect(dictionaryProblem(2021)).toEqual(problem);
    expect(dictionaryProblem(2022).A).not.toEqual(A);
    expect(() => dictionaryProblem(0.5)).toThrow(/^dictionaryProblem: expected a safe integer seed, got 0.5/);
  });
});

describe("signals", () => {
  const count = 4000;
  const { x, d } = signals(problem, count, "train");

  it("have variance 5 and are 0 in one of two hundred", () => {
    expect([x.length, d.length]).toEqual([count * n, count * m]);
    expect(Math.abs(x.reduce((a, b) => a + b * b, 0) / x.length - 5)).toBeLessThan(0.4);
    let zeros = 0;
    for (let k = 0; k < count; k++) if (d.subarray(k * m, (k + 1) * m).every((v) => v === 0)) zeros++;
    expect(Math.abs(zeros - count * 0.9 ** 50)).toBeLessThan(5 * Math.sqrt(count * 0.9 ** 50));
  });

  it("lie in the range of M", () => {
    // Gram–Schmidt of the columns of M; what it leaves of a signal is float32 rounding.
    const basis: Float64Array[] = [];
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
    const leftOf = (v: Float64Array) => {
      for (const q of basis) {
        const along = dot(q, v);
        q.forEach((a, i) => {
          v[i]! -= along * a;
        });
      }
      return v;
    };
    for (let k = 0; k < r; k++) {
      const v = leftOf(Float64Array.from({ length: n }, (_, i) => M[i * r + k]!));
      const length = Math.sqrt(dot(v, v));
      basis.push(v.map((a) => a / length));
    }
    for (let k = 0; k < 20; k++) {
      const signal = Float64Array.from(x.subarray(k * n, (k + 1) * n));
      const left = leftOf(signal.slice());
      expect(dot(left, left)).toBeLessThanOrEqual(1e-12 * dot(signal, signal));
    }
  });

  it("are measured as d = Ax of the float32 x", () => {
    for (let k = 0; k < 10; k++) {
      for (let i = 0; i < m; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += A[i * n + j]! * x[k * n + j]!;
        expect(d[k * m + i]).toBe(Math.fround(sum));
      }
    }
  });

  it("repeat for a label, continue for a larger count, and differ between labels", () => {
    const few = signals(problem, 10, "train");
    expect(few.x).toEqual(x.slice(0, 10 * n));
    expect(few.d).toEqual(d.slice(0, 10 * m));
    expect(signals(problem, 10, "test").x).not.toEqual(few.x);
    expect(() => signals(problem, -1, "train")).toThrow(/^signals: expected count an integer ≥ 0, got -1/);
  });
});
