/** @file Where an inference lies: the empirical distribution of each property on calibration samples, its band, and this value. */

import type { Calibration } from "../../src/certificates/calibration.js";
import type { Certificate, Result } from "../../src/certificates/certify.js";
import { dkwBand } from "../../src/certificates/realised-rate.js";
import { drawText, edge, ink, soft, svgDocument, tones } from "../figure.js";

const plot = { width: 260, height: 150 };
const space = { margin: 20, left: 40, column: 46, title: 40, heading: 22, below: 62, footnote: 30 };
const curve = "#1f5fa8";
const band = "#d6e4f2";
/** Room above the largest value, as a share of the axis. */
const ROOM = 0.08;

/**
 * One panel a property: CDF_N of the calibration with its Dvoretzky–Kiefer–Wolfowitz band, and a line at this inference.
 *
 * The band shows what N samples know of the curve; the labels do not use it.
 *
 * @returns an SVG document
 * @source Heaton & Wu Fung 2023, eq. (11), (13) and Figure 2
 */
export function calibrationFigure(
  calibration: Calibration,
  { certificates, joint }: Pick<Result, "certificates" | "joint">,
  { title, confidence = 0.95 }: { readonly title: string; readonly confidence?: number },
): string {
  const shown = certificates.filter(({ property }) => Object.hasOwn(calibration.values, property));
  const N = calibration.samples.length;
  const panels = shown.map((certificate, c) =>
    panel(
      certificate,
      calibration.values[certificate.property]!,
      dkwBand(N, confidence),
      space.margin + space.left + c * (plot.width + space.column),
    ),
  );
  const width = 2 * space.margin + space.left + Math.max(1, shown.length) * (plot.width + space.column) - space.column;
  const height = space.margin + space.title + space.heading + plot.height + space.below + space.footnote;
  const together =
    joint.verdict === "TESTED" ? `Together: ${joint.label}, p = ${joint.rank.k}/${joint.rank.of}.` : joint.because;
  const footnote = `${N} calibration samples; band: ${100 * confidence} % for the whole curve. ${together}`;
  return svgDocument(width, height, [
    drawText({ text: title, size: 17, fill: ink, bold: true }, space.margin, space.margin + 16),
    ...panels,
    drawText({ text: footnote, size: 11, fill: soft }, space.margin, height - 12),
  ]);
}

function panel(
  { property, kind, value, label, rank }: Certificate,
  values: readonly number[],
  halfWidth: number,
  left: number,
): string {
  const top = space.margin + space.title + space.heading;
  const sorted = values.toSorted((a, b) => a - b);
  const finite = Number.isFinite(value) ? value : sorted.at(-1)!;
  const high = (Math.max(sorted.at(-1)!, finite) || 1) * (1 + ROOM);
  const low = Math.min(sorted[0]!, finite) > high / 2 ? Math.min(sorted[0]!, finite) - ROOM * high : 0;
  const px = (v: number) => left + ((v - low) / (high - low)) * plot.width;
  const py = (share: number) => top + plot.height * (1 - Math.min(1, Math.max(0, share)));
  const steps = (offset: number): string[] => {
    let at = `${px(low)},${py(offset)}`;
    const points = [at];
    sorted.forEach((v, i) => {
      points.push(`${px(v)},${py(i / sorted.length + offset)}`, `${px(v)},${py((i + 1) / sorted.length + offset)}`);
    });
    at = `${px(high)},${py(1 + offset)}`;
    return [...points, at];
  };
  const { fill, mark } = tones[label];
  const place = rank ? `p = ${rank.k}/${rank.of}` : label;
  return [
    drawText({ text: mark ?? "", size: 13, fill, bold: true }, left, top - 8),
    drawText({ text: `${property}: ${label}`, size: 13, fill, bold: true }, left + 18, top - 8),
    `<polygon points="${[...steps(halfWidth), ...steps(-halfWidth).reverse()].join(" ")}" fill="${band}"/>`,
    `<polyline points="${steps(0).join(" ")}" fill="none" stroke="${curve}" stroke-width="1.4"/>`,
    `<line x1="${px(finite)}" x2="${px(finite)}" y1="${top}" y2="${top + plot.height}" stroke="${fill}" stroke-width="1.6"/>`,
    `<rect x="${left - 0.5}" y="${top - 0.5}" width="${plot.width + 1}" height="${plot.height + 1}" fill="none" stroke="${edge}"/>`,
    ...[0, 0.5, 1].map((share) =>
      drawText({ text: `${share}`, size: 11, fill: soft, anchor: "end" }, left - 6, py(share) + 4),
    ),
    drawText({ text: short(low), size: 11, fill: soft }, left, top + plot.height + 15),
    drawText({ text: short(high), size: 11, fill: soft, anchor: "end" }, left + plot.width, top + plot.height + 15),
    drawText({ text: `${kind} ${short(value)}, ${place}`, size: 12, fill: ink }, left, top + plot.height + 33),
  ].join("");
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))).replace("-", "−") : "not a number";
}
