/** @file A game as SVG: its payoffs, both players' strategies, predicted and at equilibrium, and the labels of the answer. */

import type { GameSamples } from "../../src/applications/decisions/games/data.js";
import type { GameEvaluation } from "../../src/applications/decisions/games/evaluate.js";
import type { Game, Strategies } from "../../src/applications/decisions/games/game.js";
import { drawText, edge, ink, soft, svgDocument, tones } from "../figure.js";

const space = { left: 30, top: 84, matrix: 320, column: 50, panel: 350, bars: 140, line: 20 };
const blue = "#1f5fa8";
const green = "#2c7a2c";

/** The test game with the largest error: what the first player pays in colour, shares of actions as bars, and certificates. */
export function gamesFigure(test: GameSamples, { decisions, certificates }: GameEvaluation): string {
  const errors = decisions.map(({ strategies }, n) => squares(strategies, test.equilibria[n]!));
  const n = errors.indexOf(Math.max(...errors));
  const [game, own, best] = [test.game(n), decisions[n]!.strategies, test.equilibria[n]!];
  const size = game.rows + game.columns;
  const right = space.left + space.matrix + space.column;
  const below = space.top + Math.max(space.matrix, 2 * space.bars + 40);
  const lines = certificates[n]!.map(({ property, label, because }, row) => {
    const { fill, mark = "" } = tones[label];
    return drawText(
      { text: `${mark} ${property}: ${label}, ${because}`, size: 12, fill },
      space.left,
      below + 50 + row * space.line,
    );
  });
  const parts = [
    drawText(
      {
        text: `Test context ${n}: mean squared error ${(errors[n]! / size).toExponential(1)}`,
        ...{ size: 17, fill: ink, bold: true },
      },
      space.left,
      32,
    ),
    drawText({ text: "What the first player (rows) pays the second", size: 13, fill: ink }, space.left, 58),
    payoffs(game),
    drawText({ text: "Shares of actions; green: equilibrium, blue: predicted", size: 13, fill: ink }, right, 58),
    shares("first player", own.first, best.first, right, space.top),
    shares("second player", own.second, best.second, right, space.top + space.bars + 40),
    drawText({ text: range(game), size: 11, fill: soft }, space.left, below + 22),
    ...lines,
  ];
  return svgDocument(right + space.panel + space.left, below + 60 + lines.length * space.line, parts);
}

/** Red: the first player pays, blue: he is paid, the paler the less. */
function payoffs({ rows, columns, payoffs: B }: Game): string {
  const most = largest(B);
  const [width, height] = [space.matrix / columns, space.matrix / rows];
  const cells = Array.from(B, (b, at) => {
    const pale = Math.round(255 - 200 * Math.abs(b / most));
    const fill = b > 0 ? `rgb(255,${pale},${pale})` : `rgb(${pale},${pale},255)`;
    const [x, y] = [(at % columns) * width, Math.floor(at / columns) * height];
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`;
  });
  const frame = `<rect width="${space.matrix}" height="${space.matrix}" fill="none" stroke="${edge}"/>`;
  return `<g transform="translate(${space.left},${space.top})">${cells.join("")}${frame}</g>`;
}

/** Two bars an action, on a scale from 0 to the largest share. */
function shares(title: string, own: ArrayLike<number>, best: ArrayLike<number>, left: number, top: number): string {
  const most = Math.max(...Array.from(own), ...Array.from(best));
  const slot = space.panel / own.length;
  const bar = (share: number, i: number, offset: number, fill: string) => {
    const height = (space.bars * share) / most;
    const x = (i + offset) * slot;
    return `<rect x="${x.toFixed(1)}" y="${(space.bars - height).toFixed(1)}" width="${(0.38 * slot).toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"/>`;
  };
  const bars = Array.from(best, (share, i) => bar(share, i, 0.1, green) + bar(own[i]!, i, 0.5, blue));
  const base = `<line x1="0" y1="${space.bars}" x2="${space.panel}" y2="${space.bars}" stroke="${edge}"/>`;
  const text = `${title}, up to ${most.toFixed(2)}`;
  const label = drawText({ text, size: 11, fill: soft }, 0, space.bars + 16);
  return `<g transform="translate(${left},${top})">${bars.join("")}${base}${label}</g>`;
}

function range({ payoffs: B }: Game): string {
  return `Red: he pays, blue: he is paid; white is 0, the strongest ${largest(B).toFixed(1)}.`;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
}

function squares(a: Strategies, b: Strategies): number {
  const of = (u: ArrayLike<number>, v: ArrayLike<number>) =>
    Array.from(u).reduce((sum, value, i) => sum + (value - v[i]!) ** 2, 0);
  return of(a.first, b.first) + of(a.second, b.second);
}
