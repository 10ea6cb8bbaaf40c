/** @file Laws of linear operators: adjoint, linearity, shapes, and a norm bound that bounds. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { conv2d } from "../../src/linear/conv2d.js";
import { identity } from "../../src/linear/identity.js";
import { incidence, incidenceMatrix } from "../../src/linear/incidence.js";
import type { LinearOperator } from "../../src/linear/linear.js";
import { matrix } from "../../src/linear/matrix.js";
import { sparse } from "../../src/linear/sparse.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import { stack } from "../../src/linear/stack.js";
import { symbolBound, torusBound } from "../../src/linear/symbol.js";
import { type Feeds, interpret } from "../../src/tensor/interpret.js";
import { constant, input } from "../../src/tensor/primitives/leaf.js";
import { concrete, elements, type Tensor } from "../../src/tensor/tensor.js";
import { gradient } from "../../src/tensor/vjp.js";
import { type Array64, batchOf, combine, dot, norm, rows, spectralNorm } from "../arrays.js";
import { grid, linearCases } from "../cases/linear.js";
import { smallSparse } from "../cases/primitives.js";

const seeds = fc.integer({ min: 1, max: 2 ** 30 });
const runs = { numRuns: 10, seed: 7 };

const forward = (S: LinearOperator, feeds: Feeds, x: Array64) =>
  interpret([S.apply(input("x", S.domain))], { ...feeds, x })[0]!;
const backward = (S: LinearOperator, feeds: Feeds, y: Array64) =>
  interpret([S.adjoint(input("y", S.range))], { ...feeds, y })[0]!;

/** ‖S‖ from its matrix, column by column: the batch is the identity. */
function trueNorm(S: LinearOperator, feeds: Feeds): number {
  const n = elements(S.domain);
  const eye = new Float64Array(n * n);
  for (let i = 0; i < n; i++) eye[i * n + i] = 1;
  const { data } = forward(S, feeds, { shape: concrete(S.domain, n), data: eye });
  return spectralNorm(data, data.length / n);
}

describe.each(linearCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const S = row.build();

  it("⟨Sx, y⟩ = ⟨x, S*y⟩ in each sample", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 3 }), (seed, batch) => {
        const x = batchOf(S.domain, batch, seed);
        const y = batchOf(S.range, batch, seed + 1);
        const [Sx, Sy] = [rows(forward(S, row.feeds, x)), rows(backward(S, row.feeds, y))];
        rows(x).forEach((xn, n) => {
          const yn = rows(y)[n]!;
          const scale = norm(Sx[n]!) * norm(yn) + norm(xn) * norm(Sy[n]!);
          expect(Math.abs(dot(Sx[n]!, yn) - dot(xn, Sy[n]!))).toBeLessThanOrEqual(1e-12 * scale);
        });
      }),
      runs,
    );
  });

  it("S(ax + bu) = aSx + bSu", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [x, u] = [batchOf(S.domain, 2, seed), batchOf(S.domain, 2, seed + 1)];
        const mixed = forward(S, row.feeds, { shape: x.shape, data: combine(1.7, x.data, -0.4, u.data) }).data;
        const apart = combine(1.7, forward(S, row.feeds, x).data, -0.4, forward(S, row.feeds, u).data);
        expect(norm(combine(1, mixed, -1, apart))).toBeLessThanOrEqual(1e-12 * (1 + norm(apart)));
        expect(norm(apart)).toBeGreaterThan(0);
      }),
      runs,
    );
  });

  it("has the shapes it declares, while written and when run", () => {
    expect(S.apply(input("x", S.domain)).shape).toEqual(S.range);
    expect(S.adjoint(input("y", S.range)).shape).toEqual(S.domain);
    expect(forward(S, row.feeds, batchOf(S.domain, 3, 1)).shape).toEqual(concrete(S.range, 3));
    expect(backward(S, row.feeds, batchOf(S.range, 3, 1)).shape).toEqual(concrete(S.domain, 3));
  });

  it(`bounds its norm within a factor ${row.slack.toFixed(2)}: ${row.because}`, async () => {
    const { value, how } = S.norm();
    const norms = trueNorm(S, row.feeds);
    const [exact] = interpret([value], row.feeds);
    expect(value.shape).toEqual([]);
    expect(how).not.toBe("");
    expect(exact!.data[0]!).toBeGreaterThanOrEqual(norms * (1 - 1e-6));
    expect(exact!.data[0]!).toBeLessThanOrEqual(norms * row.slack * (1 + 1e-3));
    await using session = await compile([value], { threads: 1 });
    const float32 = Object.entries(row.feeds).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]);
    const [single] = await session.run(Object.fromEntries(float32));
    expect(single!.data[0]!).toBeGreaterThanOrEqual(norms * (1 - 1e-6));
  });
});

