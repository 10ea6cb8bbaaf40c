/** @file The implicit gradient through Davis–Yin against central differences of the whole solve, in float64. */

import { drawPathData } from "../src/applications/decisions/paths/data.js";
import { pathSet } from "../src/applications/decisions/paths/losses.js";
import { gridModel } from "../src/applications/decisions/paths/model.js";
import { implicit } from "../src/backward/implicit.js";
import { feedParams, type Weights } from "../src/model.js";
import { random } from "../src/random.js";
import { gather } from "../src/solvers/rows.js";
import { type Feeds, interpret } from "../src/tensor/interpret.js";
import { sum } from "../src/tensor/primitives/broadcast.js";
import { input } from "../src/tensor/primitives/leaf.js";
import type { Value } from "../src/tensor/tensor.js";
import { gradient } from "../src/tensor/vjp.js";
import { squaredError } from "../src/training/squared-error.js";

const DIRECTIONS = 10;
const STEPS = 4_000;
const SETTLED = 1e-14;
/** Differences of Θ, relative to its size of order 1. */
const H = 1e-5;

/**
 * Largest |⟨g, v⟩ − (ℓ(Θ + hv) − ℓ(Θ − hv))/2h| over random unit directions v and examples, relative to ‖g‖: 4×4 grid, γ = 0.5.
 *
 * Each of the three solves of a difference runs until no number of z moves by more than 1e-14.
 */
export function gradientError(): number {
  const model = gridModel(4, { hidden: 4 });
  const { operator: T, params } = model.trace();
  const z = { z: input("z", ["N", 24]) };
  const next = (T.apply(z) as typeof z).z;
  const target = input("target", ["N", 24]);
  const loss = sum(squaredError(T.read(z), target));
  const rule = T.read(implicit({ tolerance: 1e-14, limit: 500 })(T, z));
  const gradients = gradient(sum(squaredError(rule, target)), Object.values(params));
  const rng = random(4).fork("directions");
  const weights = model.initialWeights();
  const set = pathSet(drawPathData(4, { train: 4, test: 1 }).train).examples([0, 1, 2, 3], 0);

  const lossAt = (at: Feeds, given: Feeds) => {
    let point: Value = { shape: [1, 24], data: new Float64Array(24) };
    for (let k = 0; k < STEPS; k++) {
      const [moved] = interpret([next], { ...given, ...at, z: point });
      const apart = moved!.data.reduce((most, value, i) => Math.max(most, Math.abs(value - point.data[i]!)), 0);
      point = { shape: [1, 24], data: moved!.data };
      if (apart <= SETTLED) break;
    }
    return { point, value: interpret([loss], { ...given, ...at, z: point })[0]!.data[0]! };
  };
  let worst = 0;
  for (let n = 0; n < 4; n++) {
    const given: Feeds = { "data.d": gather(set.data["d"]!, [n]), target: gather(set.target, [n]) };
    const { point } = lossAt(feedParams(weights), given);
    const g = interpret(gradients, { ...given, ...feedParams(weights), z: point });
    const length = Math.sqrt(g.reduce((total, { data }) => total + data.reduce((a, x) => a + x * x, 0), 0));
    if (length === 0) continue;
    for (let k = 0; k < DIRECTIONS; k++) {
      const v = g.map(({ data }) => Float64Array.from(data, () => rng.normal()));
      const size = Math.sqrt(v.reduce((total, one) => total + one.reduce((a, x) => a + x * x, 0), 0));
      const slope = g.reduce(
        (total, { data }, i) => total + data.reduce((a, x, j) => a + (x * v[i]![j]!) / size, 0),
        0,
      );
      const [up, down] = [H, -H].map((h) => lossAt(moved(weights, v, h / size), given).value) as [number, number];
      worst = Math.max(worst, Math.abs(slope - (up - down) / (2 * H)) / length);
    }
  }
  return worst;
}

function moved(weights: Weights, v: readonly Float64Array[], h: number): Feeds {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }], i) => [
      `params.${name}`,
      { shape, data: Float64Array.from(data, (value, j) => value + h * v[i]![j]!) },
    ]),
  );
}
