/** @file The model as the paper draws it: data, one block a term coloured by its label, the answer. */

import type { Certificate, Result } from "../../src/certificates/certify.js";
import { isSmooth, type Problem } from "../../src/problem.js";
import { drawText, edge, ink, soft, svgDocument, tones } from "../figure.js";

const block = { width: 300, height: 52, gap: 14 };
const end = { width: 92, height: 52 };
const space = { margin: 20, title: 44, arrow: 46, footnote: 34 };
/** Fill behind each label's ink. */
const grounds = { pass: "#e3f2e6", warning: "#fbefd5", fail: "#fae3e4", none: "#f2f4f6" } as const;

/**
 * d → the blocks of the model → x, each block in the colour of the certificate that vouches for it.
 *
 * @returns an SVG document
 * @source Heaton & Wu Fung 2023, Figures 1, 2 and 6
 */
export function modelFigure(
  problem: Problem,
  { certificates }: Pick<Result, "certificates">,
  { title }: { readonly title: string },
): string {
  const terms = Object.entries(problem).map(([name, term]) => ({
    name,
    formula: `${isSmooth(term) ? term.smooth.name : term.prox.name}${term.of ? ` of ${term.of.name}` : ""}`,
  }));
  const others = certificates
    .filter(({ term }) => !Object.hasOwn(problem, term))
    .map(({ term, kind }) => ({ name: term, formula: kind }));
  const rows = [...terms, ...others];
  const left = space.margin + end.width + space.arrow;
  const top = space.margin + space.title;
  const bottom = top + rows.length * (block.height + block.gap) - block.gap;
  const middle = (top + bottom) / 2;
  const right = left + block.width + space.arrow;
  const width = right + end.width + space.margin;
  return svgDocument(width, bottom + space.footnote + space.margin / 2, [
    drawText({ text: title, size: 17, fill: ink, bold: true }, space.margin, space.margin + 16),
    box(space.margin, middle - end.height / 2, end.width, end.height, grounds.none, edge),
    drawText({ text: "data d", size: 13, fill: ink, bold: true }, space.margin + 22, middle + 5),
    arrow(space.margin + end.width + 6, left - 6, middle),
    ...rows.map((row, i) =>
      drawTerm(
        row,
        certificates.find(({ term }) => term === row.name),
        left,
        top + i * (block.height + block.gap),
      ),
    ),
    arrow(left + block.width + 6, right - 6, middle),
    box(right, middle - end.height / 2, end.width, end.height, grounds.none, edge),
    drawText({ text: "answer x", size: 13, fill: ink, bold: true }, right + 14, middle + 5),
    drawText(
      { text: "Each block has the label of its certificate: ✓ pass, △ warning, ✕ fail.", size: 11, fill: soft },
      space.margin,
      bottom + space.footnote - 6,
    ),
  ]);
}

function drawTerm(
  { name, formula }: { readonly name: string; readonly formula: string },
  certificate: Certificate | undefined,
  x: number,
  y: number,
): string {
  const { fill, mark = "" } = certificate ? tones[certificate.label] : tones.plain;
  const value = certificate ? ` ${Number(certificate.value.toPrecision(3))}` : "";
  return [
    box(x, y, block.width, block.height, certificate ? grounds[certificate.label] : grounds.none, fill),
    drawText({ text: mark, size: 14, fill, bold: true }, x + 12, y + 22),
    drawText({ text: name, size: 14, fill, bold: true }, x + 32, y + 22),
    drawText({ text: value, size: 12, fill: soft, anchor: "end" }, x + block.width - 12, y + 22),
    drawText({ text: formula, size: 12, fill: soft }, x + 32, y + 41),
  ].join("");
}

function box(x: number, y: number, width: number, height: number, fill: string, stroke: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="${fill}" stroke="${stroke}"/>`;
}

function arrow(from: number, to: number, y: number): string {
  return `<path d="M${from} ${y}H${to}m-7 -5l7 5l-7 5" fill="none" stroke="${soft}" stroke-width="1.6"/>`;
}
