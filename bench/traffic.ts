/** @file Traffic equilibria: Braess's paradox, and Sioux Falls where its files are at hand. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFile } from "../cli/paths.js";
import { equilibrium } from "../src/applications/decisions/traffic/equilibrium.js";
import { braess } from "../src/applications/decisions/traffic/network.js";
import { readTntp } from "../src/applications/decisions/traffic/tntp.js";
import type { Bench } from "./main.js";

/** SiouxFalls_net.tntp and SiouxFalls_trips.tntp are for academic use and are not shipped: VOUCH_TNTP, else paths/ of the data folder. */
const folder = () => process.env["VOUCH_TNTP"] ?? dataFile("paths");

export const traffic: Bench = async (log) => {
  const [bridge, none] = [equilibrium(braess(true)), equilibrium(braess(false))];
  const cost = (total: number) => total / 6;
  const figures: Record<string, number | null> = {
    braess_cost: cost(bridge.total),
    braess_cost_without_bridge: cost(none.total),
    braess_route_error: Math.max(...bridge.ways[0]!.map(({ flow }) => Math.abs(flow - 2))),
    ...{ tstt: null, relative_gap: null, beckmann: null, ms: null },
  };
  const [net, trips] = ["net", "trips"].map((part) => join(folder(), `SiouxFalls_${part}.tntp`)) as [string, string];
  if (!existsSync(net) || !existsSync(trips)) {
    log(`Sioux Falls skipped: no ${net}; set VOUCH_TNTP to a folder with the two files.`);
    return { figures, env: { sioux_falls: "skipped" } };
  }
  const network = readTntp(await readFile(net, "utf8"), await readFile(trips, "utf8"));
  const started = performance.now();
  const { total, relativeGap, beckmann, iterations } = equilibrium(network);
  const ms = performance.now() - started;
  log(
    `Sioux Falls: total time ${total.toFixed(4)}, relative gap ${relativeGap.toExponential(1)}, ${iterations} passes`,
  );
  return {
    figures: { ...figures, tstt: total, relative_gap: relativeGap, beckmann, ms },
    env: { sioux_falls: "read" },
  };
};
