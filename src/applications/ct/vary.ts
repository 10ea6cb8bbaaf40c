/** @file Images a network is trained on besides those it was given: turned, mirrored, at another level, with bone where a window cut it. */

import type { Random } from "../../random.js";

/** Largest change of the scale, up or down: calibration between scanners, and patients. */
const SCALE = 0.05;
/** Mean of the brightest bone above the window's edge, at most, on LoDoPaB's scale: 0.25 is 1,000 HU. */
const BONE = 0.25;
/** Pixels at an image's peak from which on a window has cut it. */
const CUT = 4;
/** Shares of the peak: bone has a cut pixel within one of its own, and begins where a pixel is in part of it. */
const CORE = 0.98;
const EDGE = 0.87;

/**
 * One of the eight symmetries of the square of min(1, s·(x + b·g·w(x))), s uniform in 1 ± 1/20 and b in [0, 1/4].
 *
 * Windowed images stop where bone begins; w = ((x/max x − 0.87)/0.13)₊ beside a cut pixel, and 0 elsewhere, is the share of bone in a pixel,
 * and g = 1 + 3(ḡ − 1/2) its grain, ḡ the mean of nine uniform draws. Large vessels full of contrast agent are seldom cut, and keep their
 * values. An image that no window has cut keeps its own bone.
 *
 * @param image  [size, size] in [0, 1]
 */
export function varied(image: Float32Array, size: number, stream: Random): Float32Array {
  const [symmetry, s, b] = [stream.integer(8), 1 + SCALE * (2 * stream.uniform() - 1), BONE * stream.uniform()];
  const bone = boneShares(image, size);
  const grain = bone && image.map(() => stream.uniform());
  const [swapped, upset, mirrored] = [(symmetry & 1) > 0, (symmetry & 2) > 0, (symmetry & 4) > 0];
  return Float32Array.from(image, (_, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    const [i, j] = swapped ? [column, row] : [row, column];
    const from = (upset ? size - 1 - i : i) * size + (mirrored ? size - 1 - j : j);
    const share = bone?.[from] ?? 0;
    const added = grain && share > 0 ? b * share * (1 + 3 * (mean(around(grain, size, from)) - 0.5)) : 0;
    return Math.min(1, s * (image[from]! + added));
  });
}

/** w of each pixel; nothing if no window has cut the image. */
function boneShares(image: Float32Array, size: number): Float32Array | undefined {
  const peak = image.reduce((most, value) => Math.max(most, value), 0);
  const cut = image.reduce((count, value) => count + Number(value === peak), 0);
  if (peak === 0 || cut < CUT) return undefined;
  return image.map((value, at) => {
    const share = (value / peak - EDGE) / (1 - EDGE);
    return share > 0 && Math.max(...around(image, size, at)) >= CORE * peak ? share : 0;
  });
}

/** Values of a pixel and those beside it, in the image. */
function around(image: Float32Array, size: number, at: number): number[] {
  const [row, column] = [Math.floor(at / size), at % size];
  const found: number[] = [];
  for (let i = Math.max(0, row - 1); i <= Math.min(size - 1, row + 1); i++) {
    for (let j = Math.max(0, column - 1); j <= Math.min(size - 1, column + 1); j++) found.push(image[i * size + j]!);
  }
  return found;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
