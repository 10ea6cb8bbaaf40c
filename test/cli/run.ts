/** @file Commands in the test's own process, their lines caught. */

import { readCall } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";

export interface Ran {
  readonly figures: Readonly<Record<string, number>>;
  readonly exit: number;
  readonly lines: readonly string[];
  /** What progress was shown of, and up to where. */
  readonly progress: Readonly<Record<string, number>>;
}

/** Run a command line. @throws what the command throws */
export async function runCommand(
  words: readonly string[],
  { signal = new AbortController().signal } = {},
): Promise<Ran> {
  const { name, command, options, operand, target } = readCall(words, commands);
  const lines: string[] = [];
  const shown: Record<string, number> = {};
  const out = {
    line: (text = "") => void lines.push(text),
    table: (heading: readonly string[]) => void lines.push(heading.join(" ")),
    label: (label: string) => label,
    heading: (text: string) => void lines.push(text),
  };
  const progress = (label: string) => ({
    update: (done: number) => {
      shown[label] = done;
    },
    stop: () => {},
  });
  const context = { name: `vouch ${name}`, options, operand, target, out, progress, signal };
  const { figures, exit = 0 } = await command.run(context);
  return { figures, exit, lines, progress: shown };
}