describe("conv2d norm", () => {
  it("is above the norm of the convolution where the reshaped kernel's spectral norm is not", () => {
    const K = new Float32Array(9).fill(1 / 9);
    const S = conv2d(constant(K, [1, 1, 3, 3]), { height: 12, width: 12 });
    const reshaped = spectralNorm(Float64Array.from(K), 9);
    const norms = trueNorm(S, {});
    expect(reshaped).toBeLessThan(0.4 * norms);
    expect(interpret([S.norm().value], {})[0]!.data[0]!).toBeGreaterThanOrEqual(norms);
  });

  it("bounds many random filter banks", () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(1, 3, 5), fc.integer({ min: 1, max: 3 }), (seed, k, channels) => {
        const K = batchOf([2, channels, k, k], 0, seed);
        const S = conv2d(input("K", K.shape), { height: 6, width: 5 });
        expect(interpret([S.norm().value], { K })[0]!.data[0]!).toBeGreaterThanOrEqual(trueNorm(S, { K }));
      }),
      { numRuns: 12, seed: 7 },
    );
  });
});

describe("conv2d norm of many channels", () => {
  it("is near 1 for the identity of 8 channels, where the Frobenius norm over channels is √8", () => {
    const K = new Float32Array(8 * 8 * 9);
    for (let c = 0; c < 8; c++) K[(c * 8 + c) * 9 + 4] = 1;
    const S = conv2d(constant(K, [8, 8, 3, 3]), { height: 4, width: 4 });
    expect(Math.abs(trueNorm(S, {}) - 1)).toBeLessThan(1e-12);
    const bound = interpret([S.norm().value], {})[0]!.data[0]!;
    expect(bound).toBeGreaterThanOrEqual(1);
    // 8^(1/16) of the Schatten norm and 2^(1/16) of the grid.
    expect(bound).toBeLessThan(16 ** (1 / 16) * 1.001);
  });
});

describe.each([
  ["symbolBound", symbolBound],
  ["torusBound", torusBound],
] as const)("gradient of %s", (_, bound) => {
  it.each([[3, 2] as const, [2, 3] as const])("= central differences, %i to %i channels", (channels, out) => {
    const K = input("K", [out, channels, 3, 3]);
    const { value } = bound(K, { height: 5, width: 6 });
    const at = batchOf([out, channels, 3, 3], 0, 11);
    const toward = batchOf([out, channels, 3, 3], 0, 12);
    const [slope] = interpret(gradient(value, [K]), { K: at });
    const step = 1e-6;
    const moved = (t: number) => {
      const data = at.data.map((w, i) => w + t * toward.data[i]!);
      return interpret([value], { K: { ...at, data } })[0]!.data[0]!;
    };
    const difference = (moved(step) - moved(-step)) / (2 * step);
    expect(Math.abs(difference)).toBeGreaterThan(1e-3);
    expect(Math.abs(dot(slope!.data, toward.data) - difference)).toBeLessThan(1e-7 * Math.abs(difference));
  });
});

describe("bounds of weights that vanish", () => {
  const bounds: [string, Tensor, (W: Tensor) => LinearOperator][] = [
    ["matrix", input("W", [3, 4]), matrix],
    ["conv2d of one channel", input("W", [3, 1, 3, 3]), (W) => conv2d(W, { height: 4, width: 4 })],
    ["conv2d", input("W", [3, 2, 3, 3]), (W) => conv2d(W, { height: 4, width: 4 })],
  ];
  it.each(bounds)("%s: nearly 0, with a finite gradient", (_, W, operatorOf) => {
    const shape = W.shape as number[];
    const zero = { shape, data: new Float64Array(shape.reduce((p, n) => p * n, 1)) };
    const { value } = operatorOf(W).norm();
    const [bound, slope] = interpret([value, ...gradient(value, [W])], { W: zero });
    expect(bound!.data[0]!).toBeGreaterThanOrEqual(0);
    expect(bound!.data[0]!).toBeLessThan(1e-6);
    expect(slope!.data.every(Number.isFinite)).toBe(true);
  });
});

