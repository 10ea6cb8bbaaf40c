/** @file Figures of image panels as PNG: an SVG around crisp pixels, drawn with the DejaVu fonts. */

import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";
import { encode } from "fast-png";
import { VouchError } from "../src/errors.js";

export type Tone = "plain" | "pass" | "warning" | "fail";

export interface Caption {
  readonly text: string;
  /** Colour and mark: ✓ pass, △ warning, ✕ fail, so that it reads without colour; plain has none. */
  readonly tone: Tone;
}

export interface Panel {
  readonly title: string;
  /** Row-major, image units. */
  readonly image: { readonly data: Float32Array | Float64Array; readonly height: number; readonly width: number };
  /** Values drawn at the two ends of the colour map, low < high; values beyond are drawn as the ends. */
  readonly window: readonly [low: number, high: number];
  /** Black to white, or blue over white to red for errors (window symmetric about 0). */
  readonly colormap: "gray" | "diverging";
  /** Lines below the panel, wrapped to its width. */
  readonly caption?: readonly Caption[];
}

export interface FigureOptions {
  readonly title?: string;
  readonly footnote?: string;
  /** Pixels of the figure per pixel of an image, a whole number ≥ 1; 2 by default. */
  readonly scale?: number;
  /** Pixels of the PNG per pixel of the figure, text included, a whole number ≥ 1; 1 by default, 2 for print. */
  readonly zoom?: number;
}

type Rgb = readonly [number, number, number];
export interface Line {
  readonly text: string;
  readonly size: number;
  readonly fill: string;
  readonly bold?: boolean;
  readonly mark?: string;
  readonly anchor?: "end";
}
interface Block {
  readonly lines: readonly Line[];
  readonly height: number;
}
interface Cell {
  readonly panel: Panel;
  readonly width: number;
  readonly height: number;
  readonly title: Block;
  readonly caption: Block;
}

