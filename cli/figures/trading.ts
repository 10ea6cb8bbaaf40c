/** @file Figures 7 and 8 as SVG: the network of markets, and what a trade tenders and receives on it. */

import { MARKETS, OFFSETS } from "../../src/applications/trading/paper/network.js";
import { executes, type Trade, utility } from "../../src/applications/trading/paper/trade.js";
import { drawText, edge, ink, soft, svgDocument, tones } from "../figure.js";

export interface TradesFigureData {
  /** True reserves of one snapshot. */
  readonly reserves: ArrayLike<number>;
  readonly learned: Trade;
  readonly analytic: Trade;
}

const panel = { width: 400, height: 360, top: 70, left: 30 };
const blue = "#1f5fa8";
const green = "#2c7a2c";
/** Pixels of the widest flow. */
const WIDEST = 14;

const market = (j: number) => ({ x: 60 + (j * 280) / (MARKETS.length - 1), y: 60 });
const token = (t: number) => ({ x: 90 + t * 110, y: 300 });

/** Figure 7: which tokens each market trades. */
export function networkFigure(): string {
  const lines = MARKETS.flatMap(({ tokens }, j) => tokens.map((t) => line(market(j), token(t), ink, 1.5)));
  const parts = [title("Five markets, three tokens"), group([...lines, nodes()], panel.left, panel.top)];
  return svgDocument(panel.width + 2 * panel.left, panel.height + panel.top + 20, parts);
}

/** Figure 8: a learned and an analytic trade; width is worth, blue what is tendered, green what is received. */
export function tradesFigure({ reserves, learned, analytic }: TradesFigureData): string {
  const widest = Math.max(...[learned, analytic].flatMap(({ x, y }) => [...x, ...y]), 1e-9);
  const one = (name: string, trade: Trade, left: number) => {
    const done = executes(trade, reserves);
    const { fill, mark } = tones[done ? "pass" : "fail"];
    const verdict = `${mark} ${done ? "executed" : "refused"}, predicted utility ${utility(trade).toFixed(3)}`;
    const heading = [
      drawText({ text: name, size: 14, fill: ink, bold: true }, 0, 0),
      drawText({ text: verdict, size: 12, fill }, 0, 20),
    ];
    return group([...heading, flows(trade, widest), nodes()], left, panel.top);
  };
  const parts = [
    title("Proposed trades on one snapshot"),
    one("Learned", learned, panel.left),
    one("Analytic", analytic, panel.left + panel.width),
    drawText(
      { text: "Blue: tendered. Green: received. Width: amount.", size: 11, fill: soft },
      panel.left,
      panel.height + panel.top + 8,
    ),
  ];
  return svgDocument(2 * panel.width + 2 * panel.left, panel.height + panel.top + 24, parts);
}

function flows({ x, y }: Trade, widest: number): string {
  return MARKETS.flatMap(({ tokens }, j) =>
    tokens.map((t, k) => {
      const [given, taken] = [x[OFFSETS[j]! + k]!, y[OFFSETS[j]! + k]!];
      const width = (WIDEST * Math.max(given, taken)) / widest;
      return width > 0
        ? line(market(j), token(t), given > taken ? blue : green, Math.max(0.5, width))
        : line(market(j), token(t), edge, 0.5);
    }),
  ).join("");
}

function nodes(): string {
  const dot = ({ x, y }: { x: number; y: number }, name: string, fill: string) =>
    `<circle cx="${x}" cy="${y}" r="16" fill="#ffffff" stroke="${fill}" stroke-width="1.5"/>` +
    drawText({ text: name, size: 12, fill: ink }, x - 4 * name.length, y + 4);
  return [
    ...MARKETS.map((_, j) => dot(market(j), `${j + 1}`, ink)),
    ...[0, 1, 2].map((t) => dot(token(t), `T${t + 1}`, soft)),
  ].join("");
}

function line(from: { x: number; y: number }, to: { x: number; y: number }, stroke: string, width: number): string {
  return `<line x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}" stroke="${stroke}" stroke-width="${width.toFixed(2)}"/>`;
}

function group(parts: readonly string[], left: number, top: number): string {
  return `<g transform="translate(${left},${top})">${parts.join("")}</g>`;
}

function title(text: string): string {
  return drawText({ text, size: 17, fill: ink, bold: true }, panel.left, 32);
}
