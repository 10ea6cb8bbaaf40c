/** @file A Python process that answers one JSON line for each it is sent. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pythons } from "./python.js";

const run = promisify(execFile);

/** glibc keeps freed memory: without it PyTorch pays page faults for every image it allocates. */
const MEMORY = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "100000000000" };

export interface Peer {
  ask<Answer>(task: string, also?: Readonly<Record<string, unknown>>): Promise<Answer>;
  close(): Promise<void>;
}

/** The Python with the newest PyTorch; undefined where none has it. */
export async function newestTorch(): Promise<string | undefined> {
  const found: { python: string; version: readonly number[] }[] = [];
  for (const python of pythons) {
    const answer = await run(python, ["-c", "import torch, scipy; print(torch.__version__)"]).catch(() => undefined);
    if (answer) found.push({ python, version: answer.stdout.split(/[.+a-z]/).map(Number) });
  }
  const newer = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]! || a[1]! - b[1]!;
  return found.sort((a, b) => newer(b.version, a.version))[0]?.python;
}

/** Start `script` of bench/peers with `args`. */
export function startPeer(python: string, script: string, args: readonly string[]): Peer {
  const path = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(python, [path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...MEMORY, TORCHINDUCTOR_FREEZING: "1" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, "exit");
  return {
    async ask(task, also = {}) {
      child.stdin.write(`${JSON.stringify({ task, ...also })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended at task "${task}"; its own words are above.`);
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
