/** @file The layers that terms are made of: their constants against pairs chosen to break them. */

import type { Layer } from "../layers/layer.js";
import { layerOf } from "../layers/layer-of.js";
import { isSmooth, type Problem } from "../problem.js";
import type { Random } from "../random.js";
import { type Feeds, interpret, prepare } from "../tensor/interpret.js";
import { input } from "../tensor/primitives/leaf.js";
import { concrete, type Shape } from "../tensor/tensor.js";
import { vjp } from "../tensor/vjp.js";
import { type Check, compared } from "./check.js";
import { difference, dot, gaussian, length } from "./vectors.js";

const STARTS = 4;
const POWER_STEPS = 15;
/** Half the distance of a pair, over ‖v‖ = 1: no smaller, so that the difference keeps ten digits. */
const REACH = 1e-4;
/** Rounding of a bound that is attained. */
const ROUNDING = 1 + 1e-9;

/**
 * For each term made of a layer the largest ‖T(x) − T(y)‖/‖x − y‖ found, and where it says to be firmly nonexpansive the largest
 * ‖T(x) − T(y)‖²/⟨T(x) − T(y), x − y⟩. They can refute the record of a layer; what proves it is its construction.
 *
 * @param x  shape of x, for terms without an operator
 */
export function layerChecks(problem: Problem, x: Shape, feeds: Feeds, draws: Random): Check[] {
  return Object.entries(problem).flatMap(([name, term]) => {
    const layer = layerOf(isSmooth(term) ? term.smooth : term.prox);
    if (layer === undefined) return [];
    const { stretch, excess } = search(layer, term.of?.range ?? x, feeds, draws.fork(name));
    const constant = interpret([layer.lipschitz.value], feeds)[0]!.data[0]!;
    const bounded = `largest stretch found of ${layer.name}, against its constant`;
    const firm = `‖T(x) − T(y)‖²/⟨T(x) − T(y), x − y⟩ of ${layer.firmly}`;
    return [
      compared("layer", name, bounded, stretch, constant * ROUNDING),
      ...(layer.firmly === undefined ? [] : [compared("firm", name, firm, excess, ROUNDING)]),
    ];
  });
}

/** Pairs x ± εv with v by power iteration on the Jacobian at random x, and random pairs far apart. */
function search(layer: Layer, domain: Shape, feeds: Feeds, draws: Random): { stretch: number; excess: number } {
  const X = input("check.x", domain);
  const Y = layer.apply(X);
  const U = input("check.u", Y.shape);
  const forward = prepare([Y], [X], feeds);
  const backward = prepare(vjp([Y], [U], [X]), [X, U], feeds);
  const shape = concrete(domain, 1);
  const apply = (x: Float64Array) => forward({ "check.x": { shape, data: x } })[0]!;
  let [stretch, excess] = [0, 0];
  const compare = (x: Float64Array, y: Float64Array) => {
    const { shape: range, data } = apply(x);
    const other = apply(y).data;
    const [apart, offset] = [difference(data, other), difference(x, y)];
    const [square, product] = [dot(apart, apart), dot(apart, offset)];
    stretch = Math.max(stretch, Math.sqrt(square) / length(offset));
    // Pairs that fall together say nothing; a product ≤ 0 of others is beyond any bound.
    if (Math.sqrt(square) > 1e-9 * length(offset)) {
      excess = Math.max(excess, product > 0 ? square / product : Number.POSITIVE_INFINITY);
    }
    return { shape: range, data: apart };
  };
  for (let start = 0; start < STARTS; start++) {
    const x = gaussian(shape, draws).data;
    compare(x, gaussian(shape, draws).data);
    let v: Float64Array = gaussian(shape, draws).data;
    for (let k = 0; k < POWER_STEPS; k++) {
      const reach = REACH / length(v);
      const u = compare(
        x.map((value, i) => value + reach * v[i]!),
        x.map((value, i) => value - reach * v[i]!),
      );
      v = backward({ "check.x": { shape, data: x }, "check.u": u })[0]!.data;
      if (length(v) === 0) break;
    }
  }
  return { stretch, excess };
}
