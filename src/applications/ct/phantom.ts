/** @file Ellipses: the random phantoms of the papers' generated CT data. */

import { VouchError } from "../../errors.js";
import type { Random } from "../../random.js";

/**
 * Sum of n ~ Poisson(50) random ellipses, scaled to [0, 1] per image; the background is generally not 0.
 *
 *     value (U − ½)·Exp(0.4), semi-axes 0.2·Exp(1) twice, centre 2U − 1 twice, angle 2πU, drawn in this order
 *     v[i, j] = Σ values of the ellipses that contain (x, y) = ((2i + 1)/size − 1, (2j + 1)/size − 1)
 *     u = (v − min v)/(max v − min v + 1e−8)
 *
 * A pixel takes the value at its centre, boundary included; the image spans [−1, 1]². Exp(m) has mean m.
 *
 * @param options.size    pixels a side, ≥ 1
 * @param options.random  advanced by the draws
 * @returns shape [size · size], row-major, in [0, 1]
 * @throws parameter if size is not an integer ≥ 1
 * @source Pham et al. 2025, *Ellipses*; swufung/WassersteinBasedProjections, wbp/utils.py, by ODL's `ellipsoid_phantom`
 */
export function ellipses(options: { readonly size: number; readonly random: Random }): Float32Array {
  const { size, random } = options;
  if (!Number.isInteger(size) || size < 1) {
    const remedy = "The papers use 128.";
    throw new VouchError("parameter", { name: "ellipses", expected: "size an integer ≥ 1", got: String(size), remedy });
  }
  const image = new Float64Array(size * size);
  for (let left = random.poisson(50); left > 0; left--) add(image, size, draw(random));

  let [min, max] = [Infinity, -Infinity];
  for (const v of image) {
    min = Math.min(min, v);
    max = Math.max(max, v);
  }
  return Float32Array.from(image, (v) => (v - min) / (max - min + 1e-8));
}

interface Ellipse {
  readonly value: number;
  readonly a: number;
  readonly b: number;
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

function draw(random: Random): Ellipse {
  const value = (random.uniform() - 0.5) * random.exponential(0.4);
  const [a, b] = [0.2 * random.exponential(1), 0.2 * random.exponential(1)];
  const [x, y] = [2 * random.uniform() - 1, 2 * random.uniform() - 1];
  return { value, a, b, x, y, angle: 2 * Math.PI * random.uniform() };
}

function add(image: Float64Array, size: number, { value, a, b, x, y, angle }: Ellipse): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = Math.max(a, b);
  const first = (from: number) => Math.max(0, Math.floor(((from + 1) * size - 1) / 2));
  const last = (to: number) => Math.min(size - 1, Math.ceil(((to + 1) * size - 1) / 2));
  for (let i = first(x - reach); i <= last(x + reach); i++) {
    const dx = (2 * i + 1) / size - 1 - x;
    for (let j = first(y - reach); j <= last(y + reach); j++) {
      const dy = (2 * j + 1) / size - 1 - y;
      const along = (cos * dx + sin * dy) / a;
      const across = (cos * dy - sin * dx) / b;
      if (along * along + across * across <= 1) image[i * size + j]! += value;
    }
  }
}
