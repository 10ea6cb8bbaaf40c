/** @file Contexts with the true values of a knapsack's items. */

import { z } from "zod";
import { VouchError } from "../../../errors.js";
import { type PolynomialOptions, PYEPO_SEED, polynomialCosts } from "../polynomial.js";
import { randomState } from "../random-state.js";
import type { Knapsack } from "./exact.js";

/** One context a row. */
export interface KnapsackSamples {
  readonly count: number;
  /** d, [count, context]. */
  readonly contexts: Float32Array;
  /** True values, [count, items]. */
  readonly values: Float32Array;
}

/** One knapsack, whose weights and capacities are known, with samples. */
export interface KnapsackData {
  readonly knapsack: Knapsack;
  readonly items: number;
  /** Numbers of a context. */
  readonly context: number;
  readonly train: KnapsackSamples;
  readonly test: KnapsackSamples;
  /** To calibrate certificates on; perhaps none. Their values are not looked at. */
  readonly calibration: KnapsackSamples;
}

const rows = z.array(z.array(z.number()));
const schema = z.object({ capacities: z.array(z.number()), weights: rows, contexts: rows, costs: rows });

export interface KnapsackSplit {
  /** The first rows of the file. Default 1000. */
  readonly train?: number;
  /** The rows after those. Default 200. */
  readonly test?: number;
  /** The rows after those. Default 0. */
  readonly calibration?: number;
}

/**
 * Read a knapsack file: weights, capacities, contexts, and true values under the name `costs`.
 *
 * @throws format if the JSON is another; data naming the row that is of another length, or how many rows there are
 * @source Tang & Khalil 2024, PyEPO, `data.knapsack.genData` (MIT)
 */
export function readKnapsackData(
  json: unknown,
  { train = 1000, test = 200, calibration = 0 }: KnapsackSplit = {},
): KnapsackData {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new VouchError("format", {
      name: "readKnapsackData",
      expected: "capacities, weights, contexts and costs",
      got: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0] ?? "another file",
      remedy: "Pass a knapsack file of shared/data/paths.",
    });
  }
  const { capacities, weights, contexts, costs: values } = parsed.data;
  const [context, items] = [contexts[0]?.length ?? 0, weights[0]?.length ?? 0];
  const total = train + test + calibration;
  if (contexts.length !== values.length || contexts.length < total) {
    throw bad(`${total} rows or more of contexts and costs`, `${contexts.length} and ${values.length}`);
  }
  contexts.forEach((d, n) => {
    if (d.length !== context) throw bad(`${context} numbers in context ${n}`, `${d.length}`);
    if (values[n]!.length !== items) throw bad(`${items} costs in row ${n}`, `${values[n]!.length}`);
  });
  const samples = (from: number, to: number): KnapsackSamples => ({
    count: to - from,
    contexts: Float32Array.from(contexts.slice(from, to).flat()),
    values: Float32Array.from(values.slice(from, to).flat()),
  });
  return {
    knapsack: { weights, capacities },
    items,
    context,
    train: samples(0, train),
    test: samples(train, train + test),
    calibration: samples(train + test, total),
  };
}

export interface DrawKnapsackOptions extends PolynomialOptions, KnapsackSplit {
  /** One a constraint. Default [20, 20]. */
  readonly capacities?: readonly number[];
  /** Seed of the samples. Default 135, PyEPO's. */
  readonly seed?: number;
}

/**
 * Draw a knapsack: weights uniform on {3, 3.01, …, 7.99}, values by `polynomialCosts` at scale 5, rounded up; the first samples are to
 * train on, those after to test on.
 *
 * @throws parameter as `polynomialCosts`
 * @source Tang & Khalil 2024, PyEPO, `data.knapsack.genData`
 */
export function drawKnapsackData(
  items: number,
  {
    train = 1000,
    test = 200,
    calibration = 0,
    capacities = [20, 20],
    seed = PYEPO_SEED,
    ...options
  }: DrawKnapsackOptions = {},
): KnapsackData {
  const stream = randomState(seed);
  const weights = capacities.map(() => Array.from({ length: items }, () => (300 + stream.below(500)) / 100));
  const total = train + test + calibration;
  const { contexts, costs } = polynomialCosts(stream, total, items, { scale: 5, ...options });
  const all = {
    count: total,
    contexts: Float32Array.from(contexts),
    values: Float32Array.from(costs, Math.ceil),
  };
  return {
    ...{ knapsack: { weights, capacities }, items, context: contexts.length / total },
    train: someKnapsacks(all, 0, train),
    test: someKnapsacks(all, train, train + test),
    calibration: someKnapsacks(all, train + test, total),
  };
}

/** Rows `from` … `to` − 1. */
export function someKnapsacks({ contexts, values, count }: KnapsackSamples, from: number, to: number): KnapsackSamples {
  const [width, items] = [contexts.length / count, values.length / count];
  return {
    count: to - from,
    contexts: contexts.subarray(from * width, to * width),
    values: values.subarray(from * items, to * items),
  };
}

function bad(expected: string, got: string): VouchError {
  return new VouchError("data", { name: "readKnapsackData", expected, got, remedy: "Repair the file." });
}
