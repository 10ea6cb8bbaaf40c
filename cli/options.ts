/** @file Options as data: what each accepts, its default, and its line of help. */

import { VouchError } from "../src/errors.js";

export interface Option<T> {
  /** One line of help, without the default. */
  readonly summary: string;
  /** Stands for the value in help, "N" or "FILE"; absent for a flag. */
  readonly hint?: string;
  /** Where the option is not given. */
  readonly fallback: T;
  /** The default in help, where it is not `fallback` as text. */
  readonly shown?: string;
  /** @throws parameter, naming `name`, if the text is not acceptable */
  parse(text: string, name: string): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/** Off unless given; takes no value. */
export function flag(summary: string): Option<boolean> {
  return { summary, fallback: false, parse: () => true };
}

interface Range {
  /** Least value; `above` excludes its own. */
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
}

/** A finite number in a range. */
export function number<D extends number | undefined>(
  summary: string,
  fallback: D,
  range: Range = {},
): Option<number | D> {
  return numeric(summary, fallback, range, "a number", (value) => Number.isFinite(value));
}

/** A whole number in a range. */
export function integer<D extends number | undefined>(
  summary: string,
  fallback: D,
  range: Range = {},
): Option<number | D> {
  return numeric(summary, fallback, range, "a whole number", Number.isSafeInteger);
}

function numeric<D extends number | undefined>(
  summary: string,
  fallback: D,
  { min = -Infinity, above = -Infinity, max = Infinity }: Range,
  kind: string,
  accepts: (value: number) => boolean,
): Option<number | D> {
  const bounds = [
    ...(min > -Infinity ? [`≥ ${min}`] : []),
    ...(above > -Infinity ? [`> ${above}`] : []),
    ...(max < Infinity ? [`≤ ${max}`] : []),
  ];
  const remedy =
    fallback === undefined ? "Leave it out if you do not need it." : `Leave it out for the default, ${fallback}.`;
  return {
    summary,
    hint: "N",
    fallback,
    parse(text, name) {
      const value = text.trim() === "" ? Number.NaN : Number(text);
      if (accepts(value) && value >= min && value > above && value <= max) return value;
      const expected = [kind, ...(bounds.length > 0 ? [bounds.join(" and ")] : [])].join(" ");
      throw new VouchError("parameter", { name, expected, got: `"${text}"`, remedy });
    },
  };
}

/** Any text: a path, mostly. */
export function text<D extends string | undefined>(summary: string, hint: string, fallback: D): Option<string | D> {
  return {
    summary,
    hint,
    fallback,
    parse(value, name) {
      if (value !== "") return value;
      throw new VouchError("parameter", { name, expected: hint, got: "nothing", remedy: "Give it after the option." });
    },
  };
}

/** One of a few words. */
export function choice<const C extends string>(summary: string, choices: readonly C[], fallback: C): Option<C> {
  return { summary, hint: choices.join("|"), fallback, parse: (value, name) => oneOf(value, choices, name) };
}

/** Some of a few words, between commas; each once. */
export function list<const C extends string>(
  summary: string,
  choices: readonly C[],
  fallback: readonly C[],
): Option<readonly C[]> {
  return {
    summary,
    hint: choices.join(","),
    fallback,
    parse: (value, name) => [...new Set(value.split(",").map((word) => oneOf(word.trim(), choices, name)))],
  };
}

function oneOf<C extends string>(value: string, choices: readonly C[], name: string): C {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new VouchError("parameter", {
    name,
    expected: choices.join(" or "),
    got: `"${value}"`,
    remedy: "Leave it out for the default.",
  });
}
