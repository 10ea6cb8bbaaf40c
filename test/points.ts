/** @file Points of an operator in tests: trees as records of float64 arrays by path. */

import type { Operator } from "../src/operator.js";
import { type Feeds, interpret } from "../src/tensor/interpret.js";
import { input } from "../src/tensor/primitives/leaf.js";
import { concrete, type Tensor } from "../src/tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves } from "../src/tensor/tree.js";
import { type Array64, batchOf, combine, spectralNorm } from "./arrays.js";

/** Leaves of a tree by path. */
export type Point = Readonly<Record<string, Array64>>;

/** An operator run in float64 with its weights and data. */
export interface Running {
  zeros(): Point;
  /** Generic: each leaf N(0, scale²). */
  draw(seed: number, scale?: number): Point;
  apply(z: Point, times?: number): Point;
  /** Per sample. */
  metric(z: Point): Float64Array;
  /** Residuals of the step from z by name, per sample. */
  residuals(z: Point): Readonly<Record<string, Float64Array>>;
  /** Worst of them, per sample. */
  residual(z: Point): Float64Array;
  read(z: Point): Array64;
}

const named = (prefix: string, z: Point): Feeds =>
  Object.fromEntries(Object.entries(z).map(([path, value]) => [`${prefix}.${path}`, value]));

export function running(T: Operator, feeds: Feeds, batch: number): Running {
  const shapes = tensorLeaves(T.init());
  const symbolic = (prefix: string): Tree =>
    mapTensors(T.init(), (leaf, path) => input(`${prefix}.${path}`, leaf.shape));
  const z = symbolic("z");
  const next = tensorLeaves(T.apply(z)).map(([, leaf]) => leaf);
  const residuals = T.residuals(z, T.apply(z));
  const residualNames = Object.keys(residuals);
  const metric = T.metric(z);
  const read = T.read(z);
  const run = (outputs: readonly Tensor[], at: Point) => interpret(outputs, { ...feeds, ...named("z", at) });
  const toPoint = (values: readonly Array64[]): Point =>
    Object.fromEntries(shapes.map(([path], i) => [path, values[i]!]));
  const fill = (make: (i: number) => Array64) => toPoint(shapes.map((_, i) => make(i)));
  const residualsAt = (at: Point) => run(Object.values(residuals), at).map(({ data }) => data);
  return {
    zeros: () =>
      fill((i) => {
        const shape = concrete(shapes[i]![1].shape, batch);
        return { shape, data: new Float64Array(shape.reduce((p, n) => p * n, 1)) };
      }),
    draw: (seed, scale = 1) => fill((i) => batchOf(shapes[i]![1].shape, batch, 1000 * i + seed, scale)),
    apply: (at, times = 1) => {
      let now = at;
      for (let k = 0; k < times; k++) now = toPoint(run(next, now));
      return now;
    },
    metric: (at) => run([metric], at)[0]!.data,
    residuals: (at) => Object.fromEntries(residualsAt(at).map((value, i) => [residualNames[i]!, value])),
    residual: (at) => {
      const values = residualsAt(at);
      return values[0]!.map((_, n) => Math.max(...values.map((value) => value[n]!)));
    },
    read: (at) => run([read], at)[0]!,
  };
}

/** ‖∂T/∂z‖₂ of the first sample at z, by central differences. */
export function jacobianNorm({ apply }: Running, at: Point): number {
  const h = 1e-6;
  const firstSample = (z: Point) =>
    Object.values(z).flatMap(({ shape, data }) => Array.from(data.subarray(0, data.length / shape[0]!)));
  const columns = Object.entries(at).flatMap(([path, { shape, data }]) =>
    Array.from({ length: data.length / shape[0]! }, (_, k) => {
      const shifted = (by: number) => {
        const value = Float64Array.from(data);
        value[k]! += by;
        return apply({ ...at, [path]: { shape, data: value } });
      };
      return firstSample(apart(shifted(h), shifted(-h))).map((a) => a / (2 * h));
    }),
  );
  return spectralNorm(Float64Array.from(columns.flat()), columns.length);
}

/** a − b, leaf by leaf. */
export function apart(a: Point, b: Point): Point {
  return mix(1, a, -1, b);
}

/** s a + t b, leaf by leaf. */
export function mix(s: number, a: Point, t: number, b: Point): Point {
  return Object.fromEntries(
    Object.entries(a).map(([path, { shape, data }]) => [path, { shape, data: combine(s, data, t, b[path]!.data) }]),
  );
}

/** ‖z‖² of each sample, Euclidean. */
export function squares(z: Point): Float64Array {
  const leaves = Object.values(z);
  const batch = leaves[0]!.shape[0]!;
  const totals = new Float64Array(batch);
  for (const { data } of leaves) {
    const size = data.length / batch;
    data.forEach((value, k) => {
      totals[Math.floor(k / size)]! += value * value;
    });
  }
  return totals;
}
