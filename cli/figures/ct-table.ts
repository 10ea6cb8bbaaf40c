/** @file Figure 6 of the paper for any methods: images, a region enlarged, and errors, labels below. */

import type { Slice } from "../../src/applications/ct/select.js";
import { VouchError } from "../../src/errors.js";
import { type Evaluated, fails, type Row } from "../ct-table.js";
import { type Caption, type Panel, renderFigure, renderSvg } from "../figure.js";

/** Share of the side that the region takes, and the quantiles of the two windows. */
const REGION = 3;
const BRIGHT = 0.998;
const WRONG = 0.995;

/** The first slice: a row of images with labels, the region where methods differ most, a row of errors. PNG, or SVG by the ending. */
export function ctTableFigure(
  path: string,
  evaluated: readonly Evaluated[],
  slices: readonly Slice[],
  size: number,
): Uint8Array {
  const { image: truth, patient } = slices[0]!;
  const errors = evaluated.map(({ rows }) => rows[0]!.x.map((value, i) => value - truth[i]!));
  const high = quantile(truth, BRIGHT);
  const wrong = Math.max(quantile(Float32Array.from(errors.flatMap((e) => [...e.map(Math.abs)])), WRONG), high / 1000);
  const side = Math.floor(size / REGION);
  const corner = busiest(truth, size, side);
  const gray = { window: [0, high] as const, colormap: "gray" as const };
  const whole = (data: Float32Array) => ({ data, height: size, width: size });
  const part = (data: Float32Array) => enlarged(data, size, corner, side);
  const shown: Panel[][] = [
    [
      { title: `${patient}: truth`, image: whole(truth), ...gray },
      ...evaluated.map(
        ({ key, rows }): Panel => ({
          title: key,
          image: whole(rows[0]!.x),
          ...gray,
          caption: captions(rows[0]!),
        }),
      ),
    ],
    [truth, ...evaluated.map(({ rows }) => rows[0]!.x)].map((data) => ({
      title: "Region",
      image: part(data),
      ...gray,
    })),
    [
      { title: "Truth", image: whole(truth), ...gray },
      ...errors.map(
        (data, i): Panel => ({
          title: `Error of ${evaluated[i]!.key}`,
          image: whole(data),
          window: [-wrong, wrong],
          colormap: "diverging",
        }),
      ),
    ],
  ];
  const options = {
    title: "Reconstructions from few views",
    footnote: `The first of ${slices.length} scored slices. PSNR and SSIM with the truth's maximum as data range.`,
    scale: Math.max(1, Math.round(192 / size)),
  };
  if (path.endsWith(".svg")) return new TextEncoder().encode(renderSvg(shown, options));
  if (path.endsWith(".png")) return renderFigure(shown, options);
  throw new VouchError("parameter", {
    name: "vouch evaluate ct: --figure",
    expected: "a name that ends in .png or .svg",
    got: path,
    remedy: "The ending says the format.",
  });
}

function captions(row: Row): Caption[] {
  const { box, fidelity } = fails(row);
  const label = (text: string, failed: boolean): Caption => ({ text, tone: failed ? "fail" : "pass" });
  return [
    { text: `PSNR ${row.psnr.toFixed(2)} dB, SSIM ${row.ssim.toFixed(3)}`, tone: "plain" },
    ...(row.gap === undefined ? [] : [{ text: `gap ≤ ${(100 * row.gap).toPrecision(2)} %`, tone: "plain" } as const]),
    label("box", box),
    label(`fidelity: ${row.fidelity.toFixed(3)} δ`, fidelity),
    ...(row.regularization === undefined ? [] : [label("regularization", row.regularization)]),
  ];
}

/** Corner of the square with the largest variance of the truth: where there is most to see. */
function busiest(truth: Float32Array, size: number, side: number): readonly [row: number, column: number] {
  let best = { variance: -1, corner: [0, 0] as readonly [number, number] };
  const stride = Math.max(1, Math.floor(side / 4));
  for (let r = 0; r + side <= size; r += stride)
    for (let c = 0; c + side <= size; c += stride) {
      let [sum, square] = [0, 0];
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) {
          const value = truth[(r + i) * size + c + j]!;
          sum += value;
          square += value * value;
        }
      const variance = square / side ** 2 - (sum / side ** 2) ** 2;
      if (variance > best.variance) best = { variance, corner: [r, c] };
    }
  return best.corner;
}

/** A square of an image, each pixel repeated. */
function enlarged(data: Float32Array, size: number, [row, column]: readonly [number, number], side: number) {
  const wide = side * REGION;
  const at = (k: number) => {
    const [i, j] = [Math.floor(Math.floor(k / wide) / REGION), Math.floor((k % wide) / REGION)];
    return data[(row + i) * size + column + j]!;
  };
  return { data: Float32Array.from({ length: wide * wide }, (_, k) => at(k)), height: wide, width: wide };
}

function quantile(values: Float32Array, share: number): number {
  const sorted = Float32Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] || 1;
}
