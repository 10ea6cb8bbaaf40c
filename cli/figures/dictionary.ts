/** @file Figures 3 and 5: signals and their codes as stem plots, with labels below. */

import type { DictionaryAnswer, DictionaryFigureData } from "../../src/applications/dictionary/figures.js";
import type { Certificate } from "../../src/certificates/certify.js";
import { drawText, edge, ink, rasterise, soft, svgDocument, tones } from "../figure.js";

export interface DictionaryFigureStyle {
  readonly title?: string;
  readonly footnote?: string;
  /** Pixels of the PNG per pixel of the figure. Default 2. */
  readonly zoom?: number;
}

const plot = { width: 250, height: 110 };
const space = { margin: 20, left: 44, column: 30, row: 34, title: 36, heading: 24, caption: 21, footnote: 26 };
const blue = "#1f5fa8";
const orange = "#b35900";

const headings: Readonly<Record<DictionaryAnswer["name"], string>> = {
  true: "True signal",
  wrong: "Another signal",
  "least squares": "Least squares",
  inference: "Inference (learned)",
};

/** Figure 3: a column for each answer: x, Kx, and both certificates. */
export function dictionaryAnswersFigure(data: DictionaryFigureData, style: DictionaryFigureStyle = {}): Uint8Array {
  const { answers } = data;
  const ranges = { x: reach(answers.map(({ x }) => x)), code: reach(answers.map(({ code }) => code)) };
  const order = ["true", "wrong", "least squares", "inference"] as const;
  const columns = order.map((name, c) => {
    const { x, code, certificates } = answers.find((answer) => answer.name === name)!;
    const left = space.margin + space.left + c * (plot.width + space.column);
    const top = space.margin + space.title + space.heading;
    const below = top + plot.height + space.row;
    const captions = certificates.map((certificate, i) =>
      caption(certificate, left, below + plot.height + space.row + i * space.caption),
    );
    return [
      drawText({ text: headings[name], size: 14, fill: ink, bold: true }, left, top - 10),
      stems(x, left, top, ranges.x, blue, c === 0),
      stems(code, left, below, ranges.code, orange, c === 0),
      ...captions,
    ].join("");
  });
  const width = 2 * space.margin + space.left + 4 * plot.width + 3 * space.column;
  const height = space.margin + space.title + space.heading + 2 * (plot.height + space.row) + 2 * space.caption;
  const bottom = height + space.footnote;
  const axes = [
    axisName("x", space.margin + space.title + space.heading),
    axisName("Kx", space.margin + space.title + space.heading + plot.height + space.row),
  ];
  return document(width, bottom, [...axes, ...columns], {
    title: "Four answers to one measurement, and what the certificates say",
    footnote:
      `Test signal ${data.sample}. The inference is ${percent(data.error)} from the true signal. ` +
      "Fail: worse than 95 % of held-out inferences.",
    ...style,
  });
}

/** Figure 5: a true signal and its sparse code. */
export function dictionaryCodeFigure(data: DictionaryFigureData, style: DictionaryFigureStyle = {}): Uint8Array {
  const { x, code } = data.answers.find(({ name }) => name === "true")!;
  const top = space.margin + space.title + space.heading;
  const lefts = [0, 1].map((c) => space.margin + space.left + c * (plot.width + space.column + space.left));
  const parts = [
    drawText({ text: "True signal x", size: 14, fill: ink, bold: true }, lefts[0]!, top - 10),
    stems(x, lefts[0]!, top, reach([x]), blue, true),
    drawText({ text: "Its code Kx", size: 14, fill: ink, bold: true }, lefts[1]!, top - 10),
    stems(code, lefts[1]!, top, reach([code]), orange, true),
  ];
  const width = lefts[1]! + plot.width + space.margin;
  return document(width, top + plot.height + space.row + space.footnote - 8, parts, {
    title: "The learned K makes signals sparse",
    footnote: `Test signal ${data.sample}: ${data.nonzeros} of ${code.length} entries of Kx exceed a thousandth of its largest.`,
    ...style,
  });
}

/** One vertical line a value, from a zero line, with a dot where it is not nearly zero; ticks at the ends of the range. */
function stems(
  values: ArrayLike<number>,
  left: number,
  top: number,
  high: number,
  fill: string,
  labelled: boolean,
): string {
  const middle = top + plot.height / 2;
  const step = plot.width / values.length;
  const drawn = Array.from(values, (value, i) => {
    const [px, py] = [left + (i + 0.5) * step, middle - (value / high) * (plot.height / 2 - 3)];
    if (Math.abs(value) < high / 200) return "";
    return (
      `<line x1="${px}" x2="${px}" y1="${middle}" y2="${py}" stroke="${fill}" stroke-width="0.8"/>` +
      `<circle cx="${px}" cy="${py}" r="1.2" fill="${fill}"/>`
    );
  });
  const frame =
    `<rect x="${left - 0.5}" y="${top - 0.5}" width="${plot.width + 1}" height="${plot.height + 1}" fill="none" stroke="${edge}"/>` +
    `<line x1="${left}" x2="${left + plot.width}" y1="${middle}" y2="${middle}" stroke="${edge}"/>`;
  const ticks = labelled
    ? [
        [high, top + 11],
        [0, middle + 4],
        [-high, top + plot.height - 1],
      ]
    : [];
  const marks = ticks.map(([value, y]) =>
    drawText({ text: tick(value!), size: 11, fill: soft, anchor: "end" }, left - 6, y!),
  );
  const ends = [
    drawText({ text: "1", size: 11, fill: soft }, left, top + plot.height + 15),
    drawText(
      { text: `${values.length}`, size: 11, fill: soft, anchor: "end" },
      left + plot.width,
      top + plot.height + 15,
    ),
  ];
  return frame + drawn.join("") + marks.join("") + ends.join("");
}

function caption({ property, kind, value, label }: Certificate, x: number, y: number): string {
  const { fill, mark } = tones[label];
  const heading = `${property}: ${label}`;
  return (
    drawText({ text: mark ?? "", size: 13, fill, bold: true }, x, y) +
    drawText({ text: heading, size: 13, fill, bold: true }, x + 18, y) +
    drawText({ text: `${kind} ${short(value)}`, size: 12, fill: soft, anchor: "end" }, x + plot.width, y)
  );
}

function axisName(text: string, top: number): string {
  return drawText({ text, size: 13, fill: ink, bold: true }, space.margin, top + plot.height / 2 - 12);
}

function document(
  width: number,
  height: number,
  parts: readonly string[],
  { title, footnote, zoom = 2 }: DictionaryFigureStyle,
): Uint8Array {
  const texts = [
    drawText({ text: title ?? "", size: 17, fill: ink, bold: true }, space.margin, space.margin + 16),
    drawText({ text: footnote ?? "", size: 11, fill: soft }, space.margin, height - 4),
  ];
  return rasterise(svgDocument(width, height + space.margin / 2, [...texts, ...parts]), zoom);
}

/** The largest magnitude, rounded up to two digits. */
function reach(arrays: readonly ArrayLike<number>[]): number {
  const largest = Math.max(...arrays.map((array) => Math.max(...Array.from(array, Math.abs))), 1e-6);
  const unit = 10 ** (Math.floor(Math.log10(largest)) - 1);
  return Math.ceil(largest / unit) * unit;
}

function tick(value: number): string {
  return String(Number(value.toPrecision(2))).replace("-", "−");
}

function short(value: number): string {
  if (value === 0) return "0";
  return value >= 1e-2 ? String(Number(value.toPrecision(3))) : value.toExponential(1).replace("-", "−");
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