/** Room for the two values below a colour bar. */
const leastWidth = 112;
const space = { margin: 20, column: 20, row: 22, title: 6, bar: 5, caption: 8, barHeight: 7 };
export const ink = "#1f2328";
export const soft = "#59636e";
export const edge = "#afb8c1";
export const tones: Record<Tone, { fill: string; mark?: string }> = {
  plain: { fill: ink },
  pass: { fill: "#116329", mark: "✓" },
  warning: { fill: "#8a5a00", mark: "△" },
  fail: { fill: "#b3141d", mark: "✕" },
};
const black: Rgb = [0, 0, 0];
const white: Rgb = [255, 255, 255];
const colormaps: Record<Panel["colormap"], readonly Rgb[]> = {
  gray: [black, white],
  diverging: [[5, 48, 97], [67, 147, 195], white, [214, 96, 77], [103, 0, 31]],
};
const family = "DejaVu Sans";
const { resolve } = createRequire(import.meta.url);
const font = {
  fontFiles: ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`)),
  loadSystemFonts: false,
  defaultFontFamily: family,
};

/**
 * Draw rows of image panels as one PNG: title above, colour bar with the window and captions below.
 *
 * Pixels of an image are repeated, never interpolated. Panels of a row align; rows may differ in length.
 *
 * @param panels  rows of panels, at least one panel
 * @throws parameter if there is no panel, a window is not low < high, or scale or zoom is not a whole number ≥ 1;
 *   shape if an image is not height × width; data if it holds a value that is not finite
 */
export function renderFigure(panels: readonly (readonly Panel[])[], options: FigureOptions = {}): Uint8Array {
  return rasterise(renderSvg(panels, options), options.zoom ?? 1);
}

/** The same as one SVG document. @throws as `renderFigure` */
export function renderSvg(panels: readonly (readonly Panel[])[], options: FigureOptions = {}): string {
  const { scale = 2, zoom = 1 } = options;
  check(panels, scale, zoom);
  const rows = panels.filter((row) => row.length > 0).map((row) => row.map((panel) => layCell(panel, scale)));
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...rows.map((row) => row[c]?.width ?? 0)));
  const inner = widths.reduce((sum, width) => sum + width, 0) + (columns - 1) * space.column;
  const title = layText([{ text: options.title ?? "", size: 17, fill: ink, bold: true }], inner);
  const footnote = layText([{ text: options.footnote ?? "", size: 11, fill: soft }], inner);

  const parts = [drawBlock(title, space.margin, space.margin)];
  let top = space.margin + (title.height && title.height + 12);
  for (const row of rows) {
    parts.push(...drawRow(row, widths, top, scale * zoom));
    top += rowHeight(row) + space.row;
  }
  const bottom = top - space.row + (footnote.height && footnote.height + 14);
  parts.push(drawBlock(footnote, space.margin, bottom - footnote.height));
  return svgDocument(inner + 2 * space.margin, bottom + space.margin, parts);
}

/** An SVG document as PNG, its text in the DejaVu fonts. */
export function rasterise(svg: string, zoom = 1): Uint8Array {
  return new Uint8Array(new Resvg(svg, { font, fitTo: { mode: "zoom", value: zoom } }).render().asPng());
}

function layCell(panel: Panel, scale: number): Cell {
  const width = Math.max(panel.image.width * scale, leastWidth);
  const title = layText([{ text: panel.title, size: 13, fill: ink, bold: true }], width);
  const lines = (panel.caption ?? []).map(({ text, tone }) => ({ text, size: 12, ...tones[tone] }));
  return { panel, width, height: panel.image.height * scale, title, caption: layText(lines, width) };
}

const barBlock = space.bar + space.barHeight + 16;

function rowHeight(row: readonly Cell[]): number {
  const tallest = (height: (cell: Cell) => number) => Math.max(...row.map(height));
  const caption = tallest((cell) => cell.caption.height);
  const below = caption > 0 ? space.caption + caption : 0;
  return tallest((cell) => cell.title.height) + space.title + tallest((cell) => cell.height) + barBlock + below;
}

/** Titles end on one line and images begin on one line across the row. */
function drawRow(row: readonly Cell[], widths: readonly number[], top: number, repeat: number): string[] {
  const imageTop = top + Math.max(...row.map((cell) => cell.title.height)) + space.title;
  const barTop = imageTop + Math.max(...row.map((cell) => cell.height)) + space.bar;
  let left = space.margin;
  return row.flatMap((cell, c) => {
    const x = left;
    left += widths[c]! + space.column;
    return [
      drawBlock(cell.title, x, imageTop - space.title - cell.title.height),
      drawImage(cell, x, imageTop, repeat),
      drawBar(cell, x, barTop),
      drawBlock(cell.caption, x, barTop - space.bar + barBlock + space.caption),
    ];
  });
}

function drawImage({ panel, height }: Cell, x: number, y: number, repeat: number): string {
  const width = (height / panel.image.height) * panel.image.width;
  const href = `data:image/png;base64,${Buffer.from(encodePixels(panel, repeat)).toString("base64")}`;
  return (
    `<rect x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" height="${height + 1}" fill="none" stroke="${edge}"/>` +
    `<image x="${x}" y="${y}" width="${width}" height="${height}" image-rendering="optimizeSpeed" href="${href}"/>`
  );
}

/** The image in its colours, each pixel repeat × repeat times. */
function encodePixels({ image, window: [low, high], colormap }: Panel, repeat: number): Uint8Array {
  const width = image.width * repeat;
  const height = image.height * repeat;
  const data = new Uint8Array(3 * width * height);
  for (let r = 0; r < image.height; r++) {
    const start = 3 * width * r * repeat;
    for (let c = 0; c < image.width; c++) {
      const rgb = color(colormap, (image.data[r * image.width + c]! - low) / (high - low));
      for (let k = 0; k < repeat; k++) data.set(rgb, start + 3 * (c * repeat + k));
    }
    for (let k = 1; k < repeat; k++) data.copyWithin(start + 3 * width * k, start, start + 3 * width);
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}

/** The colour map from the low end of the window to the high end, and both values. */
function drawBar({ panel, width }: Cell, x: number, y: number): string {
  const stops = colormaps[panel.colormap];
  const id = `bar-${x}-${y}`;
  const gradient = stops
    .map((rgb, i) => `<stop offset="${i / (stops.length - 1)}" stop-color="rgb(${rgb})"/>`)
    .join("");
  const [low, high] = panel.window.map((value) => ({ text: threeDigits(value), size: 11, fill: soft }));
  const baseline = y + space.barHeight + 14;
  return (
    `<linearGradient id="${id}">${gradient}</linearGradient>` +
    `<rect x="${x - 0.5}" y="${y + 0.5}" width="${width + 1}" height="${space.barHeight}" fill="url(#${id})" stroke="${edge}"/>` +
    drawText(low!, x, baseline) +
    drawText({ ...high!, anchor: "end" }, x + width, baseline)
  );
}

/** At position t of a colour map: 0 is its first colour, 1 its last, linear between its stops. */
function color(map: Panel["colormap"], t: number): Rgb {
  const stops = colormaps[map];
  const position = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(position), stops.length - 2);
  const part = position - i;
  const mix = (k: 0 | 1 | 2) => Math.round(stops[i]![k] * (1 - part) + stops[i + 1]![k] * part);
  return [mix(0), mix(1), mix(2)];
}

