/** @file vouch evaluate traffic: equilibria of Braess's network and of a TNTP network, with the gap that tests them. */

import { type Equilibrium, equilibrium } from "../../src/applications/decisions/traffic/equilibrium.js";
import { braess } from "../../src/applications/decisions/traffic/network.js";
import { readTntp } from "../../src/applications/decisions/traffic/tntp.js";
import { VouchError } from "../../src/errors.js";
import { command } from "../command.js";
import { within } from "../errors.js";
import { readFileOrExplain } from "../files.js";
import { integer, number, text } from "../options.js";

export const evaluateTraffic = command({
  summary: "Traffic equilibria of Braess's network and of a TNTP network: total time, Wardrop's relative gap.",
  options: {
    network: text("A network, with NAME_trips.tntp beside it.", "NAME_net.tntp", undefined),
    gap: number("Relative gap at which a solve stops.", 1e-10, { above: 0 }),
    passes: integer("Most passes over all demands.", 1000, { min: 1 }),
  },
  async run({ name, options, out }) {
    const { network: net, gap, passes: maxIterations } = options;
    const solve = (roads: Parameters<typeof equilibrium>[0]) => equilibrium(roads, { gap, maxIterations });
    const [bridge, none] = [solve(braess(true)), solve(braess(false))];
    const rows = [row("Braess", bridge), row("Braess without the bridge", none)];
    const figures: Record<string, number> = {
      braess_total: bridge.total,
      braess_total_without_bridge: none.total,
      braess_relative_gap: Math.max(bridge.relativeGap, none.relativeGap),
    };
    if (net !== undefined) {
      const found = await within(`${name}: --network ${net}`, async () => {
        const files = [net, tripsBeside(`${name}: --network`, net)];
        const [roads, trips] = await Promise.all(files.map((file) => readFileOrExplain(file, "a TNTP file")));
        return solve(readTntp(new TextDecoder().decode(roads), new TextDecoder().decode(trips)));
      });
      rows.push(row(net, found));
      const { total, relativeGap, beckmann, iterations } = found;
      Object.assign(figures, { tstt: total, relative_gap: relativeGap, beckmann, passes: iterations });
    }
    out.table(["network", "links", "total time", "relative gap", "passes"], rows);
    return { figures };
  },
});

/** "A_net.tntp" → "A_trips.tntp". */
function tripsBeside(name: string, net: string): string {
  if (net.endsWith(ENDING)) return `${net.slice(0, -ENDING.length)}_trips.tntp`;
  const remedy = "Its trips are read from NAME_trips.tntp beside it.";
  throw new VouchError("parameter", { name, expected: "NAME_net.tntp", got: `"${net}"`, remedy });
}

const ENDING = "_net.tntp";

function row(network: string, { flows, total, relativeGap, iterations }: Equilibrium): (string | number)[] {
  return [network, flows.length, total.toFixed(4), relativeGap.toExponential(1), iterations];
}
