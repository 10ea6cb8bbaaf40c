/** @file Labelled images: Fashion-MNIST and the digits of scikit-learn, and their seeded split. */

import type { Float32 } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import type { IdxArray } from "../../files/idx.js";
import { random } from "../../random.js";
import type { TrainingSet } from "../../training/dataset.js";

/** Square grey images in [0, 1], each of one of ten classes. */
export interface LabelledImages {
  readonly count: number;
  /** Pixels a side. */
  readonly side: number;
  /** [count, side, side], row-major. */
  readonly pixels: Float32Array;
  /** [count], 0 … 9. */
  readonly labels: Uint8Array;
}

export const CLASSES = 10;

/**
 * Images and labels from idx arrays, a byte b as b/255.
 *
 * @throws format if the images are not [count, side, side], the counts differ, or a label is not 0 … 9
 * @source Xiao, Rasul & Vollgraf 2017, Fashion-MNIST (MNIST's own format)
 */
export function idxImages(images: IdxArray, labels: IdxArray): LabelledImages {
  const [count, side, width] = images.shape;
  if (images.shape.length !== 3 || side !== width || side === 0) {
    throw unreadable("idxImages: images", "[count, side, side]", `[${images.shape}]`);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw unreadable("idxImages: labels", `[${count}], one an image`, `[${labels.shape}]`);
  }
  requireLabels("idxImages: labels", labels.data);
  const pixels = new Float32Array(images.data.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = images.data[i]! / 255;
  return { count: count!, side: side!, pixels, labels: labels.data };
}

/** Values of a line of the digits: 64 pixels 0 … 16, then the label. */
const DIGIT = { side: 8, white: 16, line: 65 };

/**
 * Images from the text of digits.csv, a value v as v/16.
 *
 * @throws format if a line is not 64 whole numbers 0 … 16 and a label
 * @source Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits; as in scikit-learn
 */
export function digitImages(text: string): LabelledImages {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const rows = lines.map((line, i) => {
    const values = line.split(",").map((value) => (value.trim() === "" ? Number.NaN : Number(value)));
    if (values.length !== DIGIT.line || !values.every((v) => Number.isInteger(v) && v >= 0 && v <= DIGIT.white)) {
      throw unreadable(`digitImages: line ${i + 1}`, "64 whole numbers 0 … 16 and a label", `${line.slice(0, 40)} …`);
    }
    return values;
  });
  const labels = Uint8Array.from(rows, (row) => row[DIGIT.line - 1]!);
  requireLabels("digitImages", labels);
  const pixels = Float32Array.from(rows.flatMap((row) => row.slice(0, -1).map((v) => v / DIGIT.white)));
  return { count: rows.length, side: DIGIT.side, pixels, labels };
}

/** The images at these indices. */
export function chosen({ side, pixels, labels }: LabelledImages, indices: ArrayLike<number>): LabelledImages {
  const count = indices.length;
  const area = side * side;
  const picked = { count, side, pixels: new Float32Array(count * area), labels: new Uint8Array(count) };
  for (let row = 0; row < count; row++) {
    const at = indices[row]!;
    picked.pixels.set(pixels.subarray(at * area, (at + 1) * area), row * area);
    picked.labels[row] = labels[at]!;
  }
  return picked;
}

/**
 * Cut into parts of the given sizes, in a seeded order, and the rest: each image is in one part.
 *
 * @param sizes  by name, integers ≥ 0
 * @throws parameter if the parts leave nothing over
 */
export function split<K extends string>(
  images: LabelledImages,
  sizes: Readonly<Record<K, number>>,
  seed: number,
): Record<K | "rest", LabelledImages> {
  const order = random(seed).fork("split").permutation(images.count);
  const parts: Record<string, LabelledImages> = {};
  let start = 0;
  for (const [name, size] of Object.entries<number>(sizes)) {
    if (!(Number.isInteger(size) && size >= 0 && start + size < images.count)) {
      throw new VouchError("parameter", {
        name: `split: ${name}`,
        expected: `an integer ≥ 0 that leaves some of ${images.count} images over`,
        got: `${size} after ${start}`,
        remedy: "Take smaller parts.",
      });
    }
    parts[name] = chosen(images, order.subarray(start, start + size));
    start += size;
  }
  parts["rest"] = chosen(images, order.subarray(start));
  return parts as Record<K | "rest", LabelledImages>;
}

/** Mean and standard deviation of all pixels. */
export function pixelStatistics({ pixels }: LabelledImages): { readonly mean: number; readonly deviation: number } {
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const variance = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** Rows `start` … `end` − 1 as data u [n, 1, side, side]. */
export function imageBatch({ side, pixels }: LabelledImages, start: number, end: number): { readonly u: Float32 } {
  const area = side * side;
  return { u: { shape: [end - start, 1, side, side], data: pixels.slice(start * area, end * area) } };
}

/** Images as a training set: data u [n, 1, side, side], target one-hot [n, 10]. */
export function classified(images: LabelledImages): TrainingSet {
  return {
    count: images.count,
    examples: (indices) => {
      const { side, pixels, labels } = chosen(images, indices);
      const data = new Float32Array(indices.length * CLASSES);
      labels.forEach((label, row) => {
        data[row * CLASSES + label] = 1;
      });
      return {
        data: { u: { shape: [indices.length, 1, side, side], data: pixels } },
        target: { shape: [indices.length, CLASSES], data },
      };
    },
  };
}

function requireLabels(name: string, labels: Uint8Array): void {
  const bad = labels.findIndex((label) => label >= CLASSES);
  if (bad >= 0) throw unreadable(name, "labels 0 … 9", `${labels[bad]} for image ${bad}`);
}

function unreadable(name: string, expected: string, got: string): VouchError {
  return new VouchError("format", { name, expected, got, remedy: "Pass the published files." });
}
