/** @file Commands as data, and the reading of a command line against them. */

import { parseArgs, stripVTControlCharacters } from "node:util";
import { type ArgsDef, defineCommand, renderUsage } from "citty";
import { VouchError } from "../src/errors.js";
import { nearest } from "./errors.js";
import { flag, type Option, type Options, type Values } from "./options.js";
import { type Output, usesColor } from "./output.js";
import { version } from "./paths.js";
import type { Progress } from "./progress.js";

/** What every command accepts. */
export const common = {
  json: flag("Print one JSON object of figures as the last line; text for people goes to stderr."),
  trace: flag("Show the stack of an error."),
  help: flag("Show this help."),
};

export interface Context<O extends Options> {
  /** As the user called it: "vouch evaluate ct". Errors begin with it. */
  readonly name: string;
  readonly options: Values<O>;
  /** The operand, where the command has one, and the file to write after it. */
  readonly operand: string;
  readonly target: string;
  readonly out: Output;
  progress(label: string, total: number, unit?: string): Progress;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What a command comes to. */
export interface Outcome {
  /** For `--json`: numbers by key. */
  readonly figures: Readonly<Record<string, number>>;
  /** For `--json`, beside the figures: what is not a number. */
  readonly report?: Readonly<Record<string, unknown>>;
  /** 0 ok, 1 a label or a check failed, 2 undecidable, 130 interrupted; default 0. */
  readonly exit?: 0 | 1 | 2 | 130;
}

interface Definition<O extends Options> {
  readonly summary: string;
  /** The argument that is not an option, required: its name in help. */
  readonly operand?: { readonly name: string; readonly summary: string };
  /** A second one, required: the file to write. */
  readonly target?: { readonly name: string; readonly summary: string };
  readonly options: O;
  run(context: Context<O>): Promise<Outcome>;
}

/** A command; its options are read and checked before it runs. */
export interface Command extends Omit<Definition<Options>, "run"> {
  // biome-ignore lint/suspicious/noExplicitAny: a table holds commands of many option types
  run(context: Context<any>): Promise<Outcome>;
}

export type Commands = Readonly<Record<string, Command>>;

export function command<O extends Options>(definition: Definition<O>): Command {
  return definition;
}

export interface Call {
  /** Name in the table: "evaluate ct". */
  readonly name: string;
  readonly command: Command;
  /** The command's own. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly operand: string;
  readonly target: string;
  readonly help: boolean;
}

/** The command that the words begin with, of one or two words, and the words after it. */
export function findCommand(words: readonly string[], commands: Commands): { name: string; rest: readonly string[] } {
  const [first, second] = words as [string | undefined, string | undefined];
  if (first === undefined) throw usage("vouch", "a command", "none", `Commands: ${Object.keys(commands).join(", ")}.`);
  const pair = `${first} ${second}`;
  if (Object.hasOwn(commands, pair)) return { name: pair, rest: words.slice(2) };
  if (Object.hasOwn(commands, first)) return { name: first, rest: words.slice(1) };
  const group = subcommands(first, commands);
  if (group.length > 0) {
    const got = second === undefined || second.startsWith("-") ? "nothing" : `"${second}"`;
    throw usage(`vouch ${first}`, group.join(" or "), got, `Say vouch ${first} ${group[0]}.`);
  }
  const names = [...new Set(Object.keys(commands).map((name) => name.split(" ")[0]!))];
  throw usage(
    "vouch",
    "a command",
    `"${first}"`,
    `Did you mean ${nearest(first, names)}? There are ${names.join(", ")}.`,
  );
}

/** Second words of the commands that begin with `first`. */
export function subcommands(first: string, commands: Commands): string[] {
  return Object.keys(commands).flatMap((name) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
}

/** Read a command line. @throws parameter naming the command and option, with the nearest name for an unknown one */
export function readCall(words: readonly string[], commands: Commands): Call {
  const { name, rest } = findCommand(words, commands);
  const found = commands[name]!;
  const options: Options = { ...found.options, ...common };
  const called = `vouch ${name}`;
  const kinds = Object.fromEntries(
    Object.entries(options).map(([key, { hint }]) => [
      key,
      { type: hint ? ("string" as const) : ("boolean" as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: [...rest],
    options: kinds,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = mapOptions(options, ({ fallback }) => fallback);
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined || !token.rawName.startsWith("--")) throw unknownOption(called, token.rawName, options);
    values[token.name] = option.parse(textOf(called, token, option), `${called}: --${token.name}`);
  }
  const wanted = [found.operand, found.target].filter((one) => one !== undefined);
  const [operand = "", target = ""] = operands;
  const own = Object.fromEntries(Object.keys(found.options).map((key) => [key, values[key]]));
  const call = { name, command: found, options: own, operand, target, help: values["help"] === true };
  if (call.help) return call;
  const missing = wanted[operands.length];
  if (missing) throw usage(called, missing.name, "nothing", `Give ${missing.summary}.`);
  const surplus = operands[wanted.length];
  if (surplus !== undefined) {
    const expected = wanted.length === 0 ? "options only" : wanted.map((one) => `one ${one.name}`).join(" and ");
    throw usage(called, expected, `"${surplus}"`, `See ${called} --help.`);
  }
  return call;
}

interface OptionToken {
  readonly name: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function textOf(called: string, { name, value, inlineValue }: OptionToken, { hint }: Option<unknown>): string {
  if (hint === undefined && value === undefined) return "";
  if (hint === undefined) throw usage(`${called}: --${name}`, "no value", `"${value}"`, `Say --${name} alone.`);
  if (value === undefined || (!inlineValue && value.startsWith("--"))) {
    throw usage(`${called}: --${name}`, hint, value === undefined ? "nothing" : `"${value}"`, `Say --${name} ${hint}.`);
  }
  return value;
}

function unknownOption(called: string, raw: string, options: Options): VouchError {
  const near = nearest(raw.replace(/^-+/, ""), Object.keys(options));
  return usage(called, "an option it knows", raw, `Did you mean --${near}? See ${called} --help.`);
}

function usage(name: string, expected: string, got: string, remedy: string): VouchError {
  return new VouchError("parameter", { name, expected, got, remedy });
}

/** Help of one command, from the table. */
export async function commandHelp(name: string, { summary, operand, target, options }: Command): Promise<string> {
  const args: ArgsDef = {
    ...Object.fromEntries(
      [operand, target].flatMap((one) => (one ? [[one.name, { type: "positional", description: one.summary }]] : [])),
    ),
    ...mapOptions({ ...options, ...common }, ({ summary: description, hint, fallback, shown = fallback }) => ({
      description,
      ...(hint ? { type: "string", valueHint: hint } : { type: "boolean" }),
      ...(shown === undefined || shown === false ? {} : { default: String(shown) }),
    })),
  } as ArgsDef;
  return plain(
    await renderUsage(defineCommand({ meta: { name: `vouch ${name}`, version, description: summary }, args })),
  );
}

/** Help of all commands, or of those that begin with `first`. */
export async function overallHelp(commands: Commands, summary: string, first?: string): Promise<string> {
  const chosen = Object.entries(commands).filter(([name]) => first === undefined || name.startsWith(`${first} `));
  const subCommands = Object.fromEntries(
    chosen.map(([name, { summary: description }]) => [
      first === undefined ? name : name.slice(first.length + 1),
      defineCommand({ meta: { description } }),
    ]),
  );
  const name = first === undefined ? "vouch" : `vouch ${first}`;
  const text = await renderUsage(defineCommand({ meta: { name, version, description: summary }, subCommands }));
  return plain(`${text.replace(Object.keys(subCommands).join("|"), "<command> [OPTIONS]")}\n\n${EXIT_CODES}`);
}

const EXIT_CODES = `Exit codes: 0 ok, 1 a label or a check failed, 2 undecidable, 64 bad usage or input, 69 no engine or device, 74 a file cannot be read or written,
130 interrupted, 70 a fault of Vouch. Data is looked for in VOUCH_DATA, else ../shared/data beside the package.`;

function plain(text: string): string {
  const shown = usesColor(process.stdout) ? text : stripVTControlCharacters(text);
  return shown.replace(/ +$/gm, "").trimEnd();
}

function mapOptions<V>(options: Options, f: (option: Option<unknown>) => V): Record<string, V> {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, f(option)]));
}
