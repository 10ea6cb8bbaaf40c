/** @file Grids as the user names them: those of the data folder, or drawn by the same recipe. */

import { existsSync } from "node:fs";
import { z } from "zod";
import { drawPathData, type PathData, readPathData } from "../src/applications/decisions/paths/data.js";
import type { Neighbours } from "../src/applications/decisions/paths/grid.js";
import { within } from "./errors.js";
import { readJson } from "./images.js";
import { dataFile } from "./paths.js";

/** The k×k grid of the data folder where it has one of these neighbours, else a drawn one; with the words for a card. @throws file, format, data */
export async function pathData(
  name: string,
  k: number,
  neighbours: Neighbours = 4,
): Promise<{ data: PathData; source: string }> {
  const file = dataFile("paths", `fpo_dys_grid${k}.json`);
  const drawn = neighbours === 8 || !existsSync(file);
  if (drawn) return { data: drawPathData(k, { neighbours }), source: "drawn by the recipe of fpo-dys, seed 2024" };
  const json = await readJson(name, file, z.unknown(), "a grid with contexts");
  const data = await within(`${name} ${file}`, async () => readPathData(json));
  return { data, source: `fpo_dys_grid${k}.json of fpo-dys (MIT)` };
}