describe("spectrallyNormalized", () => {
  const K = input("K", [3, 2, 3, 3]);
  const plain = (W: Tensor) => conv2d(W, { height: 6, width: 5 });
  const S = spectrallyNormalized(K, plain);
  const x = batchOf(S.domain, 2, 3);

  it("leaves an operator whose bound is at most 1 as it is, bit by bit", () => {
    const feeds = { K: batchOf([3, 2, 3, 3], 0, 9, 0.05) };
    const bound = interpret([plain(K).norm().value], feeds)[0]!.data[0]!;
    expect(bound).toBeLessThan(1);
    expect(forward(S, feeds, x).data).toEqual(forward(plain(K), feeds, x).data);
    expect(interpret([S.norm().value], feeds)[0]!.data[0]!).toBe(bound);
  });

  it("divides any other by its bound, and says at most 1 of both", () => {
    const feeds = { K: batchOf([3, 2, 3, 3], 0, 9, 50) };
    const bound = interpret([plain(K).norm().value], feeds)[0]!.data[0]!;
    expect(bound).toBeGreaterThan(1);
    const divided = forward(plain(K), feeds, x).data.map((value) => value / bound);
    expect(norm(combine(1, forward(S, feeds, x).data, -1, divided))).toBeLessThan(1e-12 * norm(divided));
    expect(interpret([S.norm().value], feeds)[0]!.data[0]!).toBe(1);
    expect(S.norm().atMost).toBe(1);
    expect(plain(K).norm().atMost).toBeUndefined();
  });
});

describe("matrix norm", () => {
  it("is a bound at every scale the engine's float32 can hold", async () => {
    const A = input("A", [4, 5]);
    await using session = await compile([matrix(A).norm().value], { threads: 1 });
    for (const scale of [1e-8, 1e-3, 1, 1e3, 1e8]) {
      const value = batchOf([4, 5], 0, 11, scale);
      const [bound] = await session.run({ A: { shape: [4, 5], data: Float32Array.from(value.data) } });
      const norms = spectralNorm(value.data, 5);
      expect(bound!.data[0]!).toBeGreaterThanOrEqual(norms * (1 - 1e-6));
      expect(bound!.data[0]!).toBeLessThanOrEqual(norms * 1.07);
    }
  });
});

describe("incidence", () => {
  it("takes from the tail of an edge what it gives to the head", () => {
    const S = incidence({
      nodes: 3,
      edges: [
        [0, 1],
        [1, 2],
        [0, 2],
      ],
    });
    expect([...forward(S, {}, { shape: [1, 3], data: Float64Array.of(2, 3, 5) }).data]).toEqual([-7, -1, 8]);
    expect([...backward(S, {}, { shape: [1, 3], data: Float64Array.of(2, 3, 5) }).data]).toEqual([1, 2, 3]);
  });

  it("is its matrix", () => {
    const graph = grid(3);
    const { shape, data } = incidenceMatrix(graph);
    const x = batchOf(["N", graph.edges.length], 2, 5);
    expect(forward(incidence(graph), {}, x)).toEqual(forward(matrix(constant(data, shape)), {}, x));
  });
});

describe("what does not fit is refused by name", () => {
  const wrong: [string, () => unknown][] = [
    ["matrix", () => matrix(input("A", [3]))],
    ["matrix", () => matrix(input("A", ["N", 3]))],
    ["conv2d", () => conv2d(input("K", [2, 1, 4, 4]), { height: 8, width: 8 })],
    ["conv2d", () => conv2d(input("K", [2, 1, 3, 5]), { height: 8, width: 8 })],
    ["sparse", () => sparse("A", smallSparse(4, 3, 4).rows, { domain: ["N", 11] })],
    ["incidence", () => incidence({ nodes: 1, edges: [] })],
    ["incidence", () => incidence({ nodes: 2, edges: [[0, 2]] })],
    ["incidence", () => incidence({ nodes: 2, edges: [[-1, 0]] })],
    ["incidence", () => incidence({ nodes: 2, edges: [[0, 0.5]] })],
    ["incidence", () => incidence({ nodes: 2, edges: [[1, 1]] })],
    ["incidence", () => incidenceMatrix({ nodes: 3, edges: [[0, 1]] })],
    ["stack", () => stack({})],
    ["stack", () => stack({ a: identity(["N", 3]), b: identity(["N", 4]) })],
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });

  it("a graph's errors name the node and the edge", () => {
    const edges: [number, number][] = [
      [0, 1],
      [3, 4],
    ];
    expect(() => incidence({ nodes: 4, edges })).toThrow("got node 4 in edge 1 from 3 to 4");
    expect(() => incidence({ nodes: 5, edges })).toThrow("got no way from node 0 to node 2");
  });
});
