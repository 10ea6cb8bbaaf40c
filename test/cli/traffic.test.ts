/** @file vouch evaluate traffic: Braess always, a TNTP network by its path, what is refused. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "./run.js";

let folder = "";
const file = (name: string) => join(folder, name);
const net = `<NUMBER OF NODES> 4
<FIRST THRU NODE> 1
<NUMBER OF LINKS> 4
<END OF METADATA>
 1 3 10 1 2 0.5 1 0 0 1 ;
 3 2 10 1 2 0.5 1 0 0 1 ;
 1 4 10 1 2 0.5 1 0 0 1 ;
 4 2 10 1 2 0.5 1 0 0 1 ;
`;
const trips = "<END OF METADATA>\nOrigin 1\n 2 : 20.0;\n";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-traffic-"));
  await writeFile(file("two_net.tntp"), net);
  await writeFile(file("two_trips.tntp"), trips);
  await writeFile(file("alone_net.tntp"), net);
});
afterAll(() => rm(folder, { recursive: true }));

it("finds that six travellers need 92 with Braess's bridge and 83 without it", async () => {
  const { figures } = await runCommand(["evaluate", "traffic"]);
  expect(figures["braess_total"]).toBeCloseTo(6 * 92, 6);
  expect(figures["braess_total_without_bridge"]).toBeCloseTo(6 * 83, 6);
  expect(figures["braess_relative_gap"]).toBeLessThanOrEqual(1e-10);
  expect(figures["tstt"]).toBeUndefined();
});

it("reads a network and its trips: two ways alike share them", async () => {
  const { figures } = await runCommand(["evaluate", "traffic", "--network", file("two_net.tntp")]);
  // 10 travellers on each of four links: t = 2 (1 + 0.5 · 10/10) = 3.
  expect(figures["tstt"]).toBeCloseTo(4 * 10 * 3, 6);
  expect(figures["beckmann"]).toBeCloseTo(4 * (2 * 10 + 5), 6);
  expect(figures["relative_gap"]).toBeLessThanOrEqual(1e-10);
});

it("refuses files that are not there, and a gap that is not met", async () => {
  const run = (...words: string[]) => runCommand(["evaluate", "traffic", ...words]);
  await expect(run("--network", file("alone_net.tntp"))).rejects.toThrow(/a TNTP file.*alone_trips\.tntp/);
  await expect(run("--network", file("two_trips.tntp"))).rejects.toThrow(/expected NAME_net\.tntp/);
  await expect(run("--passes", "1")).rejects.toThrow(/a relative gap of 1e-10 after 1 passes/);
});
