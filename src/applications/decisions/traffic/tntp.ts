/** @file Road networks in TNTP files: a network and a table of trips. */

import { VouchError } from "../../../errors.js";
import { bpr, type Demand, type Link, type RoadNetwork } from "./network.js";

/**
 * Read the two files of a network, NAME_net.tntp and NAME_trips.tntp; the files number nodes from 1, the result from 0.
 *
 * Link times are BPR with the file's b and power; lengths, tolls and speeds are not used. Trips within a zone do not travel.
 *
 * @throws format naming the line that is another; data naming the line whose node is unknown
 * @source bstabler/TransportationNetworks, README (the format)
 */
export function readTntp(net: string, trips: string): RoadNetwork {
  const { fields, rows } = sections("net", net);
  const nodes = fieldOf("net", fields, "NUMBER OF NODES");
  const node = (text: string, where: string) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= nodes) return value - 1;
    throw refuse("data", `nodes 1 … ${nodes}`, `node ${text} ${where}`, "Add the node, or repair the line.");
  };
  const links = rows.map(([line, text]): Link => {
    const cells = text.replace(";", "").trim().split(/\s+/);
    const [capacity, , time, b, power] = cells.slice(2).map(Number) as [number, number, number, number, number];
    if (cells.length < 7 || ![capacity, time, b, power].every(Number.isFinite)) {
      throw refuse("format", "a link: two nodes and numbers", `line ${line} of the network: ${text.trim()}`, FORMAT);
    }
    const where = `in line ${line} of the network`;
    return { tail: node(cells[0]!, where), head: node(cells[1]!, where), of: bpr(time, capacity, b, power) };
  });
  const count = fieldOf("net", fields, "NUMBER OF LINKS");
  if (links.length !== count) throw refuse("format", `${count} links`, `${links.length}`, "The file is cut short.");
  const firstThrough = fieldOf("net", fields, "FIRST THRU NODE") - 1;
  return { nodes, firstThrough, links, demands: readTrips(trips, node) };
}

const FORMAT = "Pass NAME_net.tntp and NAME_trips.tntp.";

function readTrips(trips: string, node: (text: string, where: string) => number): Demand[] {
  let origin: number | undefined;
  return sections("trips", trips).rows.flatMap(([line, text]) => {
    const where = `in line ${line} of the trips`;
    const heading = /^\s*Origin\s+(\S+)/.exec(text);
    if (heading) {
      origin = node(heading[1]!, where);
      return [];
    }
    return text.split(";").flatMap((entry): Demand[] => {
      if (entry.trim() === "") return [];
      const [destination, amount] = entry.split(":").map((part) => part.trim());
      const value = Number(amount);
      if (origin === undefined || amount === undefined || amount === "" || !(value >= 0)) {
        throw refuse("format", "DESTINATION : TRIPS; after an Origin", `"${entry.trim()}" ${where}`, FORMAT);
      }
      const to = node(destination!, where);
      return value > 0 && to !== origin ? [{ origin, destination: to, amount: value }] : [];
    });
  });
}

function sections(which: string, text: string) {
  const lines = text.split(/\r?\n/).map((line, n) => [n + 1, line] as const);
  const end = lines.findIndex(([, line]) => line.includes("<END OF METADATA>"));
  if (end < 0) throw refuse("format", `<END OF METADATA> in the ${which} file`, "none", FORMAT);
  const fields = new Map(
    lines.slice(0, end).flatMap(([, line]) => {
      const found = /^<([^>]+)>\s*(\S+)/.exec(line);
      return found ? [[found[1]!, found[2]!] as const] : [];
    }),
  );
  const rows = lines.slice(end + 1).filter(([, line]) => line.trim() !== "" && !line.trim().startsWith("~"));
  return { fields, rows };
}

function fieldOf(which: string, fields: ReadonlyMap<string, string>, name: string): number {
  const value = Number(fields.get(name));
  if (Number.isInteger(value) && value > 0) return value;
  throw refuse("format", `<${name}> in the ${which} file`, fields.get(name) ?? "none", FORMAT);
}

function refuse(code: "format" | "data", expected: string, got: string, remedy: string): VouchError {
  return new VouchError(code, { name: "readTntp", expected, got, remedy });
}
