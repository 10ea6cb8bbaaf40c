/** @file Laws of proximable functions: prox, conjugate, their identities, gradients, property. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VouchError } from "../../src/errors.js";
import { type Proximable, proxConjugate } from "../../src/functions/function.js";
import { groupL21 } from "../../src/functions/group-l21.js";
import { huber } from "../../src/functions/huber.js";
import { quadratic } from "../../src/functions/quadratic.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { graphInputs } from "../../src/tensor/graph.js";
import { type Feeds, interpret } from "../../src/tensor/interpret.js";
import { sum } from "../../src/tensor/primitives/broadcast.js";
import { add, mul } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradient } from "../../src/tensor/vjp.js";
import { type Array64, batchOf, combine, dot, minus, moved, norm, rows, scalar } from "../arrays.js";
import { type FunctionCase, functionCases } from "../cases/functions.js";
import { SAMPLES } from "../cases/sets.js";

const cases = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
  lambda: fc.double({ min: 0.2, max: 2.5, noNaN: true }),
});
const runs = { numRuns: 20, seed: 7 };
/** Moves a point this far into a domain whose edge it may have crossed by rounding. */
const INSIDE = 1e-10;

/** A row's function, and how it is drawn for and run. */
function setUp(row: FunctionCase) {
  const f = row.build();
  const v = input("v", row.shape);
  const step = input("step", []);
  const draw = (seed: number, scale = 1.5) => batchOf(row.shape, SAMPLES, seed, scale);
  const run = (tensor: Tensor, value: Array64, lambda = 1) =>
    interpret([tensor], { ...row.feeds, v: value, step: scalar(lambda) })[0]!;
  const prox = (value: Array64, lambda: number) => run(f.prox(v, step), value, lambda);
  const dualProx = (value: Array64, alpha: number, g: Proximable = f) => run(proxConjugate(g, v, step), value, alpha);
  const batch = (shape: readonly number[], parts: readonly Float64Array[]): Array64 => ({
    shape,
    data: Float64Array.from(parts.flatMap((part) => [...part])),
  });
  const members = (seed: number) => {
    const u = draw(seed);
    return batch(
      u.shape,
      rows(u).map((a, n) => row.member(a, n)),
    );
  };
  const inward = (p: Array64) =>
    batch(
      p.shape,
      rows(p).map((a, n) => combine(1 - INSIDE, a, INSIDE, row.centre(n))),
    );
  return { f, v, step, draw, run, prox, dualProx, batch, members, inward };
}

