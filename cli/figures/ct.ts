/** @file Figures of reconstructions: truth, methods and their errors in a row, labels below. */

import type { Result } from "../../src/certificates/certify.js";
import { type Caption, type Panel, renderFigure } from "../figure.js";

export interface FigureMethod {
  readonly name: string;
  readonly x: Float32Array;
  /** dB and SSIM, where there is a truth. */
  readonly score?: { readonly psnr: number; readonly ssim: number };
  readonly result?: Result;
  /** More lines below the image. */
  readonly notes?: readonly string[];
}

export interface FigureRow {
  readonly title: string;
  readonly truth?: Float32Array;
  readonly methods: readonly FigureMethod[];
}

export interface CtFigureOptions {
  /** Image side. */
  readonly size: number;
  readonly title: string;
  readonly footnote: string;
}

const names: Readonly<Record<string, string>> = { tv: "TV", l2o: "L2O (learned)" };

/** One row a measurement; all images in one window, all errors in another. */
export function ctFigure(rows: readonly FigureRow[], { size, title, footnote }: CtFigureOptions): Uint8Array {
  const sources = rows.map(({ truth, methods }) => truth ?? methods[0]!.x);
  const high = quantile(sources, 0.998);
  const honest = rows.filter(({ methods }) => methods.every(({ result }) => result?.trustworthy ?? true));
  const errors = (honest.length > 0 ? honest : rows).flatMap(({ truth, methods }) =>
    truth ? methods.map(({ x }) => difference(x, truth).map(Math.abs)) : [],
  );
  const error = Math.max(quantile(errors, 0.995), high / 1000);
  const picture = (data: Float32Array) => ({ data, height: size, width: size });
  const panels = rows.map(({ title: of, truth, methods }): Panel[] => [
    ...(truth
      ? [
          {
            title: `${of}: truth`,
            image: picture(truth),
            window: [0, high] as const,
            colormap: "gray" as const,
          },
        ]
      : []),
    ...methods.map(
      ({ name, x, score, result, notes = [] }): Panel => ({
        title: truth ? (names[name] ?? name) : `${of}: ${names[name] ?? name}`,
        image: picture(x),
        window: [0, high],
        colormap: "gray",
        caption: [
          ...(score ? [plain(`PSNR ${score.psnr.toFixed(2)} dB, SSIM ${score.ssim.toFixed(3)}`)] : []),
          ...(result ? [...gapOf(result), ...labels(result)] : []),
          ...notes.map(plain),
        ],
      }),
    ),
    ...(truth
      ? methods.map(
          ({ name, x }): Panel => ({
            title: `Error of ${names[name] ?? name}`,
            image: picture(difference(x, truth)),
            window: [-error, error],
            colormap: "diverging",
          }),
        )
      : []),
  ]);
  return renderFigure(panels, { title, footnote, scale: Math.max(1, Math.round(256 / size)) });
}

function labels({ certificates }: Result): Caption[] {
  return certificates.map(({ property, label }) => ({ text: property, tone: label }));
}

/** The proven gap and bound, where there is a proof. */
function gapOf({ optimality }: Result): Caption[] {
  if (optimality.verdict !== "VERIFIED") return [];
  const { relativeGap, dual } = optimality;
  return [plain(`gap ≤ ${(100 * relativeGap).toPrecision(2)} %, bound ${dual.toPrecision(5)}`)];
}

function plain(text: string): Caption {
  return { text, tone: "plain" };
}

function difference(x: Float32Array, truth: Float32Array): Float32Array {
  return x.map((value, i) => value - truth[i]!);
}

function quantile(images: readonly Float32Array[], share: number): number {
  const length = images.reduce((sum, image) => sum + image.length, 0);
  const all = new Float32Array(length);
  let at = 0;
  for (const image of images) {
    all.set(image, at);
    at += image.length;
  }
  all.sort();
  return all[Math.min(length - 1, Math.floor(share * length))] || 1;
}
