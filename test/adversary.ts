/** @file Pairs of points chosen to break a Lipschitz constant: gradient ascent on the stretch of a map. */

import type { Layer } from "../src/layers/layer.js";
import { distanceBetween, inner } from "../src/sets/set.js";
import { type Feeds, prepare } from "../src/tensor/interpret.js";
import { onesLike, sub } from "../src/tensor/primitives/elementwise.js";
import { input } from "../src/tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../src/tensor/tensor.js";
import { vjp } from "../src/tensor/vjp.js";
import { type Array64, batchOf, combine, norm, rows } from "./arrays.js";

const PAIRS = 12;
const STEPS = 120;

export interface Pair {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** What was climbed, at its largest. */
  readonly value: number;
}

/** The largest ‖T(x) − T(y)‖/‖x − y‖ found: a lower bound of the Lipschitz constant, from far and from near pairs. */
export function stretched(layer: Layer, domain: Shape, feeds: Feeds): Pair {
  return climb((x, y) => [distanceBetween(layer.apply(x), layer.apply(y)), distanceBetween(x, y)], domain, feeds);
}

/** The largest ‖T(x) − T(y)‖²/⟨T(x) − T(y), x − y⟩ found, at most 1 where T is firmly nonexpansive; ∞ where the product is ≤ 0. */
export function unfirm(layer: Layer, domain: Shape, feeds: Feeds): Pair {
  const parts = (x: Tensor, y: Tensor): [Tensor, Tensor] => {
    const apart = sub(layer.apply(x), layer.apply(y));
    return [inner(apart, apart), inner(apart, sub(x, y))];
  };
  return climb(parts, domain, feeds);
}

/** Climb over/under along its normalized gradient from random pairs, half of them near, with steps that shrink. */
function climb(parts: (x: Tensor, y: Tensor) => [Tensor, Tensor], domain: Shape, feeds: Feeds): Pair {
  const [X, Y] = [input("pair.x", domain), input("pair.y", domain)];
  const [over, under] = parts(X, Y);
  const slopes = [over, under].flatMap((side) => vjp([side], [onesLike(side)], [X, Y]));
  const run = prepare([over, under, ...slopes], [X, Y], feeds);
  let x = batchOf(domain, PAIRS, 71, 1.5);
  const offset = batchOf(domain, PAIRS, 72);
  const size = offset.data.length / PAIRS;
  let y: Array64 = {
    shape: x.shape,
    data: x.data.map((value, i) => value + offset.data[i]! * (i < offset.data.length / 2 ? 1 : 1e-2)),
  };
  let best: Pair = { x: new Float64Array(), y: new Float64Array(), value: 0 };
  for (let step = 0; step < STEPS; step++) {
    const [a, b, ax, ay, bx, by] = run({ "pair.x": x, "pair.y": y }) as [Array64, Array64, ...Array64[]];
    const [xs, ys] = [rows(x), rows(y)];
    a.data.forEach((over, n) => {
      const under = b.data[n]!;
      const value = under > 0 ? over / under : over > 1e-12 ? Number.POSITIVE_INFINITY : 0;
      if (value > best.value) best = { x: xs[n]!, y: ys[n]!, value };
    });
    const moved = (at: Float64Array[], u: Array64, v: Array64): Array64 => ({
      shape: x.shape,
      data: Float64Array.from(
        at.flatMap((point, n) => {
          // ∇ log(over/under).
          const g = combine(1 / a.data[n]!, rows(u)[n]!, -1 / b.data[n]!, rows(v)[n]!);
          const reach = (0.5 * 0.97 ** step * norm(combine(1, xs[n]!, -1, ys[n]!))) / Math.max(norm(g), 1e-300);
          const usable = g.every(Number.isFinite) && Number.isFinite(reach);
          return [...(usable ? combine(1, point, reach, g) : point)];
        }),
      ),
    });
    [x, y] = [moved(xs, ax!, bx!), moved(ys, ay!, by!)];
  }
  if (best.x.length !== size) throw new Error("no pair was apart");
  return best;
}
