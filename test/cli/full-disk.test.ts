/** @file Training on a disk that fills up: the last checkpoint stays whole, the error says so, and a resumed run ends the same. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCheckpoint } from "../../src/files/checkpoint.js";
import { tinyScan } from "./tiny.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const words = ["train", "ct", ...tinyScan, "--count", "2", "--size", "3", "--batch", "4", "--slices", "8"].concat([
  ...["--validation", "4", "--phases", "4", "--passes", "2"],
]);
const vouch = [process.execPath, "--import", "tsx", join(root, "cli", "main.ts")];
const checkpointOf = (folder: string) => join(folder, "w.checkpoint.safetensors");

let folder = "";
let whole: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-disk-"));
  const { status } = run([...vouch, ...words, "--out", join(folder, "whole", "w.safetensors")]);
  expect(status).toBe(0);
  whole = await readFile(join(folder, "whole", "w.safetensors"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

function run([command, ...rest]: readonly string[]) {
  return spawnSync(command!, rest, { cwd: root, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
}

const works = (...command: string[]) => run(command).status === 0;
/** A file system of one's own needs user namespaces; `prlimit` of util-linux makes writes fail in a running process. */
const limits = works("prlimit", "--version");
const mounts = works("unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt");

describe("a full disk", () => {
  it.skipIf(mounts || !limits)(
    "leaves the last checkpoint: a process that may not write, where nothing can be mounted",
    async () => {
      const at = join(folder, "limited");
      const target = join(at, "w.safetensors");
      await mkdir(at);
      const [command, ...rest] = [...vouch, ...words, "--out", target];
      const child = spawn(command!, rest, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk;
      });
      const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
      while (!existsSync(checkpointOf(at)) && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect(works("prlimit", "--pid", `${child.pid}`, "--fsize=1:1")).toBe(true);
      expect(await ended).toBe(74);
      expect(stderr).toMatch(/^error \(file\): vouch train ct: expected .* to be writable, got a file above the size/m);
      expect(stderr).toContain(`phases are in ${checkpointOf(at)}. Go on with --resume.`);
      expect((await readdir(at)).sort()).toEqual(["w.checkpoint.safetensors", "w.log.jsonl"]);
      const { phase } = parseCheckpoint(await readFile(checkpointOf(at))).checkpoint;
      expect(stderr).toContain(`${phase + 1} of 4 phases`);
      expect(run([...vouch, ...words, "--out", target, "--resume"]).status).toBe(0);
      expect(Buffer.compare(await readFile(target), whole)).toBe(0);
    },
  );

  it.skipIf(!mounts)("leaves the last checkpoint: a file system of 64 KiB, where it can be mounted", async () => {
    const script = `
      set -u
      mount -t tmpfs -o size=64k none /mnt
      "$@" --out /mnt/w.safetensors 2> ${folder}/stderr & job=$!
      while [ ! -e /mnt/w.checkpoint.safetensors ] && kill -0 $job; do sleep 0.01; done
      dd if=/dev/zero of=/mnt/filler bs=1k 2> /dev/null
      wait $job; echo "exit $?"
      ls -A /mnt
      cp /mnt/w.checkpoint.safetensors ${folder}/kept
      rm /mnt/filler
      "$@" --out /mnt/w.safetensors --resume > /dev/null; echo "resumed $?"
      cp /mnt/w.safetensors ${folder}/resumed`;
    const inside = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script, "bash"];
    const { stdout } = run([...inside, ...vouch, ...words]);
    expect(stdout.split("\n").filter((line) => /^(exit|resumed|w|filler|\.)/.test(line))).toEqual([
      "exit 74",
      "filler",
      "w.checkpoint.safetensors",
      "w.log.jsonl",
      "resumed 0",
    ]);
    const stderr = await readFile(join(folder, "stderr"), "utf8");
    expect(stderr).toContain("got a full disk");
    const { phase } = parseCheckpoint(await readFile(join(folder, "kept"))).checkpoint;
    expect(stderr).toContain(`${phase + 1} of 4 phases are in /mnt/w.checkpoint.safetensors`);
    expect(Buffer.compare(await readFile(join(folder, "resumed")), whole)).toBe(0);
  });
});