describe.each(functionCases.map((row) => [`${row.factory} ${row.title}`, row] as const))("%s", (_, row) => {
  const { f, v, step, draw, run, prox, dualProx, batch, members, inward } = setUp(row);

  it(row.noConjugate ? `has no conjugate: ${row.noConjugate}` : "has a conjugate", () => {
    expect(f.conjugate === undefined).toBe(row.noConjugate !== undefined);
  });

  it("value = f by hand on the domain", () => {
    fc.assert(
      fc.property(cases, ({ seed }) => {
        const u = inward(members(seed));
        if (row.thin) {
          expect(Math.max(...run(f.set!.distance(v), u).data)).toBeLessThan(1e-14);
          return;
        }
        run(f.value!(v), u).data.forEach((value, n) => {
          expect(Math.abs(value - row.value(rows(u)[n]!, n))).toBeLessThan(1e-12);
        });
      }),
      runs,
    );
  });

  it("p = prox(v) minimises f(u) + ‖u − v‖²/(2λ): no random u is better, a naive search ends there", () => {
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const value = draw(seed);
        const p = rows(prox(value, lambda));
        rows(value).forEach((vn, n) => {
          const objective = (u: Float64Array) => row.value(u, n) + norm(minus(u, vn)) ** 2 / (2 * lambda);
          for (let k = 1; k <= 5; k++) {
            const u = rows(members(seed + k))[n]!;
            const near = combine(0.99, p[n]!, 0.01, u);
            expect(objective(u)).toBeGreaterThanOrEqual(objective(p[n]!) - 1e-12);
            expect(objective(near)).toBeGreaterThanOrEqual(objective(p[n]!) - 1e-12);
          }
        });
      }),
      runs,
    );
    const value = draw(77);
    rows(prox(value, 0.8)).forEach((pn, n) => {
      expect(norm(minus(pn, row.nearest(rows(value)[n]!, 0.8, n)))).toBeLessThan(1e-6);
    });
  });

  it("‖prox v − prox w‖² ≤ ⟨prox v − prox w, v − w⟩", () => {
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const [a, b] = [draw(seed), draw(seed + 1)];
        const [pa, pb] = [rows(prox(a, lambda)), rows(prox(b, lambda))];
        pa.forEach((p, n) => {
          const apart = minus(p, pb[n]!);
          expect(dot(apart, apart)).toBeLessThanOrEqual(dot(apart, minus(rows(a)[n]!, rows(b)[n]!)) + 1e-12);
        });
      }),
      runs,
    );
  });

  it("prox_{λf}(v) + λ prox_{f*/λ}(v/λ) = v, the specialised prox of f* equal to Moreau's", () => {
    const { proxConjugate: _, ...plain } = f;
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const value = draw(seed);
        const scaled = { shape: value.shape, data: value.data.map((a) => a / lambda) };
        const dual = dualProx(scaled, 1 / lambda).data;
        const total = combine(1, prox(value, lambda).data, lambda, dual);
        expect(norm(minus(total, value.data))).toBeLessThan(1e-12);
        expect(norm(minus(dual, dualProx(scaled, 1 / lambda, plain).data))).toBeLessThan(1e-12);
      }),
      runs,
    );
  });

  it("gradient of the prox in v, λ and every parameter = central difference at generic points", () => {
    const names = ["v", "step", ...Object.keys(row.feeds)];
    const loss = weigh(f.prox(v, step));
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const feeds: Feeds = { ...row.feeds, v: draw(seed), step: scalar(lambda), weights: draw(seed + 9) };
        const inputs = names.map((name) => graphInput(loss, name));
        const slopes = interpret(
          gradient(
            loss,
            inputs.filter((x) => x !== undefined),
          ),
          feeds,
        );
        inputs
          .flatMap((x, i) => (x === undefined ? [] : [names[i]!]))
          .forEach((name, i) => {
            slopes[i]!.data.forEach((slope, k) => {
              const at = (h: number) => interpret([loss], moved(feeds, name, k, h))[0]!.data[0]!;
              const difference = (at(1e-6) - at(-1e-6)) / 2e-6;
              expect(Math.abs(slope - difference)).toBeLessThan(1e-7 * (1 + Math.abs(difference)));
            });
          });
      }),
      { numRuns: 8, seed: 7 },
    );
  });

  it("gradient of the prox in v is finite where v is a centre", () => {
    const loss = add(weigh(f.prox(v, step)), sum(mul(v, v)));
    const value = batch(
      draw(1).shape,
      Array.from({ length: SAMPLES }, (_, n) => row.centre(n)),
    );
    const slope = interpret(gradient(loss, [v]), { ...row.feeds, v: value, step: scalar(0.7), weights: draw(2) })[0]!;
    expect([...slope.data].filter((g) => !Number.isFinite(g))).toEqual([]);
  });

  it("property is one number ≥ 0 a sample", () => {
    expect(f.property.kind).not.toBe("");
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const value = draw(seed);
        const measured = run(f.property.measure(v), value);
        expect(measured.shape).toEqual([SAMPLES]);
        measured.data.forEach((alpha) => {
          expect(alpha).toBeGreaterThanOrEqual(0);
        });
        if (row.factory !== "indicator") return;
        const p = prox(value, lambda);
        measured.data.forEach((alpha, n) => {
          expect(Math.abs(alpha - norm(minus(rows(value)[n]!, rows(p)[n]!)))).toBeLessThan(1e-12);
        });
        run(f.property.measure(v), p).data.forEach((alpha) => {
          expect(alpha).toBeLessThan(1e-14);
        });
      }),
      runs,
    );
  });
});

