/** @file From Hounsfield units to the images of LoDoPaB: attenuation in [0, 1], its field of view, and fewer pixels. */

import { VouchError } from "../../errors.js";

/**
 * Attenuation of Hounsfield units, where 1 is that of 3071 HU, 81.35858/m.
 *
 *     clip((HU · (20 − 0.02)/1000 + 20)/81.35858, 0, 1)
 *
 * @source Leuschner, Schmidt, Baguer & Maaß 2021, *LoDoPaB-CT*, methods; μ_water 20/m, μ_air 0.02/m
 */
export function attenuation(hu: number): number {
  return Math.min(1, Math.max(0, ((hu * 19.98) / 1000 + 20) / 81.35858));
}

const KEPT = [362, 512] as const;

/**
 * The middle of a square slice that LoDoPaB keeps, 362 of 512 pixels: the square within a scanner's round field of view.
 *
 * @param image  [height · width], row by row
 * @throws shape if it is not square
 */
export function fieldOfView(image: Float32Array, height: number, width: number): { image: Float32Array; size: number } {
  if (height !== width || image.length !== height * width) {
    const got = `${height} × ${width}`;
    throw new VouchError("shape", { name: "fieldOfView", expected: "a square slice", got, remedy: "Crop it." });
  }
  const size = Math.round((KEPT[0] / KEPT[1]) * height);
  const from = Math.floor((height - size) / 2);
  const cut = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    const start = (from + i) * width + from;
    cut.set(image.subarray(start, start + size), i * size);
  }
  return { image: cut, size };
}

/**
 * A square image of fewer pixels: each the mean of those whose centres it covers.
 *
 * The centre of a pixel on a border belongs to what is left of it, or above.
 *
 * @param image  [from · from], row by row
 * @throws parameter if `to` is not an integer from 1 to `from`: details are not made up
 * @source Pillow, Image.resize with BOX
 */
export function shrink(image: Float32Array, from: number, to: number): Float32Array {
  if (!(Number.isInteger(to) && to >= 1 && to <= from && image.length === from * from)) {
    throw new VouchError("parameter", {
      name: "shrink",
      expected: `at most the ${from} × ${from} pixels of the image`,
      got: `${to} × ${to}`,
      remedy: "Ask for fewer pixels.",
    });
  }
  const borders = Int32Array.from({ length: to + 1 }, (_, p) => Math.floor((2 * p * from - to) / (2 * to)) + 1);
  const small = new Float32Array(to * to);
  for (let i = 0; i < to; i++) {
    for (let j = 0; j < to; j++) {
      const [top, bottom, left, right] = [borders[i]!, borders[i + 1]!, borders[j]!, borders[j + 1]!];
      let sum = 0;
      for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) sum += image[r * from + c]!;
      small[i * to + j] = sum / ((bottom - top) * (right - left));
    }
  }
  return small;
}
