/** @file What a command says: lines and tables for people, one object for machines. */

import { createRequire } from "node:module";
import { arch, cpus, platform } from "node:os";
import { stripVTControlCharacters, styleText } from "node:util";
import { version } from "./paths.js";

export interface Output {
  /** A line for people: stdout, or stderr where stdout is for machines. */
  line(text?: string): void;
  /** Rows under a heading, columns padded to one width; text left, numbers right. */
  table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): void;
  /** "pass", "warning", "fail" in colour, where there is any. */
  label(label: string): string;
  heading(text: string): void;
}

/** @param json  stdout belongs to machines */
export function output({ json }: { readonly json: boolean }): Output {
  const stream = json ? process.stderr : process.stdout;
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    usesColor(stream) ? styleText(format, text) : text;
  const colors: Record<string, Parameters<typeof styleText>[0]> = { pass: "green", warning: "yellow", fail: "red" };
  const line = (text = "") => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    label: (label) => (colors[label] ? style(colors[label], label) : label),
    heading: (text) => line(style("bold", text)),
    table(heading, rows) {
      const texts = rows.map((row) => row.map(String));
      const width = (c: number) => Math.max(...[heading, ...texts].map((row) => visible(row[c] ?? "")));
      const widths = heading.map((_, c) => width(c));
      const right = heading.map((_, c) => rows.length > 0 && rows.every((row) => isNumeric(row[c])));
      const show = (row: readonly string[]) =>
        row
          .map((cell, c) => {
            const gap = " ".repeat(widths[c]! - visible(cell));
            return right[c] ? gap + cell : cell + gap;
          })
          .join("  ")
          .trimEnd();
      line(style("dim", show(heading)));
      for (const row of texts) line(show(row));
    },
  };
}

function isNumeric(cell: string | number | undefined): boolean {
  return typeof cell === "number" || cell === "" || /^[−-]?[\d.]+( ?%)?$/.test(cell ?? "x");
}

function visible(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** On a terminal that has not asked for none. @source no-color.org */
export function usesColor(stream: NodeJS.WriteStream): boolean {
  return Boolean(stream.isTTY) && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}

/** The last line of `--json`: what was measured, and where. */
export function machineLine(
  name: string,
  figures: Readonly<Record<string, number | null>>,
  also: Readonly<Record<string, string>> = {},
  report: Readonly<Record<string, unknown>> = {},
): string {
  const cores = cpus();
  const env = {
    node: process.versions.node,
    platform: platform(),
    arch: arch(),
    cpus: cores.length,
    cpu: cores[0]?.model.trim() ?? "unknown",
    onnxruntime: engineVersion(),
    vouch: version,
    ...also,
  };
  return JSON.stringify({ name, ...report, figures, env });
}

/** The engine is an optional peer: a command that only verifies runs without it. */
function engineVersion(): string {
  const required = createRequire(import.meta.url);
  try {
    return (required("onnxruntime-node/package.json") as { version: string }).version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    return "not installed";
  }
}
