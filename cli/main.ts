#!/usr/bin/env node
/** @file The vouch command. */

import { VouchError } from "../src/errors.js";
import { type Call, type Commands, commandHelp, overallHelp, readCall, subcommands } from "./command.js";
import { commands } from "./commands/index.js";
import { exitCodeOf, INTERRUPTED } from "./errors.js";
import { machineLine, output } from "./output.js";
import { version } from "./paths.js";
import { progress } from "./progress.js";

// ONNX Runtime reports its use to its makers unless told not to; it is loaded later than this runs.
process.env.ORT_DISABLE_TELEMETRY ??= "1";

const SUMMARY = "Learned optimization models whose every inference carries certificates.";

process.exitCode = await main(process.argv.slice(2), commands);

async function main(words: readonly string[], table: Commands): Promise<number> {
  const [first] = words;
  if (first === "--version") return say(version);
  if (first === undefined || first === "--help" || first === "help") return say(await overallHelp(table, SUMMARY));
  const group = subcommands(first, table);
  if (group.length > 0 && words.includes("--help") && !group.includes(words[1]!)) {
    return say(await overallHelp(table, SUMMARY, first));
  }
  const json = words.includes("--json");
  try {
    const call = readCall(words, table);
    if (call.help) return say(await commandHelp(call.name, call.command));
    return await run(call, json);
  } catch (error) {
    return report(error, { json, trace: words.includes("--trace") });
  }
}

async function run({ name, command, options, operand, target }: Call, json: boolean): Promise<number> {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
    process.stderr.write("\nStopping after the step at hand; Ctrl-C again to stop at once.\n");
  };
  process.on("SIGINT", interrupt);
  try {
    const out = output({ json });
    const context = { name: `vouch ${name}`, options, operand, target, out, progress, signal: controller.signal };
    const { figures, report, exit = 0 } = await command.run(context);
    if (json) say(machineLine(name, figures, {}, report));
    return exit;
  } finally {
    process.off("SIGINT", interrupt);
  }
}

function report(error: unknown, { json, trace }: { json: boolean; trace: boolean }): number {
  const known = error instanceof VouchError;
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : "internal";
  if (code === "cancelled") process.stderr.write("Stopped; nothing was written.\n");
  else process.stderr.write(`error (${code}): ${known ? "" : "a fault of Vouch: "}${message}\n`);
  if (trace && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else if (!known) process.stderr.write("Run again with --trace to see where.\n");
  if (json) say(JSON.stringify({ code, details: known ? error.details : { message } }));
  return exitCodeOf(error);
}

function say(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}
