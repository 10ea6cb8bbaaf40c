/** @file Commands in the documents are commands: every line is read, with its options. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readCall } from "../../cli/command.js";
import { commands } from "../../cli/commands/index.js";

test.each(["ct-data.md"])("%s", (name) => {
  const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
  const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split("\n"));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const [program, ...words] = line.split(" ");
    expect(program).toBe("vouch");
    expect(readCall(words, commands).help, line).toBe(false);
  }
});
