/** @file Laws of layers: no pair breaks the constant, firm nonexpansiveness, gradients of convex functions. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/engine/session.js";
import { VouchError } from "../../src/errors.js";
import { leakyRelu, tanh } from "../../src/layers/activation.js";
import { affine } from "../../src/layers/affine.js";
import { complement } from "../../src/layers/complement.js";
import { compose } from "../../src/layers/compose.js";
import { firmlyNonexpansive } from "../../src/layers/firmly-nonexpansive.js";
import { isNonexpansive, type Layer } from "../../src/layers/layer.js";
import { maxMin } from "../../src/layers/max-min.js";
import { pointwise } from "../../src/layers/pointwise.js";
import { residualAverage } from "../../src/layers/residual-average.js";
import { ridgeGradient } from "../../src/layers/ridge-gradient.js";
import { differences } from "../../src/linear/differences.js";
import { matrix } from "../../src/linear/matrix.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import { graphInputs } from "../../src/tensor/graph.js";
import { type Feeds, interpret, prepare } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { mul, onesLike } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { concrete, elements, type Tensor } from "../../src/tensor/tensor.js";
import { gradient, vjp } from "../../src/tensor/vjp.js";
import { stretched, unfirm } from "../adversary.js";
import { type Array64, batchOf, combine, dot, minus, moved, norm, rows } from "../arrays.js";
import { layerCases } from "../cases/layers.js";

const seeds = fc.integer({ min: 1, max: 2 ** 30 });
const runs = { numRuns: 20, seed: 7 };
const SAMPLES = 3;

const scaled = (feeds: Feeds, by: number): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float64Array.from(data, (v) => by * v) },
    ]),
  );
const constantOf = ({ lipschitz }: Layer, feeds: Feeds) => interpret([lipschitz.value], feeds)[0]!.data[0]!;

describe.each(layerCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const layer = row.build();
  const { domain, feeds } = row;
  const x = input("x", domain);
  const y = layer.apply(x);
  const runner = prepare([y], [x], feeds);
  const run = (at: Array64) => runner({ x: at })[0]!;
  const draw = (seed: number) => batchOf(domain, SAMPLES, seed, 1.5);

  it("no pair that gradient ascent finds, near or far, is stretched by more than its constant", () => {
    const bound = constantOf(layer, feeds);
    const { value } = stretched(layer, domain, feeds);
    expect(layer.lipschitz.value.shape).toEqual([]);
    expect(layer.lipschitz.how).not.toBe("");
    expect(value).toBeLessThanOrEqual(bound * (1 + 1e-9));
    expect(bound / value, `${bound} for ${value}: ${row.because}`).toBeLessThanOrEqual(row.slack);
  });

  it("holds at any weights: small, large, and where it says never above a number", () => {
    for (const by of [1e-3, 30]) {
      const other = scaled(feeds, by);
      const bound = constantOf(layer, other);
      expect(stretched(layer, domain, other).value).toBeLessThanOrEqual(bound * (1 + 1e-9));
      if (layer.lipschitz.atMost !== undefined) expect(bound).toBeLessThanOrEqual(layer.lipschitz.atMost);
    }
  });

  it("its constant in the engine's float32 is above the stretch too", async () => {
    await using session = await compile([layer.lipschitz.value], { threads: 1 });
    const float32 = Object.fromEntries(
      graphInputs([layer.lipschitz.value]).map((weight) => {
        const { name } = weight.node.attributes as { name: string };
        return [name, { shape: feeds[name]!.shape, data: Float32Array.from(feeds[name]!.data) }];
      }),
    );
    const [bound] = await session.run(float32);
    expect(bound!.data[0]!).toBeGreaterThanOrEqual(stretched(layer, domain, feeds).value * (1 - 1e-6));
  });

  it("gradients in x and in every weight = central differences", () => {
    const loss = sum(mul(y, input("weigh", y.shape)));
    const weights = graphInputs([y]);
    const names = weights.map((w) => (w.node.attributes as { name: string }).name);
    const all: Feeds = { ...feeds, x: draw(17), weigh: batchOf(y.shape, SAMPLES, 18) };
    const slopes = interpret(gradient(loss, weights), all);
    names.forEach((name, i) => {
      const stride = Math.max(1, Math.floor(slopes[i]!.data.length / 8));
      for (let k = 0; k < slopes[i]!.data.length; k += stride) {
        const at = (h: number) => interpret([loss], moved(all, name, k, h))[0]!.data[0]!;
        const difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        expect(Math.abs(slopes[i]!.data[k]! - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)));
      }
    });
  });

  if (layer.firmly !== undefined) {
    it("‖Tx − Ty‖² ≤ ⟨Tx − Ty, x − y⟩ for random pairs and for those that ascent finds, at any weights", () => {
      expect(isNonexpansive(layer)).toBe(true);
      for (const by of [1, 30]) {
        expect(unfirm(layer, domain, scaled(feeds, by)).value).toBeLessThanOrEqual(1 + 1e-9);
      }
      fc.assert(
        fc.property(seeds, (seed) => {
          const [a, b] = [draw(seed), draw(seed + 1)];
          const [Ta, Tb] = [rows(run(a)), rows(run(b))];
          Ta.forEach((t, n) => {
            const apart = minus(t, Tb[n]!);
            expect(dot(apart, apart)).toBeLessThanOrEqual(dot(apart, minus(rows(a)[n]!, rows(b)[n]!)) + 1e-12);
          });
        }),
        runs,
      );
    });
  }

  const { potential } = layer;
  if (potential) {
    it("is the gradient of its potential, which is convex: symmetric Jacobian, monotone", () => {
      const phi = potential(x);
      const [slope] = vjp([phi], [onesLike(phi)], [x]).map((g) => interpret([g], { ...feeds, x: draw(3) })[0]!);
      expect(norm(minus(slope!.data, run(draw(3)).data))).toBeLessThan(1e-9 * (1 + norm(slope!.data)));
      const J = jacobian(y, x, feeds, rows(draw(4))[0]!);
      const n = elements(domain);
      const transposed = J.map((_, k) => J[(k % n) * n + Math.floor(k / n)]!);
      expect(norm(J)).toBeGreaterThan(0);
      expect(norm(minus(J, transposed))).toBeLessThan(1e-12 * norm(J));
      fc.assert(
        fc.property(seeds, fc.double({ min: 0, max: 1, noNaN: true }), (seed, t) => {
          const [a, b] = [draw(seed), draw(seed + 1)];
          const at = (p: Array64) => interpret([phi], { ...feeds, x: p })[0]!.data;
          const [Ta, Tb] = [rows(run(a)), rows(run(b))];
          const middle = at({ shape: a.shape, data: combine(t, a.data, 1 - t, b.data) });
          const [fa, fb] = [at(a), at(b)];
          Ta.forEach((u, n) => {
            expect(dot(minus(u, Tb[n]!), minus(rows(a)[n]!, rows(b)[n]!))).toBeGreaterThanOrEqual(-1e-12);
            expect(middle[n]!).toBeLessThanOrEqual(t * fa[n]! + (1 - t) * fb[n]! + 1e-9);
          });
        }),
        runs,
      );
    });

    if (layer.firmly !== undefined) {
      it("is the prox of f with f(Tx) = ⟨Tx, x⟩ − ½‖Tx‖² − φ(x): no Tw is better than Tv", () => {
        const phi = (p: Array64) => interpret([potential(x)], { ...feeds, x: p })[0]!.data;
        const f = (p: Array64) => rows(run(p)).map((t, n) => dot(t, rows(p)[n]!) - dot(t, t) / 2 - phi(p)[n]!);
        fc.assert(
          fc.property(seeds, (seed) => {
            const [v, w] = [draw(seed), draw(seed + 1)];
            const [fv, fw] = [f(v), f(w)];
            const [Tv, Tw] = [rows(run(v)), rows(run(w))];
            rows(v).forEach((vn, n) => {
              const best = fv[n]! + norm(minus(Tv[n]!, vn)) ** 2 / 2;
              expect(fw[n]! + norm(minus(Tw[n]!, vn)) ** 2 / 2).toBeGreaterThanOrEqual(best - 1e-9);
            });
          }),
          { numRuns: 8, seed: 7 },
        );
      });
    }
  }
});

describe("what breaks a law is found", () => {
  const domain = ["N", 2] as const;
  const A = input("A", [2, 2]);
  const turn: Feeds = {
    A: { shape: [2, 2], data: Float64Array.of(Math.cos(0.9), -Math.sin(0.9), Math.sin(0.9), Math.cos(0.9)) },
  };
  const rotation = affine(spectrallyNormalized(A, matrix));

  it("a constant a twentieth too small", () => {
    for (const layer of [rotation, pointwise(tanh), maxMin()]) {
      const found = stretched(layer, domain, turn).value;
      expect(found).toBeGreaterThan(0.95 * constantOf(layer, turn));
    }
  });

  it("1-Lipschitz layers that are not firmly nonexpansive: a rotation, sorting, too little of the identity", () => {
    for (const layer of [rotation, maxMin(), residualAverage(0.3, rotation)]) {
      expect(layer.firmly).toBeUndefined();
      expect(isNonexpansive(layer)).toBe(true);
      expect(unfirm(layer, domain, turn).value).toBeGreaterThan(1.1);
    }
    expect(unfirm(residualAverage(0.5, rotation), domain, turn).value).toBeLessThanOrEqual(1 + 1e-9);
  });

  it("a Jacobian that is not symmetric", () => {
    const x = input("x", domain);
    const J = jacobian(rotation.apply(x), x, turn, Float64Array.of(0.3, 0.7));
    expect(Math.abs(J[1]! - J[2]!)).toBeGreaterThan(1);
  });
});

describe("what is not 1-Lipschitz, not firmly nonexpansive or does not fit is refused by name", () => {
  const learned = affine(matrix(input("A", [3, 3])));
  const unit = affine(spectrallyNormalized(input("A", [3, 3]), matrix));
  const wide = affine(spectrallyNormalized(input("A", [1, 3]), matrix));
  const x = input("x", ["N", 3]);
  const wrong: [string, () => unknown, string][] = [
    ["firmlyNonexpansive", () => firmlyNonexpansive(learned), "matrix 3×3, with a constant that its weights decide"],
    ["firmlyNonexpansive", () => firmlyNonexpansive(compose([unit, learned])), "normalized matrix 3×3 → matrix 3×3"],
    [
      "firmlyNonexpansive",
      () => firmlyNonexpansive(affine(differences({ height: 2, width: 2 }))),
      "a constant up to 2.828",
    ],
    ["complement", () => complement(unit), "normalized matrix 3×3, 1-Lipschitz alone"],
    ["residualAverage", () => residualAverage(1.2, unit), "θ in [0, 1], got 1.2"],
    ["residualAverage", () => residualAverage(0.5, wide).apply(x), "[N, 3], got [N, 1]"],
    ["leakyRelu", () => leakyRelu(1.5), "a slope in [0, 1], got 1.5"],
    ["leakyRelu", () => leakyRelu(Number.NaN), "got NaN"],
    ["compose", () => compose([]), "at least one layer"],
    ["maxMin", () => maxMin().apply(x), "C even, got [N, 3]"],
  ];
  it.each(wrong)("%s: %#", (name, build, words) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}`));
    expect(build).toThrow(words);
  });

  it("and what fits is not", () => {
    expect(firmlyNonexpansive(compose([unit, pointwise(tanh), unit])).firmly).toBeDefined();
    expect(complement(firmlyNonexpansive(unit)).firmly).toBeDefined();
    expect(residualAverage(0.2, firmlyNonexpansive(unit)).firmly).toBeDefined();
    expect(ridgeGradient(matrix(input("A", [3, 3])), tanh).firmly).toBeUndefined();
    expect(ridgeGradient(spectrallyNormalized(input("A", [3, 3]), matrix), tanh).firmly).toBeDefined();
    expect(compose([unit, firmlyNonexpansive(unit)]).firmly).toBeUndefined();
  });
});

/** ∂y/∂x at one sample, row by row. */
function jacobian(y: Tensor, x: Tensor, feeds: Feeds, at: Float64Array): Float64Array {
  const n = at.length;
  const cotangent = input("cotangent", y.shape);
  const eye = new Float64Array(n * n);
  for (let i = 0; i < n; i++) eye[i * n + i] = 1;
  const copies = Float64Array.from({ length: n * n }, (_, k) => at[k % n]!);
  const [J] = interpret(vjp([y], [cotangent], [x]), {
    ...feeds,
    x: { shape: concrete(x.shape, n), data: copies },
    cotangent: { shape: concrete(y.shape, n), data: eye },
  });
  return J!.data;
}
