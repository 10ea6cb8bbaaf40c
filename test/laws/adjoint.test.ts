/** @file Laws of solvers of adjoint systems: (I − J)ᵀv = g sample by sample, or its least-squares solution of least norm. */

import { Matrix, pseudoInverse, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { cgls } from "../../src/backward/cgls.js";
import { inMetric, type Jacobian, linearise } from "../../src/backward/jacobian.js";
import { compile } from "../../src/engine/session.js";
import { l1 } from "../../src/functions/weighted-l1.js";
import { matrix } from "../../src/linear/matrix.js";
import type { Operator } from "../../src/operator.js";
import { linearizedAdmm } from "../../src/splitting/linearized-admm.js";
import { interpret } from "../../src/tensor/interpret.js";
import { add } from "../../src/tensor/primitives/elementwise.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import { matmul } from "../../src/tensor/primitives/matmul.js";
import { mapTensors, type Tree, tensorLeaves } from "../../src/tensor/tree.js";
import { type Array64, dot, minus, norm, normal, rows, spectralNorm, times, timesTransposed } from "../arrays.js";
import { adjointCases } from "../cases/adjoint.js";
import { type FixedPointCase, fixedPointCases } from "../cases/backward.js";
import { quadratic } from "../cases/splittings.js";
import { mix, type Point, running } from "../points.js";

const SIZE = 5;

/** z = (a, b) with a of 2 and b of 3 numbers, and the linear map J of both. */
const jacobian = (() => {
  const blocks = (["aa", "ab", "ba", "bb"] as const).map((name) => {
    const size = (letter: string) => (letter === "a" ? 2 : 3);
    return [name, [size(name[0]!), size(name[1]!)]] as const;
  });
  const J = Object.fromEntries(blocks.map(([name, shape]) => [name, input(name, [...shape])]));
  const Jt = Object.fromEntries(blocks.map(([name, [m, n]]) => [name, input(`${name}.t`, [n, m])]));
  const pair = (v: Tree) => v as unknown as Record<"a" | "b", ReturnType<typeof input>>;
  return {
    apply: (u: Tree) => ({
      a: add(matmul(pair(u).a, Jt["aa"]!), matmul(pair(u).b, Jt["ab"]!)),
      b: add(matmul(pair(u).a, Jt["ba"]!), matmul(pair(u).b, Jt["bb"]!)),
    }),
    transpose: (v: Tree) => ({
      a: add(matmul(pair(v).a, J["aa"]!), matmul(pair(v).b, J["ba"]!)),
      b: add(matmul(pair(v).a, J["ab"]!), matmul(pair(v).b, J["bb"]!)),
    }),
  };
})();
const g = { a: input("g.a", ["N", 2]), b: input("g.b", ["N", 3]) };

function feeds(J: Float64Array, right: readonly Float64Array[]) {
  const block = (r: readonly number[], c: readonly number[]) =>
    Float64Array.from(r.flatMap((i) => c.map((j) => J[i * SIZE + j]!)));
  const ranges = { a: [0, 1], b: [2, 3, 4] } as const;
  const entries = (["a", "b"] as const).flatMap((p) =>
    (["a", "b"] as const).flatMap((q) => {
      const [r, c] = [ranges[p], ranges[q]];
      const data = block(r, c);
      const turned = new Float64Array(data.length);
      data.forEach((value, k) => {
        turned[(k % c.length) * r.length + Math.floor(k / c.length)] = value;
      });
      return [
        [`${p}${q}`, { shape: [r.length, c.length], data }],
        [`${p}${q}.t`, { shape: [c.length, r.length], data: turned }],
      ] as const;
    }),
  );
  const part = (from: number, to: number): Array64 => ({
    shape: [right.length, to - from],
    data: Float64Array.from(right.flatMap((row) => [...row.slice(from, to)])),
  });
  return { ...Object.fromEntries(entries), "g.a": part(0, 2), "g.b": part(2, SIZE) };
}

/** v, residual and steps of each sample. */
function solved(solver: (typeof adjointCases)[number]["solver"], tolerance: number, limit: number) {
  const { v, solve } = solver(jacobian, g, { tolerance, limit });
  return [...tensorLeaves(v).map(([, leaf]) => leaf), solve.residual, solve.steps];
}

function joined([a, b]: readonly { readonly shape: readonly number[]; readonly data: Float64Array }[]): Float64Array[] {
  const [left, right] = [rows(a! as Array64), rows(b! as Array64)];
  return left.map((row, n) => Float64Array.from([...row, ...right[n]!]));
}

/** (I − J)ᵀ, row-major. */
function systemOf(J: Float64Array): Float64Array {
  return Float64Array.from(J, (_, k) => {
    const [i, j] = [Math.floor(k / SIZE), k % SIZE];
    return (i === j ? 1 : 0) - J[j * SIZE + i]!;
  });
}

const raw = normal([SIZE, SIZE], 501).data;
const J = raw.map((a) => (0.9 * a) / spectralNorm(raw, SIZE));
// Samples of very different size, one of them zero.
const right = [1, 1e-3, 1e4, 0].map((scale, n) => normal([SIZE], 510 + n).data.map((a) => scale * a));

describe.each(adjointCases.map((row) => [row.factory, row] as const))("%s", (_, { solver, contractive }) => {
  it("solves the system of each sample to its tolerance, and says so", () => {
    const out = interpret(solved(solver, 1e-12, 500), feeds(J, right)).slice();
    const v = joined(out);
    const [residual, steps] = out.slice(2).map(({ data }) => data);
    right.forEach((b, n) => {
      const left = minus(times(systemOf(J), v[n]!), b);
      expect(norm(left)).toBeLessThanOrEqual(1e-11 * norm(b));
      expect(residual![n]!).toBeLessThanOrEqual(1e-12);
      expect(norm(v[n]!) > 0).toBe(norm(b) > 0);
    });
    expect(steps![0]!).toBeGreaterThan(2);
  });

  it("a sample does not depend on its companions, and stops on its own", () => {
    const outputs = solved(solver, 1e-6, 500);
    const together = interpret(outputs, feeds(J, right));
    right.forEach((b, n) => {
      const alone = interpret(outputs, feeds(J, [b]));
      expect([...joined(alone)[0]!]).toEqual([...joined(together)[n]!]);
      expect(alone[3]!.data[0]).toBe(together[3]!.data[n]);
    });
    expect(together[3]!.data[3]).toBe(1);
  });

  it("stops at its limit, and the residual it reports is true", () => {
    const out = interpret(solved(solver, 1e-12, 3), feeds(J, right));
    const v = joined(out);
    right.slice(0, 3).forEach((b, n) => {
      const left = norm(minus(b, times(systemOf(J), v[n]!))) / norm(b);
      expect(out[2]!.data[n]!).toBeCloseTo(left, 12);
      expect(left).toBeGreaterThan(1e-6);
      expect(out[3]!.data[n]).toBe(3);
    });
  });

  it("engine = interpreter", async () => {
    const outputs = solved(solver, 1e-5, 200);
    const given = Object.fromEntries(
      Object.entries(feeds(J, right)).map(([name, { shape, data }]) => [
        name,
        { shape, data: Float32Array.from(data) },
      ]),
    );
    await using session = await compile(outputs, { threads: 1 });
    const engine = (await session.run(given)).map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
    const exact = joined(interpret(outputs, given));
    joined(engine).forEach((v, n) => {
      expect(norm(minus(v, exact[n]!))).toBeLessThanOrEqual(1e-3 * norm(exact[n]!));
    });
  });

  const expanding = J.map((a) => 3 * a);
  it(contractive ? "where J expands, a sample ends with a residual that says so" : "needs no contraction", () => {
    expect(growth(expanding, 60)).toBeGreaterThan(1.2);
    const out = interpret(solved(solver, 1e-10, 400), feeds(expanding, right));
    right.slice(0, 3).forEach((b, n) => {
      const left = norm(minus(b, times(systemOf(expanding), joined(out)[n]!))) / norm(b);
      if (contractive) expect(out[2]!.data[n]!).toBeGreaterThan(1);
      else expect(left).toBeLessThan(1e-9);
      expect(Number.isFinite(norm(joined(out)[n]!))).toBe(true);
    });
  });
});

/** ‖Jᵏu‖^(1/k), towards the spectral radius. */
function growth(M: Float64Array, k: number): number {
  let u: Float64Array = normal([SIZE], 77).data;
  const start = norm(u);
  for (let i = 0; i < k; i++) u = times(M, u);
  return (norm(u) / start) ** (1 / k);
}

describe("cgls where I − J is singular", () => {
  // Rank 3: two directions that J keeps.
  const kept = new Matrix([...rows(normal([2, SIZE], 520))].map((row) => [...row]));
  const away = Matrix.eye(SIZE).sub(pseudoInverse(kept).mmul(kept));
  const mixed = new Matrix([...rows({ shape: [SIZE, SIZE], data: raw })].map((row) => [...row]));
  const deficient = Matrix.eye(SIZE).sub(away.mmul(mixed).mmul(away).mul(0.3).add(away));
  const singular = Float64Array.from(deficient.to1DArray());
  const M = systemOf(singular);
  const inverse = pseudoInverse(new Matrix([...rows({ shape: [SIZE, SIZE], data: M })].map((row) => [...row])));
  const { solver } = adjointCases.find(({ factory }) => factory === "cgls")!;

  it("the shortest solution where there are many, the shortest least-squares one where there is none", () => {
    const inside = timesTransposed(
      Float64Array.from(
        new Matrix([...rows({ shape: [SIZE, SIZE], data: M })].map((row) => [...row])).transpose().to1DArray(),
      ),
      right[0]!,
    );
    const given = [inside, right[0]!];
    const out = interpret(solved(solver, 1e-11, 200), feeds(singular, given));
    given.forEach((b, n) => {
      const shortest = times(Float64Array.from(inverse.to1DArray()), b);
      expect(norm(minus(joined(out)[n]!, shortest))).toBeLessThan(1e-8 * norm(shortest));
      expect(out[3]!.data[n]!).toBeLessThan(20);
    });
    expect(out[2]!.data[0]!).toBeLessThan(1e-10);
    expect(out[2]!.data[1]!).toBeGreaterThan(0.1);
  });
});

const leavesOf = (tree: Tree) => tensorLeaves(tree).map(([, leaf]) => leaf);
const named = (T: Operator, prefix: string) =>
  mapTensors(T.init(), (leaf, path) => input(`${prefix}.${path}`, leaf.shape));
const fed = (prefix: string, point: Point) =>
  Object.fromEntries(Object.entries(point).map(([path, value]) => [`${prefix}.${path}`, value]));
const numbers = (values: readonly { readonly data: Float64Array }[]) =>
  Float64Array.from(values.flatMap(({ data }) => [...data]));
const all = (point: Point) => numbers(Object.values(point));

/** Products with a Jacobian of T at z, in float64. */
function products(fixed: FixedPointCase, J: Jacobian, z: Point) {
  const [apply, transpose] = [J.apply(named(fixed.operator, "v")), J.transpose(named(fixed.operator, "v"))];
  const at = (tree: Tree, v: Point) =>
    numbers(interpret(leavesOf(tree), { ...fixed.feeds, ...fed("z", z), ...fed("v", v) }));
  return { apply: (u: Point) => at(apply, u), transpose: (v: Point) => at(transpose, v) };
}

describe.each(fixedPointCases.map((fixed) => [fixed.title, fixed] as const))("the Jacobian of %s", (_, fixed) => {
  const { operator: T } = fixed;
  const run = running(T, fixed.feeds, fixed.batch);
  const z = run.apply(run.zeros(), fixed.steps);
  const [u, v] = [run.draw(601), run.draw(602)];
  const plain = linearise(T, named(T, "z"));
  const J = products(fixed, plain.jacobian, z);

  it("⟨v, Ju⟩ = ⟨Jᵀv, u⟩, and Ju is a central difference", () => {
    expect(Math.abs(dot(all(v), J.apply(u)) - dot(J.transpose(v), all(u)))).toBeLessThan(1e-10 * norm(J.apply(u)));
    const along = (h: number) => all(run.apply(mix(1, z, h, u)));
    const difference = minus(along(1e-7), along(-1e-7)).map((a) => a / 2e-7);
    expect(norm(minus(J.apply(u), difference))).toBeLessThan(1e-5 * norm(J.apply(u)));
  });

  it("in T's metric it is SJS⁻¹, S² the metric of each leaf, and its transpose that of SJS⁻¹", () => {
    const S = Object.fromEntries(
      Object.entries(run.zeros()).map(([path, { shape, data }]) => {
        const ones = { ...run.zeros(), [path]: { shape, data: data.map(() => 1) } };
        const size = data.length / fixed.batch;
        return [path, { shape, data: data.map((__, k) => Math.sqrt(run.metric(ones)[Math.floor(k / size)]! / size)) }];
      }),
    );
    const times = (point: Point): Point =>
      Object.fromEntries(
        Object.entries(point).map(([path, { shape, data }]) => [
          path,
          { shape, data: data.map((a, k) => a * S[path]!.data[k]!) },
        ]),
      );
    const scaled = products(fixed, inMetric(T, named(T, "z"), plain).jacobian, z);
    const expected = J.apply(u).map((a, k) => a * all(S)[k]!);
    expect(norm(minus(scaled.apply(times(u)), expected))).toBeLessThan(1e-10 * norm(expected));
    expect(Math.abs(dot(all(v), scaled.apply(u)) - dot(scaled.transpose(v), all(u)))).toBeLessThan(
      1e-10 * norm(scaled.apply(u)) * norm(all(v)),
    );
  });
});

it("T's metric saves cgls steps where primal and dual steps are far apart", () => {
  const [m, n] = [30, 20];
  const A = matrix(input("A", [m, n]));
  const T = linearizedAdmm(
    { sparsity: { prox: l1(0.3) }, fidelity: { prox: quadratic(input("d", ["N", m])), of: A } },
    { ratio: 1000 },
  );
  const feeds = { A: normal([m, n], 621), d: normal([2, m], 622) };
  const run = running(T, feeds, 2);
  const plain = linearise(T, named(T, "z"));
  const taken = [plain, inMetric(T, named(T, "z"), plain)].map((at) => {
    const { solve } = cgls(at.jacobian, named(T, "v"), { tolerance: 1e-8, limit: 5000 });
    const at1 = { ...feeds, ...fed("z", run.apply(run.zeros(), 50)), ...fed("v", run.draw(604)) };
    const [residual, steps] = interpret([solve.residual, solve.steps], at1).map(({ data }) => Math.max(...data));
    expect(residual!).toBeLessThanOrEqual(1e-8);
    return steps!;
  });
  expect(taken[1]!).toBeLessThan(0.6 * taken[0]!);
});

it("I − ∂T/∂z of Davis–Yin on flows is singular", () => {
  const fixed = fixedPointCases.find(({ title }) => title.startsWith("Davis"))!;
  const { shape, data } = fixed.feeds["context"]!;
  const one: FixedPointCase = {
    ...fixed,
    batch: 1,
    feeds: { ...fixed.feeds, context: { shape: [1, shape[1]!], data: Array.from(data).slice(0, shape[1]) } },
  };
  const run = running(one.operator, one.feeds, 1);
  const z = run.apply(run.zeros(), one.steps);
  const size = z["z"]!.data.length;
  const J = products(one, linearise(one.operator, named(one.operator, "z")).jacobian, z);
  const columns = Array.from({ length: size }, (_, k) => {
    const unit = Float64Array.from({ length: size }, (__, i) => (i === k ? 1 : 0));
    return [...minus(unit, J.apply({ z: { shape: [1, size], data: unit } }))];
  });
  const { diagonal } = new SingularValueDecomposition(new Matrix(columns));
  expect(Math.min(...diagonal)).toBeLessThan(1e-6);
  expect(Math.max(...diagonal)).toBeGreaterThan(0.5);
});
