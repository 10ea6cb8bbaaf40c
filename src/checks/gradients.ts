/** @file The gradient that training follows against central differences. */

import { jfb } from "../backward/jfb.js";
import type { Trace } from "../model.js";
import type { Random } from "../random.js";
import { topological } from "../tensor/graph.js";
import { evaluate, type Feeds, interpret, prepare } from "../tensor/interpret.js";
import { sum } from "../tensor/primitives/broadcast.js";
import { mul, sub } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import { concrete, type Tensor, type Value } from "../tensor/tensor.js";
import { mapTensors, type Tree, tensorLeaves } from "../tensor/tree.js";
import { gradient } from "../tensor/vjp.js";
import { type Check, compared } from "./check.js";
import { difference, dot, gaussian, length } from "./vectors.js";

const DIRECTIONS = 3;
/** Applications of T from a random point: the state is then near one a solve would visit, */
const APPLICATIONS = 3;
/** and this share of its root mean square away, as T maps onto the edges of sets, where it has no derivative. */
const ASIDE = 1e-2;
/** Moves of a parameter, in units of its root mean square. */
const STEP = 1e-7;
/** A few elements of a large state cross an edge within a step; a rule that is wrong is off by order 1. */
const TOLERANCE = 1e-4;

/**
 * For each parameter, ⟨∇ℓ, v⟩ against (ℓ(Θ + hv) − ℓ(Θ − hv))/2h for random v, with ℓ = ½‖x(T(z)) − t‖² at a generic z.
 *
 * z and whatever passes through stopGradient stay as they are, as they do in the gradient of jfb. Data that lie exactly on an edge
 * of the model (d = τ where a shrink by τ meets d) fail, as there is no derivative.
 *
 * @param feeds  parameters by `params.NAME`, data and balance, one value for each input
 */
export function gradientChecks(traced: Trace, feeds: Feeds, batch: number, draws: Random): Check[] {
  const names = Object.keys(traced.params);
  if (names.length === 0) return [];
  const { operator } = traced;
  const z = mapTensors(operator.init(), (leaf, path) => input(`check.z.${path}`, leaf.shape));
  const x = operator.read(jfb(operator, z));
  const t = input("check.target", x.shape);
  const error = sub(x, t);
  const loss = mul(0.5, sum(mul(error, error)));
  const base: Feeds = {
    ...feeds,
    ...genericPoint(traced, z, feeds, batch, draws.fork("z")),
    "check.target": gaussian(concrete(x.shape, batch), draws.fork("target")),
  };
  const slopes = interpret(
    gradient(
      loss,
      names.map((name) => traced.params[name]!),
    ),
    base,
  );
  const at = detached(x, base, batch);
  const target = base["check.target"]!.data;
  return names.map((name, i) => {
    const parameter = base[`params.${name}`]!;
    const values = Float64Array.from(parameter.data);
    const step = STEP * rootMeanSquare(values);
    const directions = draws.fork("directions").fork(name);
    const slope = new Float64Array(DIRECTIONS);
    const central = new Float64Array(DIRECTIONS);
    for (let k = 0; k < DIRECTIONS; k++) {
      const v = gaussian(parameter.shape, directions).data;
      const [up, down] = [step, -step].map((h) =>
        at(traced.params[name]!, { shape: parameter.shape, data: values.map((p, j) => p + h * v[j]!) }),
      );
      // ½‖a − t‖² − ½‖b − t‖² = ⟨a − b, (a + b)/2 − t⟩, without the cancellation of two large sums.
      const change = up!.map((a, j) => (a - down![j]!) * ((a + down![j]!) / 2 - target[j]!));
      slope[k] = dot(slopes[i]!.data, v);
      central[k] = change.reduce((a, b) => a + b, 0) / (2 * step);
    }
    const size = Math.max(length(slope), length(central));
    const apart = length(difference(slope, central));
    const dead = size === 0 ? ", which is 0 here" : "";
    const text = `gradient of ${name}${dead}, against central differences, relative`;
    return compared("gradient", name, text, size === 0 ? 0 : apart / size, TOLERANCE);
  });
}

/** T applied a few times to a random point, by path. */
function genericPoint({ operator }: Trace, z: Tree, feeds: Feeds, batch: number, draws: Random): Feeds {
  const leaves = tensorLeaves(z).map(([, leaf]) => leaf);
  const names = tensorLeaves(z).map(([path]) => `check.z.${path}`);
  const run = prepare(
    tensorLeaves(operator.apply(z)).map(([, leaf]) => leaf),
    leaves,
    feeds,
  );
  const named = (values: readonly Value[]): Feeds => Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  let point = named(leaves.map((leaf) => gaussian(concrete(leaf.shape, batch), draws)));
  for (let k = 0; k < APPLICATIONS; k++) point = named(run(point));
  return Object.fromEntries(Object.entries(point).map(([name, leaf]) => [name, aside(leaf, draws)]));
}

function aside({ shape, data }: Feeds[string], draws: Random): Value {
  const values = Float64Array.from(data);
  const noise = gaussian(shape, draws).data;
  const scale = ASIDE * rootMeanSquare(values);
  return { shape, data: values.map((value, i) => value + scale * noise[i]!) };
}

/** 1 where all elements are 0. */
function rootMeanSquare(values: Float64Array): number {
  return length(values) / Math.sqrt(values.length) || 1;
}

/** y as a function of one parameter, what passes through stopGradient held at its first value. */
function detached(y: Tensor, feeds: Feeds, batch: number): (parameter: Tensor, value: Value) => Float64Array {
  const nodes = topological([y]);
  const stopped = nodes.flatMap((node) => (node.primitive.name === "stopGradient" ? node.outputs : []));
  const held = interpret(stopped, feeds);
  const known = new Map<Tensor, Value>(stopped.map((tensor, i) => [tensor, held[i]!]));
  for (const { primitive, attributes, outputs } of nodes) {
    if (primitive.name !== "input") continue;
    const feed = feeds[(attributes as { name: string }).name];
    if (feed) known.set(outputs[0]!, { shape: feed.shape, data: Float64Array.from(feed.data) });
  }
  return (parameter, value) => evaluate([y], new Map([...known, [parameter, value]]), batch)[0]!.data;
}