/** Three significant digits, with a true minus sign. */
function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

const leading = 1.35;
const markWidth = 17;

/** Break lines at spaces so that none is wider than `width`; a single word that is wider is cut with …. */
function layText(source: readonly Line[], width: number): Block {
  const lines = source.flatMap((line) => {
    const room = width - (line.mark ? markWidth : 0);
    const wrapped: string[] = [];
    for (const word of line.text.split(/\s+/).filter(Boolean)) {
      const last = wrapped.at(-1);
      const longer = `${last} ${word}`;
      if (last !== undefined && measure(line, longer) <= room) wrapped[wrapped.length - 1] = longer;
      else wrapped.push(cut(line, word, room));
    }
    return wrapped.map(
      (text, i): Line => ({ ...line, text, ...(line.mark ? { mark: i === 0 ? line.mark : " " } : {}) }),
    );
  });
  return { lines, height: lines.reduce((sum, line) => sum + Math.round(line.size * leading), 0) };
}

function cut(line: Line, word: string, room: number): string {
  if (measure(line, word) <= room) return word;
  const letters = [...word];
  while (letters.length > 1 && measure(line, `${letters.join("")}…`) > room) letters.pop();
  return `${letters.join("")}…`;
}

/** Width in figure pixels, from the origin to the last drawn pixel. */
function measure(line: Line, text: string): number {
  const box = new Resvg(svgDocument(1, 1, [drawText({ ...line, text }, 0, 0)]), { font }).getBBox();
  return box ? box.x + box.width : 0;
}

function drawBlock({ lines }: Block, x: number, y: number): string {
  let top = y;
  return lines
    .map((line) => {
      const baseline = top + Math.round(line.size * 1.02);
      top += Math.round(line.size * leading);
      const mark = line.mark ? drawText({ ...line, text: line.mark, bold: true }, x, baseline) : "";
      return mark + drawText(line, x + (line.mark ? markWidth : 0), baseline);
    })
    .join("");
}

/** One line of text with its baseline at y. */
export function drawText({ text, size, fill, bold, anchor }: Line, x: number, y: number): string {
  const safe = text
    .replace(/[^\t\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;");
  const style = (bold ? ' font-weight="bold"' : "") + (anchor ? ` text-anchor="${anchor}"` : "");
  return `<text x="${x}" y="${y}" font-family="${family}" font-size="${size}"${style} fill="${fill}">${safe}</text>`;
}

export function svgDocument(width: number, height: number, parts: readonly string[]): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}</svg>`
  );
}

function check(panels: readonly (readonly Panel[])[], scale: number, zoom: number): void {
  const all = panels.flat();
  if (all.length === 0) fail("parameter", "at least one panel", "none", "Give a row of panels.");
  for (const [name, value] of Object.entries({ scale, zoom })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    fail("parameter", `${name}: a whole number ≥ 1`, `${value}`, "Pixels are repeated, never interpolated.");
  }
  for (const { title, image, window } of all) {
    const { data, height, width } = image;
    if (!(height >= 1 && width >= 1 && height * width === data.length)) {
      fail(
        "shape",
        `${title}: height × width of ${data.length} values`,
        `${height} × ${width}`,
        "Give the image's size.",
      );
    }
    if (!(window[0] < window[1] && Number.isFinite(window[1] - window[0]))) {
      fail("parameter", `${title}: a window of low < high`, `[${window}]`, "Give the range of values to show.");
    }
    const bad = data.findIndex((v: number) => !Number.isFinite(v));
    if (bad < 0) continue;
    fail("data", `${title}: finite values`, `${data[bad]} at ${bad}`, "Look at the status of the solution.");
  }
}

function fail(code: "parameter" | "shape" | "data", expected: string, got: string, remedy: string): never {
  throw new VouchError(code, { name: "renderFigure", expected, got, remedy });
}