describe.each(
  functionCases.filter((row) => row.build().conjugate).map((row) => [`${row.factory} ${row.title}`, row] as const),
)("conjugate: %s", (_, row) => {
  const { f, v, draw, run, prox, dualProx, batch, members, inward } = setUp(row);
  const shrunk = (y: Array64) =>
    batch(
      y.shape,
      rows(y).map((a) => combine(1 - INSIDE, a, INSIDE, row.dualCentre)),
    );

  it("q = prox_{αf*}(w) minimises f*(y) + ‖y − w‖²/(2α) over the domain of f*", () => {
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const w = draw(seed);
        const objective = (y: Array64) => {
          const conjugate = run(f.conjugate!(v), shrunk(y)).data;
          return rows(y).map((yn, n) => conjugate[n]! + norm(minus(yn, rows(w)[n]!)) ** 2 / (2 * lambda));
        };
        const least = objective(dualProx(w, lambda));
        objective(dualProx(draw(seed + 1), 1)).forEach((other, n) => {
          expect(least[n]!).toBeLessThan(Number.POSITIVE_INFINITY);
          expect(other).toBeGreaterThanOrEqual(least[n]! - 1e-8);
        });
      }),
      runs,
    );
  });

  it("f(u) + f*(y) ≥ ⟨u, y⟩, with equality at p = prox(v), y = (v − p)/λ", () => {
    fc.assert(
      fc.property(cases, ({ seed, lambda }) => {
        const [value, u] = [draw(seed), inward(members(seed + 1))];
        const p = prox(value, lambda);
        const y = shrunk({ shape: p.shape, data: combine(1 / lambda, value.data, -1 / lambda, p.data) });
        const at = inward(p);
        const conjugate = run(f.conjugate!(v), y).data;
        const [fu, fp] = [u, at].map((point) =>
          row.thin ? rows(point).map((w, n) => row.value(w, n)) : run(f.value!(v), point).data,
        );
        const free = run(f.conjugate!(v), draw(seed + 2)).data;
        rows(y).forEach((yn, n) => {
          expect(fu![n]! + conjugate[n]!).toBeGreaterThanOrEqual(dot(rows(u)[n]!, yn) - 1e-8);
          expect(Math.abs(fp![n]! + conjugate[n]! - dot(rows(at)[n]!, yn))).toBeLessThan(1e-8);
          const pair = dot(rows(u)[n]!, rows(draw(seed + 2))[n]!);
          expect(fu![n]! + free[n]!).toBeGreaterThanOrEqual(pair - 1e-12);
        });
      }),
      runs,
    );
  });
});

/** Σ w∘y with the weights of a feed: every element counts differently. */
function weigh(y: Tensor): Tensor {
  return sum(
    mul(y, input("weights", y.shape)),
    y.shape.map((_, axis) => axis),
  );
}

function graphInput(y: Tensor, name: string): Tensor | undefined {
  return graphInputs([y]).find((x) => (x.node.attributes as { name: string }).name === name);
}

describe("parameters out of range are refused by name", () => {
  const wrong: [string, () => unknown][] = [
    ["l1", () => l1(-1)],
    ["l1", () => l1(Number.NaN)],
    ["groupL21", () => groupL21(1, 0)],
    ["groupL21", () => groupL21(1, Number.NaN)],
    ["huber", () => huber(0)],
    ["huber", () => huber(1, -1)],
    ["quadratic", () => quadratic(input("c", ["N", 2]), 0)],
    ["quadratic", () => quadratic(input("c", ["N", 2]), Number.NaN)],
  ];
  it.each(wrong)("%s", (name, build) => {
    expect(build).toThrow(VouchError);
    expect(build).toThrow(new RegExp(`^${name}: expected`));
  });
});
