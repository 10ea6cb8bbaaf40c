/** @file The log of a training: the same in both formats, gone on with after a cut, and refused by name. */

import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTrainingLog } from "../../cli/training-log.js";
import type { PhaseEvent, StepEvent } from "../../src/training/fit.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-log-"));
});
afterEach(() => rm(folder, { recursive: true }));

const step = (t: number): StepEvent => ({
  phase: 0,
  pass: 1,
  t,
  total: 20,
  loss: 0.1 + 0.2 * t,
  residual: 1e-7,
  solverSteps: 40,
});
const events: readonly (StepEvent | PhaseEvent)[] = [
  step(1),
  { ...step(2), adjoint: 3e-5 },
  { phase: 0, loss: 0.25, validation: 1e-9 },
];

async function write(path: string, what: typeof events, goOn = false): Promise<void> {
  const log = await openTrainingLog("vouch train: --log", path, goOn);
  for (const event of what) log.write(event);
  await log.close();
}

/** Entries of a log without their time, numbers as numbers. */
async function read(path: string): Promise<object[]> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const timeless = ({ time, ...rest }: Record<string, unknown>) => {
    expect(Number.isNaN(Date.parse(String(time)))).toBe(false);
    return rest;
  };
  if (path.endsWith(".jsonl")) return lines.map((line) => timeless(JSON.parse(line)));
  const [header, ...rows] = lines.map((line) => line.split(","));
  return rows.map((row) => {
    expect(row).toHaveLength(header!.length);
    const cells = row.map((cell, i) => [header![i]!, header![i] === "time" ? cell : Number(cell)] as const);
    return timeless(Object.fromEntries(cells.filter((_, i) => row[i] !== "")));
  });
}

describe.each(["log.jsonl", "log.csv"])("%s", (file) => {
  it("says all of every event, and nothing of what an event does not say", async () => {
    await write(join(folder, "new", file), events);
    expect(await read(join(folder, "new", file))).toEqual(events);
  });

  it("is gone on with where the last whole line ends", async () => {
    const path = join(folder, file);
    await write(path, events);
    await appendFile(path, "2026-01-01T00:00:0");
    await write(path, [step(3)], true);
    expect(await read(path)).toEqual([...events, step(3)]);
  });

  it("is begun where there is none to go on with, and anew where none is asked for", async () => {
    const path = join(folder, file);
    await write(path, [step(1)], true);
    expect(await read(path)).toEqual([step(1)]);
    await write(path, [step(2)]);
    expect(await read(path)).toEqual([step(2)]);
  });
});

it("a name of another ending is refused, and so is a CSV of other columns", async () => {
  await expect(openTrainingLog("vouch train: --log", join(folder, "log.txt"), false)).rejects.toThrow(
    /^vouch train: --log: expected a name that ends in \.jsonl or \.csv/,
  );
  const path = join(folder, "other.csv");
  await writeFile(path, "t,loss\n1,2\n");
  await expect(openTrainingLog("vouch train: --log", path, true)).rejects.toThrow(/got t,loss in/);
  expect(await readFile(path, "utf8")).toBe("t,loss\n1,2\n");
});
