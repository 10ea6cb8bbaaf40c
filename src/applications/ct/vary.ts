/** @file Images a network is trained on besides those it was given: turned, mirrored, and of other contrast. */

import type { Random } from "../../random.js";

/** Largest change of the scale, up or down, and of the brightest values. */
const SCALE = 0.25;
const BRIGHT = 0.6;
/** Power of the share of an image's peak that is brightened: of 0.8 of the peak, a 35th of what the peak gets. */
const POWER = 16;

/**
 * One of the eight symmetries of the square of min(1, s·(x + b·(x/max x)¹⁶)), s uniform in 1 ± 1/4 and b in [0, 0.6].
 *
 * Windowed images stop where bone begins; b gives it the values it has in images that do not, and brightens vessels near the window's
 * edge with it. s is a scanner's or patient's own level.
 *
 * @param image  [size, size] in [0, 1]
 */
export function varied(image: Float32Array, size: number, stream: Random): Float32Array {
  const [symmetry, s, b] = [stream.integer(8), 1 + SCALE * (2 * stream.uniform() - 1), BRIGHT * stream.uniform()];
  const peak = image.reduce((most, value) => Math.max(most, value), 0);
  const tone = (x: number) => (peak > 0 ? Math.min(1, s * (x + b * (x / peak) ** POWER)) : 0);
  const [swapped, upset, mirrored] = [(symmetry & 1) > 0, (symmetry & 2) > 0, (symmetry & 4) > 0];
  return Float32Array.from(image, (_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    const [i, j] = swapped ? [column, row] : [row, column];
    return tone(image[(upset ? size - 1 - i : i) * size + (mirrored ? size - 1 - j : j)]!);
  });
}
